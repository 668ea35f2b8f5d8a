/* The graph: a tree drawn on a canvas, the root on top, each frame as wide as its amount.
 *
 * The canvas is as large as what can be seen of it, however deep the tree; a drawing visits only frames that are at
 * least half a pixel wide, so it costs what can be seen, not what there is. What is drawn is kept by level, for the
 * mouse to be found in.
 *
 * Colour says how the frame changed, relative to itself: red grew, blue shrank, the stronger the more. The same is
 * said without colour: labels carry the signed change, what is new a '+', what is gone a hatching, and changes that
 * sampling alone can explain a '~'. */
'use strict';

const LEVEL_HEIGHT = 21, LEAST_LABEL = 44, LEAST_DRAWN = 0.5, SHADES = 12, CUM_NOISE = 2;

class FlameView {
    constructor(pane, canvas, spacer) {
        this.pane = pane;
        this.canvas = canvas;
        this.spacer = spacer;
        this.context = canvas.getContext('2d');
        this.tree = null;
        this.zoomed = 0;
        this.hovered = -1;
        this.focused = -1;
        this.marked = null; // by row: found by the search
        this.levels = [];   // what was drawn: [{x, width, node}]
        this.pending = 0;
        this.drawTime = 0;
        pane.addEventListener('scroll', () => this.request());
        new ResizeObserver(() => this.request()).observe(pane);
        this.readTheme();
    }

    /* state: {tree, view, mode, rows, unit, isDiff, isFocused} */
    show(state) {
        Object.assign(this, state);
        this.request();
    }

    request() {
        if (!this.pending)
            this.pending = requestAnimationFrame(() => {
                this.pending = 0;
                const began = performance.now();
                this.draw();
                this.drawTime = performance.now() - began;
            });
    }

    /* Colours come from the style sheet, so the graph follows the theme. */
    readTheme() {
        const style = getComputedStyle(document.documentElement);
        const get = name => style.getPropertyValue(name).trim();
        this.ink = get('--ink');
        this.muted = get('--muted');
        this.paper = get('--paper');
        this.edge = get('--edge');
        this.hatch = get('--hatch');
        this.focusColor = get('--focus');
        const neutral = get('--frame');
        this.grew = shades(neutral, get('--grew-least'), get('--grew-most'));
        this.shrank = shades(neutral, get('--shrank-least'), get('--shrank-most'));
        this.single = ['--single-0', '--single-1', '--single-2', '--single-3', '--single-4', '--single-5'].map(get);
        this.neutral = neutral;
        this.font = '12px ' + get('--mono');
        this.pattern = this.makeHatch();
        this.context.font = this.font;
        this.letter = this.context.measureText('MMMMMMMMMM').width / 10;
        this.request();
    }

    makeHatch() {
        const ratio = window.devicePixelRatio || 1, tile = document.createElement('canvas');
        const size = Math.round(8 * ratio);
        tile.width = tile.height = size;
        const context = tile.getContext('2d');
        context.strokeStyle = this.hatch;
        context.lineWidth = 1.5 * ratio;
        context.beginPath();
        for (const shift of [-size, 0, size]) {
            context.moveTo(shift, size);
            context.lineTo(shift + size, 0);
        }
        context.stroke();
        const pattern = this.context.createPattern(tile, 'repeat');
        pattern.setTransform(new DOMMatrix([1 / ratio, 0, 0, 1 / ratio, 0, 0]));
        return pattern;
    }

    /* The frame that the graph is zoomed to: what was asked for, or the nearest above it that has a width. */
    anchor() {
        const width = this.tree.width(this.view, this.mode);
        let node = this.zoomed;
        while (node > 0 && !(width[node] > 0))
            node = this.tree.parent[node];
        return node;
    }

    draw() {
        if (!this.tree)
            return;
        const {context, canvas, pane} = this, ratio = window.devicePixelRatio || 1;
        const width = pane.clientWidth, height = pane.clientHeight;
        if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
            canvas.width = Math.round(width * ratio);
            canvas.height = Math.round(height * ratio);
            canvas.style.width = width + 'px';
            canvas.style.height = height + 'px';
        }
        context.setTransform(ratio, 0, 0, ratio, 0, 0);
        context.fillStyle = this.paper;
        context.fillRect(0, 0, width, height);
        this.place(width);
        this.spacer.style.height = Math.max(this.levels.length * LEVEL_HEIGHT + 8 - height, 0) + 'px';
        context.font = this.font;
        context.textBaseline = 'middle';
        context.direction = 'ltr';
        const top = pane.scrollTop, last = Math.min(this.levels.length, Math.ceil((top + height) / LEVEL_HEIGHT));
        for (let level = Math.floor(top / LEVEL_HEIGHT); level < last; level++)
            for (const box of this.levels[level])
                this.drawBox(box, level * LEVEL_HEIGHT - top);
        this.drawOutline(this.hovered, this.ink, 1.5);
        this.drawOutline(this.focused, this.focusColor, 2);
    }

    /* Fills `levels`. */
    place(fullWidth) {
        const {tree, view, mode} = this, anchor = this.anchor();
        const width = tree.width(view, mode), left = tree.left(view, mode), {first, list} = tree.children(view);
        const levels = this.levels = [], scale = width[anchor] > 0 ? fullWidth / width[anchor] : 0;
        this.scale = scale;
        this.isEmpty = !scale;
        for (let node = anchor; node >= 0; node = tree.parent[node])
            levels.unshift([{x: 0, width: fullWidth, node, isAbove: node !== anchor, hidden: 0}]);
        if (!scale)
            return;
        let row = [anchor];
        while (row.length) {
            const below = [], boxes = [];
            for (const node of row) {
                /* Neighbours that are too narrow are one box together. */
                let run = null;
                for (let i = first[node]; i < first[node + 1]; i++) {
                    const child = list[i], size = width[child] * scale;
                    const x = (left[child] - left[anchor]) * scale;
                    if (size >= LEAST_DRAWN) {
                        boxes.push({x, width: size, node: child, isAbove: false, hidden: 0});
                        below.push(child);
                        run = null;
                    } else if (size > 0) {
                        if (!run)
                            boxes.push(run = {x, width: 0, node, isAbove: false, hidden: 0});
                        run.width = x + size - run.x;
                        run.hidden++;
                    }
                }
            }
            if (boxes.length)
                levels.push(boxes);
            row = below;
        }
    }

    /* Whether sampling alone can explain how the function of this frame changed, wherever it was called. */
    isNoise(node) {
        const row = this.tree.row[node];
        if (node === 0)
            return this.rows.totalIsNoise[this.view] > 0;
        return row >= 0 && (this.rows.noise[this.view][row] & CUM_NOISE) > 0;
    }

    shadeOf(node) {
        const {tree, view, rows} = this, row = tree.row[node];
        if (!this.isDiff) {
            if (row < 0)
                return this.neutral;
            return this.single[hashText(groupOf(rows.names[row])) % this.single.length];
        }
        const [before, after] = tree.total(view), a = before[node], b = after[node];
        const size = Math.max(Math.abs(a), Math.abs(b));
        if (a === b || !size)
            return this.neutral;
        const share = Math.min(Math.abs(b - a) / size, 1), isPale = this.isNoise(node);
        const step = isPale ? 0 : Math.min(Math.floor(Math.sqrt(share) * SHADES), SHADES - 1);
        return (b > a ? this.grew : this.shrank)[step];
    }

    drawBox(box, y) {
        const {context} = this, {node} = box, height = LEVEL_HEIGHT - 1;
        const x = box.x, width = box.width > 3 ? box.width - 1 : box.width;
        if (box.hidden) {
            context.globalAlpha = 0.5;
            context.fillStyle = this.neutral;
            context.fillRect(x, y + 1, width, height / 2);
            context.globalAlpha = 1;
            return;
        }
        const row = this.tree.row[node], isFound = !this.marked || (row >= 0 && this.marked[row]);
        const [before, after] = this.tree.total(this.view);
        context.globalAlpha = isFound ? box.isAbove ? 0.65 : 1 : this.isFocused ? 0.6 : 0.25;
        context.fillStyle = row === FOLDED_ROW ? this.paper : this.shadeOf(node);
        context.fillRect(x, y, width, height);
        if (row === FOLDED_ROW || (this.isDiff && !after[node] && before[node])) {
            context.fillStyle = this.pattern;
            context.fillRect(x, y, width, height);
        }
        if (width >= 4 && row === FOLDED_ROW) {
            context.strokeStyle = this.edge;
            context.lineWidth = 1;
            context.strokeRect(x + 0.5, y + 0.5, width - 1, height - 1);
        }
        if (this.marked && isFound) {
            context.fillStyle = this.focusColor;
            context.fillRect(x, y + height - 3, width, 3);
        }
        if (width >= LEAST_LABEL)
            this.drawLabel(node, x, y + height / 2 + 0.5, width);
        context.globalAlpha = 1;
    }

    /* The name, and at the right end the change where there is room for both. */
    drawLabel(node, x, y, width) {
        const {context, letter} = this, room = Math.floor((width - 8) / letter);
        const [before, after] = this.tree.total(this.view), a = before[node], b = after[node];
        const name = this.nameOf(node), isChange = this.isDiff && a !== b && node > 0;
        let amount = '', mark = !isChange ? '' : !a ? '+ ' : !b ? '\u2212 ' : this.isNoise(node) ? '~ ' : '';
        if (!this.isDiff || this.mode === 'new')
            amount = formatAmount(b, this.unit, false);
        else if (this.mode === 'old')
            amount = formatAmount(a, this.unit, false);
        else if (a !== b)
            amount = formatAmount(b - a, this.unit, true);
        if (name.length + mark.length > room && room < 12)
            mark = '';
        const hasAmount = amount && mark.length + Math.min(name.length, 24) + amount.length + 2 <= room;
        const label = mark + shorten(name, room - mark.length - (hasAmount ? amount.length + 2 : 0));
        const isHatched = this.tree.row[node] === FOLDED_ROW || (this.isDiff && !b && a);
        context.save();
        context.beginPath();
        context.rect(x, y - LEVEL_HEIGHT / 2, width, LEVEL_HEIGHT);
        context.clip();
        if (isHatched)
            this.drawPlate(x + 2, y, label.length * letter + 4);
        context.fillStyle = this.ink;
        context.textAlign = 'left';
        context.fillText(label, x + 4, y);
        if (hasAmount) {
            if (isHatched)
                this.drawPlate(x + width - 6 - amount.length * letter, y, amount.length * letter + 4);
            context.textAlign = 'right';
            context.fillStyle = this.ink;
            context.fillText(amount, x + width - 4, y);
        }
        context.restore();
    }

    /* A plain ground for text on a hatching. */
    drawPlate(x, y, width) {
        const alpha = this.context.globalAlpha;
        this.context.globalAlpha = alpha * 0.8;
        this.context.fillStyle = this.paper;
        this.context.fillRect(x, y - 8, width, 15);
        this.context.globalAlpha = alpha;
    }

    nameOf(node) {
        const row = this.tree.row[node];
        if (row === NO_ROW)
            return 'all';
        if (row !== FOLDED_ROW)
            return this.rows.names[row];
        return '\u2026 ' + formatCount(this.tree.folded.get(node)) + ' more';
    }

    boxOf(node) {
        for (let level = 0; level < this.levels.length; level++)
            for (const box of this.levels[level])
                if (box.node === node && !box.hidden)
                    return {x: box.x, width: box.width, y: level * LEVEL_HEIGHT - this.pane.scrollTop, height: LEVEL_HEIGHT - 1};
        return null;
    }

    drawOutline(node, color, thickness) {
        const box = node >= 0 && this.boxOf(node), {context} = this;
        if (!box)
            return;
        context.strokeStyle = color;
        context.lineWidth = thickness;
        context.strokeRect(box.x + thickness / 2, box.y + thickness / 2, Math.max(box.width - 1 - thickness, 1), box.height - thickness);
    }

    /* What is drawn at this place of the pane: {node, hidden} or null. */
    find(x, y) {
        const level = this.levels[Math.floor((y + this.pane.scrollTop) / LEVEL_HEIGHT)];
        if (!level)
            return null;
        return level.find(box => x >= box.x && x < box.x + Math.max(box.width, 1)) || null;
    }

    scrollTo(node) {
        const level = this.levels.findIndex(boxes => boxes.some(box => box.node === node && !box.hidden));
        const y = level * LEVEL_HEIGHT, {pane} = this;
        if (level < 0)
            return;
        if (y < pane.scrollTop)
            pane.scrollTop = y;
        else if (y + LEVEL_HEIGHT > pane.scrollTop + pane.clientHeight)
            pane.scrollTop = y + LEVEL_HEIGHT - pane.clientHeight;
    }
}

/* ---- colours ---- */

function parseColor(text) {
    return [1, 3, 5].map(i => parseInt(text.slice(i, i + 2), 16));
}

function shades(neutral, least, most) {
    const from = parseColor(least), to = parseColor(most);
    return Array.from({length: SHADES}, (_, step) =>
        'rgb(' + from.map((c, i) => Math.round(c + (to[i] - c) * step / (SHADES - 1))).join(',') + ')');
}

/* What functions of one library or class have in common, for the colours of a graph without a change. */
function groupOf(name) {
    const plain = name.replace(/[<(].*/, ''), cut = Math.max(plain.lastIndexOf('::'), plain.lastIndexOf('.'), plain.indexOf('+'), 0);
    return cut ? plain.slice(0, cut) : plain.split('_')[0];
}

function hashText(text) {
    let hash = 2166136261;
    for (let i = 0; i < text.length; i++)
        hash = Math.imul(hash ^ text.charCodeAt(i), 16777619);
    return hash >>> 0;
}
