/* The table of functions beside the graph. Of thousands of rows only those in sight are in the document: a spacer
 * above and one below stand for the others. */
'use strict';

const ROW_HEIGHT = 24, ROWS_AROUND = 8, NAME_LETTER = 7.23; // pixels; the last of 12 px monospace

class FlameTable {
    constructor(pane, head, body, onSelect) {
        this.pane = pane;
        this.head = head;
        this.body = body;
        this.selected = -1;
        this.sort = {column: '', isUp: false};
        this.order = [];
        this.shownFrom = -1;
        pane.addEventListener('scroll', () => this.fill(false));
        new ResizeObserver(() => this.fill(true)).observe(pane);
        head.addEventListener('click', event => {
            const cell = event.target.closest('th');
            if (cell)
                this.sortBy(cell.dataset.column);
        });
        body.addEventListener('click', event => {
            const line = event.target.closest('tr');
            if (line && line.dataset.row)
                onSelect(Number(line.dataset.row));
        });
    }

    /* state: {rows, view, unit, isDiff, marked}; marked: by row, null = all */
    show(state) {
        if (Object.keys(state).every(key => this[key] === state[key]))
            return;
        Object.assign(this, state);
        if (!this.sort.column || (!this.isDiff && /\.(old|delta)$/.test(this.sort.column)))
            this.sort = {column: this.isDiff ? 'flat.delta' : 'flat.new', isUp: false};
        this.arrange();
    }

    sortBy(column) {
        const isText = column === 'name', isSame = this.sort.column === column;
        this.sort = {column, isUp: isSame ? !this.sort.isUp : isText};
        this.arrange();
        this.pane.scrollTop = 0;
    }

    /* The value that a row is ordered by: changes by their size, so that what was freed is found as well. */
    keys(column) {
        const [kind, what] = column.split('.'), [before, after] = this.rows[kind][this.view];
        if (what === 'old')
            return before;
        return what === 'new' ? after : after.map((value, row) => Math.abs(value - before[row]));
    }

    arrange() {
        const {rows, view, sort, marked} = this, order = [];
        for (let row = 0; row < rows.count; row++) {
            if (marked && !marked[row])
                continue;
            if (rows.flat[view][OLD][row] || rows.flat[view][NEW][row] || rows.cum[view][OLD][row] || rows.cum[view][NEW][row])
                order.push(row);
        }
        if (sort.column === 'name') {
            order.sort((a, b) => rows.names[a] < rows.names[b] ? -1 : rows.names[a] > rows.names[b] ? 1 : a - b);
        } else {
            const [kind, what] = sort.column.split('.'), first = this.keys(sort.column);
            const second = this.keys((kind === 'flat' ? 'cum.' : 'flat.') + what);
            order.sort((a, b) => first[b] - first[a] || second[b] - second[a] || a - b);
        }
        if (sort.isUp !== (sort.column === 'name'))
            order.reverse();
        this.order = order;
        for (const cell of this.head.querySelectorAll('th')) {
            const isSorted = cell.dataset.column === sort.column;
            cell.setAttribute('aria-sort', !isSorted ? 'none' : sort.isUp ? 'ascending' : 'descending');
        }
        this.fill(true);
    }

    fill(isForced) {
        if (!this.rows)
            return;
        const seen = Math.ceil(this.pane.clientHeight / ROW_HEIGHT) + 2 * ROWS_AROUND;
        const most = Math.max(this.order.length - seen, 0);
        const from = Math.min(Math.max(Math.floor(this.pane.scrollTop / ROW_HEIGHT) - ROWS_AROUND, 0), most);
        const to = Math.min(from + seen, this.order.length);
        if (!isForced && from === this.shownFrom && to === this.shownTo)
            return;
        this.shownFrom = from;
        this.shownTo = to;
        const last = this.head.rows[0].lastElementChild;
        this.letters = Math.max(Math.floor((last.clientWidth - 14) / NAME_LETTER), 8);
        const lines = [makeSpacer(from)];
        for (let i = from; i < to; i++)
            lines.push(this.makeLine(this.order[i]));
        lines.push(makeSpacer(this.order.length - to));
        this.body.replaceChildren(...lines);
    }

    makeLine(row) {
        const {rows, view, unit, isDiff} = this, line = document.createElement('tr');
        line.dataset.row = row;
        line.className = row === this.selected ? 'selected' : '';
        for (const [kind, bit] of [['flat', 1], ['cum', 2]]) {
            const before = rows[kind][view][OLD][row], after = rows[kind][view][NEW][row];
            if (isDiff)
                line.append(makeCell('number old', formatAmount(before, unit, false)));
            line.append(makeCell('number new', formatAmount(after, unit, false)));
            if (isDiff)
                line.append(makeChange(before, after, unit, rows.noise[view][row] & bit));
        }
        const name = makeCell('name', ''), text = document.createElement('bdi');
        text.textContent = shorten(rows.names[row], this.letters);
        name.append(text);
        const renamed = rows.renamed.has(row) ? '\nthought to be what was ' + rows.renamed.get(row)[0] : '';
        name.title = rows.names[row] + (rows.places[row] ? '\n' + rows.places[row] : '') + renamed;
        line.append(name);
        return line;
    }

    select(row) {
        if (this.selected === row)
            return;
        this.selected = row;
        this.fill(true);
    }
}

function makeSpacer(lines) {
    const spacer = document.createElement('tr');
    spacer.className = 'spacer';
    spacer.style.height = lines * ROW_HEIGHT + 'px';
    return spacer;
}

function makeCell(kind, text) {
    const cell = document.createElement('td');
    cell.className = kind;
    cell.textContent = text;
    return cell;
}

function makeChange(before, after, unit, isNoise) {
    const kind = isNoise ? 'noise' : after > before ? 'grew' : after < before ? 'shrank' : 'same';
    return makeCell('number change ' + kind, after === before ? '' : (isNoise ? '~ ' : '') + formatAmount(after - before, unit, true));
}
