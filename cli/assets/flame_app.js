/* The page as a whole: what is chosen, the controls, the keys, the tooltip. All text comes into the document as text,
 * never as markup. What is chosen stands in the address behind the '#', so it survives a reload and 'back' undoes a
 * zoom. */
'use strict';

const MODES = ['both', 'old', 'new', 'delta'], THEMES = ['', 'light', 'dark'];
const byId = id => document.getElementById(id);

class App {
    constructor(data) {
        this.data = data;
        this.isDiff = Boolean(data.old);
        this.rows = new Rows(data);
        this.trees = {callees: readTree(data.callees, data.views.length)};
        this.state = {view: data.view, mode: this.isDiff ? 'both' : 'new', direction: 'callees', zoom: 0, query: '', isFocused: false};
        this.picked = -1;
        this.marked = null;
        this.theme = '';
        this.flame = new FlameView(byId('graph-pane'), byId('graph'), byId('graph-spacer'));
        this.table = new FlameTable(byId('table-pane'), byId('table-head'), byId('table-body'), row => this.pick(row));
        document.documentElement.classList.toggle('single', !this.isDiff);
        this.writeHeader();
        this.connectControls();
        this.connectGraph();
        document.addEventListener('keydown', event => this.onKey(event));
        const darkness = matchMedia('(prefers-color-scheme: dark)');
        darkness.addEventListener('change', () => this.applyTheme());
        addEventListener('hashchange', () => this.readAddress());
        this.applyTheme();
        this.readAddress();
    }

    /* What is drawn: all stacks, or only those with what is found. */
    get tree() {
        const {whole} = this;
        if (!this.state.isFocused || !this.marked)
            return whole;
        const key = (this.picked >= 0 ? this.picked : '/' + this.state.query);
        if (!this.focused || this.focused.key !== key || this.focused.whole !== whole)
            this.focused = {key, whole, tree: whole.only(this.marked)};
        return this.focused.tree;
    }
    get whole() {
        const {direction} = this.state;
        return this.trees[direction] || (this.trees[direction] = readTree(this.data[direction], this.data.views.length));
    }
    get unit() {
        return this.data.views[this.state.view][1];
    }

    /* ---- what is chosen ---- */

    change(part, isStep) {
        const before = this.whole;
        Object.assign(this.state, part);
        if (this.whole !== before && !('zoom' in part))
            this.state.zoom = 0;
        if (this.whole !== before)
            this.flame.focused = this.flame.hovered = -1;
        const address = this.writeAddress();
        if (address !== location.hash)
            history[isStep ? 'pushState' : 'replaceState'](null, '', address || '#');
        this.update();
    }

    writeAddress() {
        const {view, mode, direction, zoom, query, isFocused} = this.state, parts = new URLSearchParams();
        if (view !== this.data.view)
            parts.set('view', this.data.views[view][0]);
        if (this.isDiff && mode !== 'both')
            parts.set('mode', mode);
        if (direction !== 'callees')
            parts.set('by', direction);
        if (zoom)
            parts.set('zoom', zoom);
        if (query)
            parts.set('q', query);
        if (isFocused)
            parts.set('focus', 1);
        const text = parts.toString();
        return text ? '#' + text : '';
    }

    readAddress() {
        const parts = new URLSearchParams(location.hash.slice(1)), {state, data} = this;
        const view = data.views.findIndex(([name]) => name === parts.get('view'));
        state.view = view < 0 ? data.view : view;
        state.mode = !this.isDiff ? 'new' : MODES.includes(parts.get('mode')) ? parts.get('mode') : 'both';
        state.direction = parts.get('by') === 'callers' ? 'callers' : 'callees';
        const zoom = Number(parts.get('zoom'));
        state.zoom = Number.isInteger(zoom) && zoom > 0 && zoom < this.whole.count ? zoom : 0;
        state.query = parts.get('q') || '';
        state.isFocused = parts.get('focus') === '1';
        byId('search').value = state.query;
        this.update();
    }

    /* Everything that follows from the state. */
    update() {
        const {state, rows, unit, isDiff} = this;
        this.search();
        this.flame.zoomed = state.zoom;
        this.flame.marked = this.marked;
        this.flame.show({tree: this.tree, view: state.view, mode: state.mode, rows, unit, isDiff, isFocused: state.isFocused});
        this.table.show({rows, view: state.view, unit, isDiff, marked: this.picked < 0 ? this.marked : null});
        for (const [id, value] of [['views', String(state.view)], ['modes', state.mode], ['directions', state.direction]])
            for (const button of byId(id).children) {
                button.setAttribute('aria-checked', button.dataset.value === value);
                button.tabIndex = button.dataset.value === value ? 0 : -1;
            }
        byId('focus').setAttribute('aria-pressed', state.isFocused);
        byId('focus').disabled = !this.marked;
        this.writeTotal();
        this.writeTrail();
        this.writeFolded();
        const nothing = byId('nothing'), width = this.tree.width(state.view, state.mode)[0];
        nothing.hidden = width > 0;
        nothing.textContent = 'nothing in ' + this.data.views[state.view][0] + (isDiff ? ', ' + state.mode : '');
    }

    search() {
        const {query} = this.state, {rows} = this, input = byId('search');
        this.marked = null;
        input.classList.remove('bad');
        input.removeAttribute('aria-invalid');
        byId('found').replaceChildren();
        if (this.picked >= 0) {
            this.marked = new Uint8Array(rows.count);
            this.marked[this.picked] = 1;
            this.writeFound(1);
        } else if (query) {
            let expression;
            try {
                expression = new RegExp(query, /[A-Z]/.test(query) ? '' : 'i');
            } catch (error) {
                input.classList.add('bad');
                input.setAttribute('aria-invalid', 'true');
                byId('found').textContent = 'not a regular expression';
                return;
            }
            this.marked = new Uint8Array(rows.count);
            let count = 0;
            for (let row = 0; row < rows.count; row++)
                count += this.marked[row] = expression.test(rows.names[row]) ? 1 : 0;
            this.writeFound(count);
        }
    }

    writeFound(count) {
        const {view} = this.state, {rows, whole, unit} = this, out = byId('found');
        const [before, after] = count === 1 ?
            rows.cum[view].map(values => values[this.marked.indexOf(1)]) : whole.sumOf(view, this.marked);
        const [oldTotal, newTotal] = whole.total(view).map(values => values[0]);
        out.append(this.picked >= 0 ? 'picked: ' : formatCount(count) + (count === 1 ? ' function: ' : ' functions: '));
        if (!count) {
            out.textContent = 'no function found';
            return;
        }
        const isLeast = count > 1 && whole.folded.size ? '\u2265 ' : '';
        if (this.isDiff)
            out.append(isLeast + formatAmount(before, unit, false) + ' \u2192 ' + formatAmount(after, unit, false) + ' ',
                makeChangeText(before, after, unit), ', ' + (formatShare(before, oldTotal) || '0%') + ' \u2192 ' + (formatShare(after, newTotal) || '0%') + ' of all');
        else
            out.append(isLeast + formatAmount(after, unit, false) + ', ' + (formatShare(after, newTotal) || '0%') + ' of all');
    }

    /* A function of the table is marked in the graph and its widest frame shown; a second time takes that back. */
    pick(row) {
        this.picked = this.picked === row ? -1 : row;
        this.hideTip();
        this.table.select(this.picked);
        const width = this.tree.width(this.state.view, this.state.mode);
        let widest = -1;
        for (let node = 1; this.picked >= 0 && node < this.tree.count; node++)
            if (this.tree.row[node] === row && width[node] > 0 && (widest < 0 || width[node] > width[widest]))
                widest = node;
        this.update();
        if (widest >= 0)
            this.focus(widest, false);
    }

    /* ---- what is written around the graph ---- */

    writeHeader() {
        const {data} = this;
        byId('old-path').textContent = makeVisible(data.old || '');
        byId('new-path').textContent = makeVisible(data.new);
        byId('facts').textContent = makeVisible(data.facts);
        byId('name-head').textContent = data.by;
        byId('noise-sign').hidden = !data.noise;
        data.views.forEach(([name], index) => {
            const button = document.createElement('button');
            button.type = 'button';
            button.setAttribute('role', 'radio');
            button.dataset.value = index;
            button.textContent = makeVisible(name);
            button.title = 'view (' + (index + 1) + ')';
            byId('views').append(button);
        });
    }

    writeTotal() {
        const {view} = this.state, [before, after] = this.whole.total(view).map(values => values[0]), total = byId('total');
        total.replaceChildren();
        const newest = document.createElement('b');
        newest.textContent = formatAmount(after, this.unit, false);
        if (this.isDiff)
            total.append(formatAmount(before, this.unit, false) + ' \u2192 ', newest, this.rows.totalIsNoise[view] ? ' ~ ' : ' ',
                makeChangeText(before, after, this.unit));
        else
            total.append(newest);
    }

    writeTrail() {
        const {tree, flame} = this, path = [];
        for (let node = this.state.zoom; node >= 0; node = tree.parent[node])
            path.unshift(node);
        const shown = path.length > 7 ? [...path.slice(0, 2), -1, ...path.slice(-4)] : path;
        byId('trail').replaceChildren(...shown.flatMap((node, index) => {
            if (node < 0)
                return ['\u203a', '\u2026'];
            const button = document.createElement('button'), name = document.createElement('bdi');
            button.type = 'button';
            name.textContent = node ? flame.nameOf.call({tree, rows: this.rows}, node) : 'all';
            button.append(name);
            button.title = name.textContent;
            if (node === this.state.zoom)
                button.setAttribute('aria-current', 'true');
            button.addEventListener('click', () => this.zoom(node));
            return index ? ['\u203a', button] : [button];
        }));
    }

    writeFolded() {
        const {whole: tree, isDiff} = this, {view} = this.state, sum = [0, 0], shown = tree.count - 1 - tree.folded.size;
        let text = formatCount(shown) + ' frames';
        for (const node of tree.folded.keys()) {
            sum[OLD] += tree.self[view][OLD][node];
            sum[NEW] += tree.self[view][NEW][node];
        }
        if (tree.folded.size) {
            const share = side => formatShare(sum[side], tree.total(view)[side][0]) || '0%';
            text += '; narrower ones are folded into \u2026 (' + (isDiff ? share(OLD) + ' of old and ' + share(NEW) + ' of new' : share(NEW) + ' of all') + ')';
        }
        byId('folded').textContent = text;
    }

    /* ---- controls ---- */

    connectControls() {
        const choose = {views: value => ({view: Number(value)}), modes: value => ({mode: value}), directions: value => ({direction: value})};
        for (const id of Object.keys(choose)) {
            const group = byId(id);
            group.addEventListener('click', event => {
                const button = event.target.closest('button');
                if (button)
                    this.change(choose[id](button.dataset.value));
            });
            group.addEventListener('keydown', event => {
                const step = {ArrowLeft: -1, ArrowRight: 1}[event.key];
                const next = step && group.children[[...group.children].indexOf(document.activeElement) + step];
                if (!step)
                    return;
                event.stopPropagation();
                if (next) {
                    next.focus();
                    next.click();
                }
            });
        }
        const search = byId('search');
        search.addEventListener('input', () => {
            this.dropPick();
            this.change({query: search.value});
        });
        search.addEventListener('keydown', event => {
            event.stopPropagation();
            if (event.key === 'Enter')
                this.nextFound(event.shiftKey ? -1 : 1);
            if (event.key === 'Escape') {
                this.reset();
                byId('graph').focus();
            }
        });
        byId('focus').addEventListener('click', () => this.change({isFocused: !this.state.isFocused}));
        byId('reset').addEventListener('click', () => this.reset());
        byId('theme').addEventListener('click', () => this.nextTheme());
        byId('toggle-table').addEventListener('click', () => this.toggleTable());
        byId('help-button').addEventListener('click', () => byId('help').showModal());
    }

    dropPick() {
        this.picked = -1;
        this.table.select(-1);
    }

    reset() {
        this.dropPick();
        byId('search').value = '';
        this.flame.focused = -1;
        this.hideTip();
        this.change({zoom: 0, query: '', isFocused: false}, this.state.zoom > 0);
    }

    zoom(node) {
        this.change({zoom: node}, true);
        this.flame.pane.scrollTop = Math.max((this.tree.depth[node] - 3) * LEVEL_HEIGHT, 0);
    }

    toggleTable() {
        const isHidden = byId('main').classList.toggle('without-table');
        byId('toggle-table').setAttribute('aria-pressed', !isHidden);
        this.flame.request();
    }

    nextTheme() {
        this.theme = THEMES[(THEMES.indexOf(this.theme) + 1) % THEMES.length];
        this.applyTheme();
    }

    applyTheme() {
        const isDark = this.theme ? this.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
        document.documentElement.classList.toggle('dark', isDark);
        byId('theme').textContent = this.theme || 'theme';
        this.flame.readTheme();
        const {grew, shrank, neutral} = this.flame, ramp = byId('ramp');
        const colors = [...shrank.filter((_, i) => i % 3 === 2).reverse(), neutral, ...grew.filter((_, i) => i % 3 === 2)];
        ramp.replaceChildren('shrank ', ...colors.map(color => {
            const cell = document.createElement('i');
            cell.style.background = color;
            return cell;
        }), ' grew');
    }

    /* ---- graph ---- */

    connectGraph() {
        const graph = byId('graph'), pane = byId('graph-pane');
        const find = event => {
            const place = pane.getBoundingClientRect();
            return this.flame.find(event.clientX - place.left, event.clientY - place.top);
        };
        pane.addEventListener('mousemove', event => {
            const box = find(event), node = box ? box.node : -1;
            graph.classList.toggle('can-zoom', Boolean(box));
            if (this.flame.hovered !== (box && !box.hidden ? node : -1)) {
                this.flame.hovered = box && !box.hidden ? node : -1;
                this.flame.request();
            }
            if (box)
                this.showTip(box, event.clientX, event.clientY);
            else
                this.hideTip();
        });
        pane.addEventListener('mouseleave', () => {
            this.flame.hovered = -1;
            this.flame.request();
            this.hideTip();
        });
        pane.addEventListener('click', event => {
            const box = find(event);
            graph.focus({preventScroll: true});
            if (!box)
                return;
            this.flame.focused = -1;
            this.zoom(box.node === this.state.zoom && !box.hidden ? Math.max(this.tree.parent[box.node], 0) : box.node);
        });
        pane.addEventListener('scroll', () => this.hideTip());
    }

    showTip(box, x, y) {
        const tip = byId('tip');
        if (this.tipBox !== box) {
            this.tipBox = box;
            tip.replaceChildren(...(box.hidden ? [makeText('p', 'note', formatCount(box.hidden) +
                (box.hidden === 1 ? ' frame' : ' frames') + ' too narrow to be drawn: zoom in to see them')] : this.describe(box.node)));
            tip.hidden = false;
        }
        const {width, height} = tip.getBoundingClientRect(), room = document.documentElement;
        tip.style.left = Math.max(Math.min(x + 14, room.clientWidth - width - 8), 8) + 'px';
        tip.style.top = Math.max(y + 18 + height > room.clientHeight - 8 ? y - height - 12 : y + 18, 8) + 'px';
    }

    hideTip() {
        this.tipBox = null;
        byId('tip').hidden = true;
    }

    /* Name, place, and a table of total and self: old, new, delta, per cent of old, share of all. */
    describe(node) {
        const {tree, rows, unit, isDiff} = this, {view, direction} = this.state, row = tree.row[node];
        const [oldAll, newAll] = this.whole.total(view).map(values => values[0]);
        const parts = [makeText('div', 'name', '')], name = document.createElement('bdi');
        name.textContent = this.flame.nameOf(node);
        parts[0].append(name);
        if (row >= 0 && rows.places[row])
            parts.push(makeText('div', 'place', rows.places[row]));
        if (rows.renamed.has(row)) {
            const [oldName, likeness] = rows.renamed.get(row);
            parts.push(makeText('div', 'place', 'thought to be what was ' + oldName + ' (' + Math.round(likeness * 100) + '% alike)'));
        }
        const table = document.createElement('table');
        const heads = isDiff ? ['', 'old', 'new', 'delta', '%', 'of all old', 'of all new'] : ['', 'amount', 'of all'];
        table.append(makeLine('th', heads));
        for (const [label, [before, after]] of [['total', tree.total(view)], ['self', tree.self[view]]]) {
            if (label === 'self' && (direction === 'callers' || row < 0))
                continue;
            const a = before[node], b = after[node];
            const line = isDiff ? makeLine('td', [label, formatAmount(a, unit, false), formatAmount(b, unit, false),
                a === b ? '' : formatAmount(b - a, unit, true), formatChange(a, b), formatShare(a, oldAll), formatShare(b, newAll)]) :
                makeLine('td', [label, formatAmount(b, unit, false), formatShare(b, newAll)]);
            line.dataset.kind = label;
            if (isDiff)
                line.children[3].classList.add(b > a ? 'grew' : 'shrank');
            table.append(line);
        }
        parts.push(table);
        if (isDiff && this.flame.isNoise(node))
            parts.push(makeText('p', 'note', node ? '~ how this function changed as a whole can be noise' : '~ this change can be noise'));
        if (row === FOLDED_ROW)
            parts.push(makeText('p', 'note', 'frames that are too narrow for this page, as one'));
        return parts;
    }

    /* Keyboard focus on a frame; if it cannot be seen the graph zooms to the nearest frame above it that can. */
    focus(node, isSpoken) {
        this.flame.focused = node;
        this.flame.hovered = -1;
        this.flame.draw();
        for (let above = node; !this.flame.boxOf(node) && above >= 0;) {
            above = this.tree.parent[above];
            this.state.zoom = Math.max(above, 0);
            this.flame.zoomed = this.state.zoom;
            this.flame.draw();
            if (above <= 0)
                break;
        }
        this.writeTrail();
        this.flame.scrollTo(node);
        this.flame.request();
        const box = this.flame.boxOf(node), place = byId('graph-pane').getBoundingClientRect();
        if (box && isSpoken)
            this.showTip({node, hidden: 0}, place.left + Math.max(Math.min(box.x, place.width - 40), 0), place.top + box.y + LEVEL_HEIGHT - 12);
        const [before, after] = this.tree.total(this.state.view);
        byId('spoken').textContent = this.flame.nameOf(node) + ', ' + (this.isDiff ?
            'old ' + formatAmount(before[node], this.unit, false) + ', new ' + formatAmount(after[node], this.unit, false) + ', ' + formatChange(before[node], after[node]) :
            formatAmount(after[node], this.unit, false));
    }

    /* To the next frame that was found, in the order in which they are drawn. */
    nextFound(step) {
        const {tree, marked} = this, {view, mode} = this.state;
        if (!marked)
            return;
        const width = tree.width(view, mode), left = tree.left(view, mode), found = [];
        for (let node = 1; node < tree.count; node++)
            if (tree.row[node] >= 0 && marked[tree.row[node]] && width[node] > 0)
                found.push(node);
        found.sort((a, b) => left[a] - left[b] || tree.depth[a] - tree.depth[b]);
        const at = found.indexOf(this.flame.focused);
        if (found.length)
            this.focus(found[(at < 0 ? step > 0 ? 0 : found.length - 1 : at + step + found.length) % found.length], true);
    }

    /* ---- keys ---- */

    move(key) {
        const {tree, flame} = this, {view, mode} = this.state;
        if (flame.focused < 0)
            return this.focus(flame.anchor(), true);
        const node = flame.focused, width = tree.width(view, mode), {first, list} = tree.children(view);
        const isShown = other => width[other] > 0;
        if (key === 'ArrowUp')
            return this.focus(Math.max(tree.parent[node], 0), true);
        if (key === 'ArrowDown') {
            const below = Array.from(list.subarray(first[node], first[node + 1])).filter(isShown);
            return below.length && this.focus(below.reduce((a, b) => width[b] > width[a] ? b : a), true);
        }
        const parent = tree.parent[node];
        if (parent < 0)
            return;
        const beside = Array.from(list.subarray(first[parent], first[parent + 1])).filter(isShown);
        const next = beside[beside.indexOf(node) + (key === 'ArrowRight' ? 1 : -1)];
        if (next !== undefined)
            this.focus(next, true);
    }

    onKey(event) {
        if (event.ctrlKey || event.metaKey || event.altKey || byId('help').open)
            return;
        const {key} = event, {state, flame} = this;
        const mode = {b: 'both', o: 'old', n: 'new', d: 'delta'}[key];
        const isButton = document.activeElement instanceof HTMLButtonElement;
        if (key.startsWith('Arrow') && !isButton)
            this.move(key);
        else if (key === 'Enter' && !isButton && flame.focused >= 0)
            this.zoom(flame.focused);
        else if (key === 'Backspace')
            this.zoom(Math.max(this.tree.parent[state.zoom], 0));
        else if (key === 'Escape')
            this.reset();
        else if (key === '/')
            byId('search').select();
        else if (/^[1-9]$/.test(key) && Number(key) <= this.data.views.length)
            this.change({view: Number(key) - 1});
        else if (mode && this.isDiff)
            this.change({mode});
        else if (key === 'i')
            this.change({direction: state.direction === 'callees' ? 'callers' : 'callees'});
        else if (key === 'f' && this.marked)
            this.change({isFocused: !state.isFocused});
        else if (key === 't')
            this.toggleTable();
        else if (key === 'l')
            this.nextTheme();
        else if (key === '?')
            byId('help').showModal();
        else
            return;
        event.preventDefault();
    }
}

function makeText(kind, className, text) {
    const element = document.createElement(kind);
    element.className = className;
    element.textContent = text;
    return element;
}

function makeLine(kind, texts) {
    const line = document.createElement('tr');
    texts.forEach((text, index) => line.append(makeText(index ? kind : 'th', index ? 'number' : '', text)));
    return line;
}

function makeChangeText(before, after, unit) {
    const kind = after > before ? 'grew' : after < before ? 'shrank' : 'same', change = formatChange(before, after);
    return makeText('span', kind, after === before ? 'no change' : formatAmount(after - before, unit, true) + (change ? ' ' + change : ''));
}

const app = new App(JSON.parse(byId('data').textContent));
