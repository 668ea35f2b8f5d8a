/* The data of the page and the arithmetic on it; nothing here touches the document but to read the data.
 *
 * There are two trees: `callees` from the root of the stacks to their ends, `callers` the other way. Of each node the
 * page carries, for every view, the amounts of the stacks that end there (its "self", old and new). Everything else is
 * a sum. Nodes lie in preorder, so a parent comes before its children and one sweep from the end to the start adds up
 * the tree.
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

/* Cuts a name to `most` characters: template arguments first, the last ones before the others, then as many leading
 * qualifiers as needed ("encoding/json.(*Decoder).read" -> "...(*Decoder).read"); of a name without any the middle. */
function shorten(name, most) {
    while (name.length > most) {
        const arguments_ = lastArguments(name);
        if (!arguments_)
            break;
        name = name.slice(0, arguments_[0]) + '<\u2026>' + name.slice(arguments_[1] + 1);
    }
    if (name.length <= most)
        return name;
    let cut = qualifierEnd(name, 0);
    while (cut > 0 && name.length - cut + 1 > most)
        cut = qualifierEnd(name, cut);
    if (cut > 0 && (name.length - cut + 1) * 2 > most)
        return '\u2026' + name.slice(cut);
    if (qualifierEnd(name, 0) > 0 && most > 2)
        return '\u2026' + name.slice(1 - most);
    if (most < 6)
        return name.slice(0, Math.max(most - 1, 1)) + '\u2026';
    const head = Math.floor((most - 1) * 0.5);
    return name.slice(0, head) + '\u2026' + name.slice(name.length - (most - 1 - head));
}

/* The last outermost pair of angle brackets that holds more than a character. The brackets of operator<, operator->
 * have no partner, which ends the search. */
function lastArguments(name) {
    let open = -1, depth = 0, last = null;
    for (let i = 0; i < name.length; i++) {
        if (name[i] === '<' && depth++ === 0)
            open = i;
        if (name[i] !== '>' || name[i - 1] === '-')
            continue;
        if (depth === 0)
            break;
        if (--depth === 0 && i - open > 2)
            last = [open, i];
    }
    return last;
}

/* Behind the next '/', '.' or '::' that something follows, outside of any brackets; 0: there is none. */
function qualifierEnd(name, from) {
    let depth = 0;
    for (let i = from; i < name.length - 2; i++) {
        const c = name[i];
        depth += c === '(' || c === '<' || c === '[' ? 1 : c === ')' || c === '>' || c === ']' ? -1 : 0;
        if (depth !== 0)
            continue;
        if (c === '/' || (c === '.' && i > from))
            return i + 1;
        if (c === ':' && name[i + 1] === ':')
            return i + 2;
    }
    return 0;
}

/* ---- rows: what a frame is of, a function as a rule ---- */

/* Of each row: file, line, and for each view a bit for each amount that is not 0, two for what is noise, the amounts. */
class Rows {
    constructor(data) {
        const reader = new NumberReader(data.rows), count = data.names.length, views = data.views.length;
        this.count = count;
        this.names = data.names.map(makeVisible);
        this.places = new Array(count);
        this.renamed = new Map(data.renamed.map(([row, name, likeness]) => [row, [makeVisible(name), likeness]]));
        this.flat = makeAmounts(views, count);
        this.cum = makeAmounts(views, count);
        this.totalIsNoise = data.total_is_noise; // by view
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

    /* The same tree with nothing in it but the stacks that have a frame whose row is marked; nodes keep their numbers. */
    only(isMarked) {
        const tree = new Tree(0), isKept = new Uint8Array(this.count);
        for (let node = 1; node < this.count; node++)
            isKept[node] = isKept[this.parent[node]] || (this.row[node] >= 0 && isMarked[this.row[node]]);
        Object.assign(tree, {count: this.count, parent: this.parent, row: this.row, depth: this.depth, folded: this.folded});
        tree.self = this.self.map(sides => sides.map(values => values.map((value, node) => isKept[node] ? value : 0)));
        return tree;
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

/* Of each node: levels up from the one before to the parent, row + 1 or 0 and the number of frames that are folded into
 * it, a bit for each amount that is not 0, these amounts. */
function readTree({nodes, count}, views) {
    const reader = new NumberReader(nodes), tree = new Tree(count + 1);
    tree.self = makeAmounts(views, tree.count);
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
        last = node;
    }
    return tree;
}
