/* The page of a trend: which rows are shown, the table, the keys, the tooltip. All text comes into the document as text,
 * never as markup. */
'use strict';

const THEMES = ['', 'light', 'dark'], COLORS = 10, MOST_AT_FIRST = 6;
const byId = id => document.getElementById(id);

/* Control characters and what turns the direction of text are made visible. */
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
const clean = text => text.replace(UNSEEN, c => '\u2039U+' + c.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0') + '\u203a');

function make(name, className, text) {
    const element = document.createElement(name);
    if (className)
        element.className = className;
    if (text !== undefined)
        element.textContent = text;
    return element;
}

class App {
    constructor(data) {
        this.data = data;
        this.rows = [...data.rows, data.total];
        this.rows.forEach((row, i) => {
            row.name = clean(row.name);
            row.isTotal = row === data.total;
            row.color = row.isTotal ? 'total' : 'c' + i % COLORS;
            row.isDashed = !row.isTotal && i >= COLORS;
        });
        this.isChange = this.hasBands = false;
        this.hovered = this.chosen = null;
        this.at = -1;
        this.theme = '';
        this.chart = new Chart(byId('chart'), data);
        this.writeHeader();
        this.makeTable();
        this.connect();
        this.select('verdicts');
        this.applyTheme();
    }

    get visible() {
        return this.rows.filter(row => row.isShown);
    }
    get picked() {
        const picked = this.hovered || this.chosen;
        return picked && picked.isShown ? picked : null;
    }

    /* ---- texts ---- */

    writeHeader() {
        const {data} = this;
        const percent = +(data.confidence * 100).toPrecision(4) + '%';
        byId('title').textContent = clean(data.view) + (data.measure === 'cum' ? ' (cum)' : '');
        const files = (data.warm_up ? `${data.files - data.warm_up} of ` : '') + `${data.files} files over ${formatSpan(data.hours)}`;
        const [pid] = data.processes[Math.max(data.process, 0)];
        const process = data.process < 0 && data.processes.length > 1 ? `${data.processes.length} processes` : pid ? `process ${clean(pid)}` : 'process not known';
        byId('facts').textContent = [files, process, data.rate > 0 ? 'rate ' + formatAmount(data.rate, 'bytes') : '', data.limit ? 'limit ' + formatAmount(data.limit, data.unit) : ''].filter(Boolean).join(', ');
        const notes = [];
        if (data.warm_up)
            notes.push(`${data.warm_up} of ${data.files} files ${data.warm_up === 1 ? 'is' : 'are'} warm-up`);
        const others = data.process < 0 ? 0 : data.processes.length - 1;
        if (others)
            notes.push(`${data.processes.reduce((sum, [, files], i) => sum + (i === data.process ? 0 : files), 0)} files of ${others} other process${others > 1 ? 'es' : ''} not looked at`);
        if (data.skipped)
            notes.push(`${data.skipped} file${data.skipped > 1 ? 's' : ''} skipped`);
        const each = Math.max(...data.points.map(([files]) => files));
        if (each > 1)
            notes.push(`each point is the mean of ${each} files`);
        byId('notes').textContent = notes.join('; ');
        byId('name-head').textContent = data.by;
        byId('interval-head').textContent = percent;
        byId('bands').title = byId('bands').title.replace('95%', percent);
        byId('limit-head').hidden = !data.limit;
    }

    placeOf(row) {
        const parts = clean(row.file).split('/').filter(Boolean);
        return parts.length ? parts.slice(-2).join('/') + (row.line_number ? ':' + row.line_number : '') : '';
    }

    limitOf(row) {
        return ['leaks', 'rises'].includes(row.verdict) ? `${formatHours(row.hours)} (${formatHours(row.soonest)}\u2013${formatHours(row.latest)})` : '';
    }

    makeRow(row) {
        const {unit, limit} = this.data;
        const line = make('tr', `${row.verdict === '~' ? 'noise' : row.verdict === '=' ? 'same' : row.verdict}${row.isTotal ? ' total' : ''}`);
        const sign = make('td', 'sign'), button = make('button', `swatch ${row.color}`);
        button.type = 'button';
        button.setAttribute('aria-label', 'show ' + row.name);
        const picture = draw(button, 'svg', {viewBox: '0 0 22 10', 'aria-hidden': 'true'});
        draw(picture, 'line', {x1: 1, x2: 21, y1: 5, y2: 5, class: row.isDashed ? 'dashed' : ''});
        sign.append(button);
        const name = make('td', 'name');
        name.append(make('bdi', '', row.name), ' ', make('span', 'place', this.placeOf(row)));
        name.title = row.name;
        const interval = '\u00b1' + formatAmount((row.high - row.low) / 2, unit);
        line.append(sign, name, make('td', 'number first', formatAmount(row.first, unit)), make('td', 'number', formatAmount(row.last, unit)),
            make('td', 'number slope', formatAmount(row.slope, unit, true)), make('td', 'number interval', interval),
            make('td', 'number rises', `${row.rises}/${row.steps}`));
        const reach = make('td', 'number limit', limit ? this.limitOf(row) : '');
        reach.hidden = !limit;
        line.append(reach, make('td', 'verdict', row.verdict));
        line.addEventListener('click', () => this.toggle(row));
        line.addEventListener('pointerenter', () => this.hover(row));
        line.addEventListener('pointerleave', () => this.hover(null));
        button.addEventListener('focus', () => this.hover(row));
        button.addEventListener('blur', () => this.hover(null));
        row.element = line;
        row.button = button;
        return line;
    }

    makeTable() {
        const body = byId('rows');
        for (const row of this.data.rows)
            body.append(this.makeRow(row));
        if (this.data.others) {
            const line = make('tr', 'others'), cell = make('td', '', `[${this.data.others} others: heapdiff trend -n shows more]`);
            cell.colSpan = 8;
            line.append(make('td'), cell);
            body.append(line);
        }
        body.append(this.makeRow(this.data.total));
    }

    /* ---- what is chosen ---- */

    toggle(row) {
        row.isShown = !row.isShown;
        this.selection = '';
        this.update();
    }

    select(which) {
        const changing = this.data.rows.filter(row => ['leaks', 'rises', 'falls'].includes(row.verdict));
        const largest = [...this.data.rows].sort((a, b) => b.last - a.last);
        const some = (changing.length ? changing : largest).slice(0, MOST_AT_FIRST);
        for (const row of this.rows)
            row.isShown = which === 'all' ? !row.isTotal : which === 'verdicts' && some.includes(row);
        this.selection = which;
        this.update();
    }

    hover(row) {
        if (row === this.hovered)
            return;
        this.hovered = row;
        this.update();
    }

    update() {
        const {visible, picked} = this;
        for (const row of this.rows) {
            row.button.setAttribute('aria-pressed', String(Boolean(row.isShown)));
            row.element.classList.toggle('off', !row.isShown);
            row.element.classList.toggle('picked', row === picked);
        }
        for (const button of byId('modes').children)
            button.setAttribute('aria-checked', String((button.dataset.value === 'change') === this.isChange));
        for (const button of byId('selections').children)
            button.setAttribute('aria-pressed', String(button.dataset.value === this.selection));
        byId('bands').setAttribute('aria-pressed', String(this.hasBands));
        byId('nothing').hidden = visible.length > 0;
        this.chart.show(visible, {isChange: this.isChange, hasBands: this.hasBands, picked, at: this.at});
    }

    /* ---- the tooltip ---- */

    describe(row, at) {
        const value = this.chart.amount(row, row.values[at]), error = row.errors[at];
        return formatAmount(value, this.data.unit, this.isChange) + (error ? ' \u00b1' + formatAmount(error * this.chart.z, this.data.unit) : '');
    }

    showTip(clientX, clientY) {
        const tip = byId('tip'), {at, data} = this, rows = [...this.visible].sort((a, b) => this.chart.amount(b, b.values[at]) - this.chart.amount(a, a.values[at]));
        const [files, process, isWarmUp] = data.points[at];
        const words = [formatTime(data.times[at], data.hours * 36e5, true), data.processes.length > 1 && data.process < 0 ? 'process ' + clean(data.processes[process][0]) : '', files > 1 ? `${files} files` : '', isWarmUp ? 'warm-up' : ''];
        const table = make('table');
        for (const row of rows) {
            const line = make('tr', row === this.picked ? 'picked' : ''), sign = make('td', row.color, row.isDashed ? '\u254d' : '\u2501');
            line.append(sign, make('td', 'label', row.name), make('td', 'number', this.describe(row, at)));
            table.append(line);
        }
        tip.replaceChildren(make('p', '', words.filter(Boolean).join(', ')), table);
        tip.hidden = !rows.length;
        const box = tip.getBoundingClientRect();
        tip.style.left = Math.max(4, clientX + 16 + box.width > innerWidth ? clientX - 16 - box.width : clientX + 16) + 'px';
        tip.style.top = Math.max(4, Math.min(clientY + 12, innerHeight - box.height - 4)) + 'px';
    }

    hideTip() {
        byId('tip').hidden = true;
        this.at = -1;
    }

    onPointer(event) {
        this.at = this.chart.nearestPoint(event.clientX);
        this.hovered = this.chart.nearestRow(this.visible, this.at, event.clientY);
        this.update();
        this.showTip(event.clientX, event.clientY);
    }

    /* ---- keys ---- */

    moveTo(at) {
        this.at = Math.max(0, Math.min(this.data.times.length - 1, at));
        this.update();
        const box = byId('chart').getBoundingClientRect(), row = this.picked || this.visible[0];
        if (!row)
            return;
        this.showTip(box.left + this.chart.x(this.data.times[this.at]), box.top + this.chart.y(this.chart.amount(row, row.values[this.at])));
        byId('spoken').textContent = `${formatTime(this.data.times[this.at], this.data.hours * 36e5, true)}: ${row.name} ${this.describe(row, this.at)}`;
    }

    moveRow(step) {
        const {visible} = this;
        if (!visible.length)
            return;
        const index = visible.indexOf(this.chosen);
        this.hovered = null;
        this.chosen = visible[index < 0 ? (step > 0 ? 0 : visible.length - 1) : (index + step + visible.length) % visible.length];
        this.moveTo(this.at < 0 ? this.data.times.length - 1 : this.at);
    }

    onChartKey(event) {
        const last = this.data.times.length - 1, at = this.at;
        const moves = {ArrowLeft: () => this.moveTo(at < 0 ? last : at - 1), ArrowRight: () => this.moveTo(at + 1), Home: () => this.moveTo(0),
            End: () => this.moveTo(last), ArrowUp: () => this.moveRow(-1), ArrowDown: () => this.moveRow(1)};
        if (!moves[event.key])
            return;
        event.preventDefault();
        event.stopPropagation();
        moves[event.key]();
    }

    letGo() {
        this.chosen = this.hovered = null;
        this.hideTip();
        this.update();
    }

    onKey(event) {
        if (event.ctrlKey || event.metaKey || event.altKey || byId('help').open)
            return;
        const keys = {g: () => this.select('verdicts'), a: () => this.select('all'), n: () => this.select('none'), v: () => this.setMode(false),
            c: () => this.setMode(true), b: () => this.toggleBands(), l: () => this.nextTheme(), Escape: () => this.letGo(), '?': () => byId('help').showModal()};
        if (keys[event.key])
            keys[event.key]();
    }

    setMode(isChange) {
        this.isChange = isChange;
        this.update();
    }

    toggleBands() {
        this.hasBands = !this.hasBands;
        this.update();
    }

    nextTheme() {
        this.theme = THEMES[(THEMES.indexOf(this.theme) + 1) % THEMES.length];
        this.applyTheme();
    }

    applyTheme() {
        const isDark = this.theme ? this.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
        document.documentElement.classList.toggle('dark', isDark);
        byId('theme').textContent = this.theme || 'theme';
    }

    connect() {
        const chart = byId('chart');
        chart.addEventListener('pointermove', event => this.onPointer(event));
        chart.addEventListener('pointerleave', () => this.letGo());
        chart.addEventListener('click', () => {
            this.chosen = this.hovered === this.chosen ? null : this.hovered;
            this.update();
        });
        chart.addEventListener('keydown', event => this.onChartKey(event));
        chart.addEventListener('blur', () => this.hideTip());
        for (const button of byId('modes').children)
            button.addEventListener('click', () => this.setMode(button.dataset.value === 'change'));
        for (const button of byId('selections').children)
            button.addEventListener('click', () => this.select(button.dataset.value));
        byId('bands').addEventListener('click', () => this.toggleBands());
        byId('theme').addEventListener('click', () => this.nextTheme());
        byId('help-button').addEventListener('click', () => byId('help').showModal());
        document.addEventListener('keydown', event => this.onKey(event));
        matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.applyTheme());
        new ResizeObserver(() => this.update()).observe(chart);
    }
}

const app = new App(JSON.parse(byId('data').textContent));
