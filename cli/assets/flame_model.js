/* The data of the page and the arithmetic on it; nothing here touches the document but to read the data.
 *
 * The page carries, for every view, the amounts of each stack where it ends (the "self" amounts of a node, old and
 * new). Everything else is a sum: totals of a node, widths, the tree of callers. Nodes lie in preorder, so a parent
 * comes before its children and one sweep from the end to the start adds up the tree.
 *
 * Width of a node, by mode:
 *   both    the larger of old and new, stack by stack: what was added and what was removed both have a place
 *   old     old
 *   new     new
 *   delta   the size of the change, stack by stack: what did not change takes no place */
'use strict';

const NO_ROW = -1;     // the root: all stacks
const FOLDED_ROW = -2; // frames that were left out of the page, as one
const OLD = 0, NEW = 1;

/* Numbers of seven bits a byte, the lowest first, in base64. Beyond 2^53 the lowest digits are lost. */
class NumberReader {
    constructor(base64) {
        this.text = atob(base64);
        this.at = 0;
    }
    unsigned() {
        const text = this.text;
        let byte = text.charCodeAt(this.at++);
        if (byte < 128)
            return byte;
        let value = byte - 128, scale = 128;
        do {
            byte = text.charCodeAt(this.at++);
            value += (byte & 127) * scale;
            scale *= 128;
        } while (byte >= 128);
        return value;
    }
    signed() {
        const value = this.unsigned();
        return value % 2 ? -(value + 1) / 2 : value / 2;
    }
}

/* What a name may do to a page is only this: be read. Characters that cannot be seen or that turn the direction of
 * the text are written as their number. */
function makeVisible(name) {
    return name.replace(/[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g,
        c => '\u2039U+' + c.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0') + '\u203a');
}

/* ---- numbers as heapdiff's text shows them ---- */

const SCALES = {
    bytes: {names: ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'], step: 1024, exact: 1023, last: 6},
    nanoseconds: {names: ['ns', 'us', 'ms', 's'], step: 1000, exact: 999, last: 3},
    count: {names: ['', 'k', 'M', 'G', 'T', 'P', 'E'], step: 1000, exact: 9999, last: 6},
};

/* Rounds to even where the number lies exactly between two, as printf does. */
function toPlaces(value, places) {
    const scale = 10 ** places, scaled = value * scale, low = Math.floor(scaled);
    if (scaled - low === 0.5 && scaled / scale === value)
        return ((low % 2 ? low + 1 : low) / scale).toFixed(places);
    return value.toFixed(places);
}

function formatAmount(value, unit, withSign) {
    const scale = SCALES[unit === 'byte' ? 'bytes' : unit] || SCALES.count;
    const size = Math.abs(value), sign = value < 0 ? '-' : withSign && value > 0 ? '+' : '';
    if (size <= scale.exact)
        return sign + size + (size ? scale.names[0] : '');
    let scaled = size, index = 0;
    while (index < scale.last && scaled >= scale.step - 0.5) {
        scaled /= scale.step;
        index++;
    }
    const isWhole = scale === SCALES.bytes && scaled === Math.floor(scaled) && scaled >= 10;
    const places = isWhole ? 0 : scaled < 9.995 ? 2 : scaled < 99.95 ? 1 : 0;
    return sign + toPlaces(scaled, places) + scale.names[index];
}

function formatChange(before, after) {
    const change = (after - before) / Math.abs(before) * 100;
    if (before === after)
        return '';
    if (!before || !after)
        return before ? '[DEL]' : '[NEW]';
    if (Math.abs(change) >= 99999.5)
        return change > 0 ? '>+99999%' : '<-99999%';
    return (change > 0 ? '+' : '-') + toPlaces(Math.abs(change), Math.abs(change) < 9.95 ? 1 : 0) + '%';
}

function formatShare(part, whole) {
    return whole ? toPlaces(part / whole * 100, part === whole ? 0 : 1) + '%' : '';
}

const formatCount = n => String(n).replace(/\B(?=(\d{3})+$)/g, ',');

/* Cuts a name to `most` characters: template arguments first, the last ones before the others, then the middle. */
function shorten(name, most) {
    while (name.length > most) {
        let open = -1, depth = 0, best = null;
        for (let i = 0; i < name.length; i++) {
            if (name[i] === '<' && depth++ === 0)
                open = i;
            if (name[i] !== '>' || name[i - 1] === '-')
                continue;
            if (depth === 0)
                break;
            if (--depth === 0 && i - open > 2)
                best = [open, i];
        }
        if (!best)
            break;
        name = name.slice(0, best[0]) + '<\u2026>' + name.slice(best[1] + 1);
    }
    if (name.length <= most)
        return name;
    if (most < 6)
        return name.slice(0, Math.max(most - 1, 1)) + '\u2026';
    const head = Math.floor((most - 1) * 0.4);
    return name.slice(0, head) + '\u2026' + name.slice(name.length - (most - 1 - head));
}

/* ---- rows: what a frame is of, a function as a rule ---- */

class Rows {
    constructor(data) {
        const reader = new NumberReader(data.rows), count = data.names.length, views = data.views.length;
        this.count = count;
        this.names = data.names.map(makeVisible);
        this.places = new Array(count);
        this.flat = makeAmounts(views, count);
        this.cum = makeAmounts(views, count);
        this.noise = Array.from({length: views}, () => new Uint8Array(count)); // 1: flat, 2: cum
        const files = data.files.map(makeVisible);
        for (let row = 0; row < count; row++) {
            const file = files[reader.unsigned()], line = reader.signed();
            this.places[row] = file && line ? file + ':' + line : file;
            for (let view = 0; view < views; view++) {
                const mask = reader.unsigned();
                for (let side = OLD; side <= NEW; side++) {
                    if (mask & 1 << side)
                        this.flat[view][side][row] = reader.signed();
                    if (mask & 4 << side)
                        this.cum[view][side][row] = reader.signed();
                }
                this.noise[view][row] = mask >> 4;
            }
        }
    }
}

function makeAmounts(views, count) {
    return Array.from({length: views}, () => [new Float64Array(count), new Float64Array(count)]);
}

/* ---- trees ---- */

class Tree {
    constructor(count) {
        this.count = count;
        this.parent = new Int32Array(count).fill(-1);
        this.row = new Int32Array(count).fill(NO_ROW);
        this.depth = new Int32Array(count);
        this.folded = new Map(); // node -> number of frames
        this.self = [];          // view -> [old, new]
        this.noise = [];         // view -> 1 where the change of the node is within noise
        this.totals = [];
        this.sums = new Map();
        this.orders = [];
    }

    /* Sums of self amounts below each node, the node included: [old, new]. */
    total(view) {
        if (!this.totals[view])
            this.totals[view] = this.self[view].map(values => this.addUp(values.slice()));
        return this.totals[view];
    }
    addUp(values) {
        for (let node = this.count - 1; node > 0; node--)
            values[this.parent[node]] += values[node];
        return values;
    }

    width(view, mode) {
        const key = view + mode;
        if (!this.sums.has(key)) {
            const [before, after] = this.self[view], width = new Float64Array(this.count);
            for (let node = 0; node < this.count; node++) {
                const a = before[node], b = after[node];
                width[node] = mode === 'old' ? Math.abs(a) : mode === 'new' ? Math.abs(b) :
                    mode === 'delta' ? Math.abs(b - a) : Math.max(Math.abs(a), Math.abs(b));
            }
            this.sums.set(key, this.addUp(width));
        }
        return this.sums.get(key);
    }

    /* Where each node begins, the root at 0. */
    left(view, mode) {
        const key = view + mode + 'left';
        if (!this.sums.has(key)) {
            const width = this.width(view, mode), left = new Float64Array(this.count);
            const {first, list} = this.children(view);
            for (let node = 0; node < this.count; node++) {
                let at = left[node];
                for (let i = first[node]; i < first[node + 1]; i++) {
                    left[list[i]] = at;
                    at += width[list[i]];
                }
            }
            this.sums.set(key, left);
        }
        return this.sums.get(key);
    }

    /* Children of node n: list[first[n]] to list[first[n + 1] - 1], the widest first. The order is that of mode
     * "both" whatever is shown, so that a frame keeps its place when the mode changes. */
    children(view) {
        if (this.orders[view])
            return this.orders[view];
        const width = this.width(view, 'both'), count = this.count;
        const first = new Int32Array(count + 1), list = new Int32Array(count), next = new Int32Array(count);
        for (let node = 1; node < count; node++)
            first[this.parent[node] + 1]++;
        for (let node = 0; node < count; node++)
            first[node + 1] += first[node];
        next.set(first.subarray(0, count));
        for (let node = 1; node < count; node++)
            list[next[this.parent[node]]++] = node;
        const rows = this.row;
        const wider = (a, b) => (rows[a] === FOLDED_ROW) - (rows[b] === FOLDED_ROW) || width[b] - width[a] || a - b;
        for (let node = 0; node < count; node++)
            if (first[node + 1] - first[node] > 1)
                list.subarray(first[node], first[node + 1]).sort(wider);
        return this.orders[view] = {first, list};
    }

    /* Old and new of the frames whose row is marked, each stack once: [old, new]. */
    sumOf(view, isMarked) {
        const [before, after] = this.total(view), inside = new Uint8Array(this.count), sum = [0, 0];
        for (let node = 1; node < this.count; node++) {
            const row = this.row[node];
            const isHit = row >= 0 && isMarked[row], isWithin = inside[this.parent[node]];
            if (isHit && !isWithin) {
                sum[OLD] += before[node];
                sum[NEW] += after[node];
            }
            inside[node] = isHit || isWithin;
        }
        return sum;
    }
}

/* The tree of the page, from the root of the stacks to their leaves. */
function readTree(data) {
    const reader = new NumberReader(data.nodes), views = data.views.length, tree = new Tree(data.nodeCount + 1);
    tree.self = makeAmounts(views, tree.count);
    tree.noise = Array.from({length: views}, () => new Uint8Array(tree.count));
    let last = 0;
    for (let node = 1; node < tree.count; node++) {
        let parent = last;
        for (let up = reader.unsigned(); up > 0; up--)
            parent = tree.parent[parent];
        tree.parent[node] = parent;
        tree.depth[node] = tree.depth[parent] + 1;
        tree.row[node] = reader.unsigned() - 1;
        if (tree.row[node] < 0) {
            tree.row[node] = FOLDED_ROW;
            tree.folded.set(node, reader.unsigned());
        }
        const mask = reader.unsigned();
        for (let view = 0; mask >> view * 2; view++) {
            for (let side = OLD; side <= NEW; side++)
                if (mask >> view * 2 + side & 1)
                    tree.self[view][side][node] = reader.signed();
        }
        const noise = data.noise ? reader.unsigned() : 0;
        for (let view = 0; noise >> view; view++)
            tree.noise[view][node] = noise >> view & 1;
        last = node;
    }
    return tree;
}

/* ---- the same stacks read from their leaves: a function's children are its callers ---- */

const MOST_CALLER_NODES = 50000;

/* Nodes are made the widest first, up to a number that a page can show, so what is left out is narrow: such a frame
 * is shown without its callers. A node is a segment of `stacks`; its children are what the segment falls into when it
 * is sorted by the next frame towards the root. */
function invertTree(tree, view) {
    const stacks = new StackList(tree, view), nodes = [stacks.all()], waiting = [0];
    while (waiting.length && nodes.length < MOST_CALLER_NODES) {
        const index = popWidest(waiting, nodes);
        for (const child of stacks.split(nodes[index])) {
            child.parent = index;
            nodes.push(child);
            pushWidest(waiting, nodes, nodes.length - 1);
        }
    }
    const inverted = new Tree(nodes.length);
    inverted.self[view] = [new Float64Array(nodes.length), new Float64Array(nodes.length)];
    inverted.noise[view] = new Uint8Array(nodes.length);
    const [before, after] = inverted.self[view];
    for (let i = 1; i < nodes.length; i++) {
        const node = nodes[i];
        inverted.parent[i] = node.parent;
        inverted.depth[i] = inverted.depth[node.parent] + 1;
        inverted.row[i] = node.row;
        if (node.row === FOLDED_ROW)
            inverted.folded.set(i, 0);
        before[i] += node.before;
        after[i] += node.after;
        before[node.parent] -= node.before;
        after[node.parent] -= node.after;
    }
    before[0] += nodes[0].before;
    after[0] += nodes[0].after;
    return inverted;
}

class StackList {
    constructor(tree, view) {
        this.tree = tree;
        [this.before, this.after] = tree.self[view];
        const ends = [];
        for (let node = 1; node < tree.count; node++)
            if (this.before[node] || this.after[node])
                ends.push(node);
        this.end = Int32Array.from(ends);  // the node where the stack ends
        this.next = Int32Array.from(ends); // the frame to look at next; 0: none is left
        this.spareEnd = new Int32Array(ends.length);
        this.spareNext = new Int32Array(ends.length);
    }
    all() {
        const whole = {row: NO_ROW, from: 0, to: 0, before: 0, after: 0, size: 0};
        for (; whole.to < this.end.length; whole.to++)
            this.count(whole, this.end[whole.to]);
        return whole;
    }
    count(group, end) {
        const a = this.before[end], b = this.after[end];
        group.before += a;
        group.after += b;
        group.size += Math.max(Math.abs(a), Math.abs(b));
    }
    split({from, to}) {
        const {end, next, spareEnd, spareNext} = this, {row, parent} = this.tree, groups = new Map();
        for (let i = from; i < to; i++) {
            if (next[i] <= 0)
                continue;
            let group = groups.get(row[next[i]]);
            if (!group)
                groups.set(row[next[i]], group = {row: row[next[i]], from: 0, to: 0, before: 0, after: 0, size: 0});
            group.to++;
            this.count(group, end[i]);
        }
        let at = from;
        for (const group of groups.values()) {
            group.from = at;
            at += group.to;
            group.to = group.from;
        }
        for (let i = from; i < to; i++) {
            spareEnd[i] = end[i];
            spareNext[i] = next[i];
        }
        for (let i = from; i < to; i++) {
            if (spareNext[i] <= 0)
                continue;
            const group = groups.get(row[spareNext[i]]);
            end[group.to] = spareEnd[i];
            next[group.to++] = parent[spareNext[i]];
        }
        return groups.values();
    }
}

/* A heap of node numbers, the node of the greatest size on top. */
function pushWidest(heap, nodes, index) {
    let at = heap.push(index) - 1;
    while (at > 0 && nodes[heap[at - 1 >> 1]].size < nodes[index].size) {
        heap[at] = heap[at - 1 >> 1];
        at = at - 1 >> 1;
    }
    heap[at] = index;
}

function popWidest(heap, nodes) {
    const top = heap[0], last = heap.pop();
    if (!heap.length)
        return top;
    let at = 0;
    for (;;) {
        let child = at * 2 + 1;
        if (child + 1 < heap.length && nodes[heap[child + 1]].size > nodes[heap[child]].size)
            child++;
        if (child >= heap.length || nodes[heap[child]].size <= nodes[last].size)
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = last;
    return top;
}
