/* The chart: lines of the rows that are shown, drawn anew whenever something changes. */
'use strict';

const SVG = 'http://www.w3.org/2000/svg';
const MARGIN = {left: 74, right: 14, top: 16, bottom: 30}, MOST_DOTS = 60, LABEL_GAP = 15;

function draw(parent, name, attributes, text) {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes))
        element.setAttribute(key, value);
    if (text !== undefined)
        element.textContent = text;
    parent.append(element);
    return element;
}

class Chart {
    constructor(svg, data) {
        this.svg = svg;
        this.data = data;
        this.z = data.deviations;
    }

    /* Rows with what is to be drawn of them; `picked` is one of them or null, `at` the point under the cross or -1. */
    show(rows, {isChange, hasBands, picked, at}) {
        const box = this.svg.getBoundingClientRect();
        this.width = Math.max(box.width, 200);
        this.height = Math.max(box.height, 120);
        this.isChange = isChange;
        this.svg.replaceChildren();
        this.svg.setAttribute('viewBox', `0 0 ${this.width} ${this.height}`);
        this.svg.classList.toggle('has-picked', Boolean(picked));
        this.findRange(rows, hasBands, picked);
        this.drawGround();
        this.drawAxes();
        for (const row of rows)
            this.drawRow(row, row === picked, hasBands || row === picked);
        this.drawLimit(rows);
        this.drawEnds(rows);
        this.drawCross(rows, at);
    }

    amount(row, number) {
        return number === null ? null : this.isChange ? number - row.first : number;
    }

    /* Nothing is less than nothing, unless the file says so. */
    lowest(value, reach) {
        return Math.max(value - reach, Math.min(value, 0));
    }

    x(time) {
        return MARGIN.left + (time - this.begin) / (this.finish - this.begin || 1) * (this.width - MARGIN.left - MARGIN.right);
    }
    y(amount) {
        return this.height - MARGIN.bottom - (amount - this.low) / (this.high - this.low) * (this.height - MARGIN.top - MARGIN.bottom);
    }

    findRange(rows, hasBands, picked) {
        const {times} = this.data;
        this.begin = Math.min(...times);
        this.finish = Math.max(...times);
        let low = 0, high = 0;
        for (const row of rows) {
            row.values.forEach((value, i) => {
                const reach = (hasBands || row === picked) && row.errors[i] ? row.errors[i] * this.z : 0;
                low = Math.min(low, this.amount(row, this.lowest(value, reach)));
                high = Math.max(high, this.amount(row, value + reach));
            });
        }
        if (low === high)
            high = low + 1;
        this.low = low < 0 ? low - (high - low) * 0.04 : 0;
        this.high = high + (high - low) * 0.06;
        const {limit} = this.data;
        this.hasLimit = limit !== null && !this.isChange && rows.some(row => row.isTotal) && limit < this.high * 4;
        if (this.hasLimit)
            this.high = Math.max(this.high, limit * 1.05);
    }

    /* Runs of points that belong together: of one process, and of them those that are warm-up. */
    runs(isSame) {
        const {points} = this.data, runs = [];
        for (let first = 0, i = 1; i <= points.length; i++) {
            if (i < points.length && isSame(points[first], points[i]))
                continue;
            runs.push([first, i]);
            first = i;
        }
        return runs;
    }

    drawGround() {
        const {times, points} = this.data, top = MARGIN.top, bottom = this.height - MARGIN.bottom;
        this.runs((a, b) => a[1] === b[1] && a[2] === b[2]).forEach(([first, end]) => {
            if (!points[first][2])
                return;
            const next = end < times.length && points[end][1] === points[first][1] ? times[end] : times[end - 1];
            const left = this.x(times[first]), right = (this.x(times[end - 1]) + this.x(next)) / 2;
            draw(this.svg, 'rect', {class: 'ground', x: left, y: top, width: Math.max(right - left, 1), height: bottom - top});
            if (right - left > 60)
                draw(this.svg, 'text', {x: left + 6, y: top + 13}, 'warm-up');
        });
        this.runs((a, b) => a[1] === b[1]).slice(1).forEach(([first]) => {
            const x = (this.x(times[first - 1]) + this.x(times[first])) / 2;
            draw(this.svg, 'line', {class: 'border', x1: x, x2: x, y1: top, y2: bottom});
        });
    }

    drawAxes() {
        const {unit} = this.data, right = this.width - MARGIN.right, bottom = this.height - MARGIN.bottom;
        const lines = Math.max(2, Math.floor((bottom - MARGIN.top) / 56));
        for (const tick of findTicks(this.low, this.high, lines, scaleOf(unit) === SCALES.bytes)) {
            const y = Math.round(this.y(tick)) + 0.5;
            draw(this.svg, 'line', {class: 'grid', x1: MARGIN.left, x2: right, y1: y, y2: y});
            draw(this.svg, 'text', {x: MARGIN.left - 8, y: y + 4, 'text-anchor': 'end'}, formatAmount(tick, unit, this.isChange));
        }
        const span = this.finish - this.begin;
        for (const time of findTimes(this.begin, this.finish, Math.max(2, Math.floor((right - MARGIN.left) / 110)))) {
            const x = Math.round(this.x(time)) + 0.5;
            draw(this.svg, 'line', {class: 'grid', x1: x, x2: x, y1: bottom, y2: bottom + 4});
            if (x > MARGIN.left + 24 && x < right - 50)
                draw(this.svg, 'text', {x, y: bottom + 18, 'text-anchor': 'middle'}, formatTime(time, span, false));
        }
        draw(this.svg, 'text', {x: right, y: bottom + 18, 'text-anchor': 'end'}, 'UTC');
    }

    /* A path through the points of each process, broken where there is no number. */
    path(numbers) {
        const {times} = this.data;
        return this.runs((a, b) => a[1] === b[1]).map(([first, end]) => {
            let path = '', isOpen = false;
            for (let i = first; i < end; i++) {
                if (numbers[i] === null) {
                    isOpen = false;
                    continue;
                }
                path += `${isOpen ? 'L' : 'M'}${this.x(times[i]).toFixed(1)} ${this.y(numbers[i]).toFixed(1)}`;
                isOpen = true;
            }
            return path;
        }).join('');
    }

    band(row) {
        const {times} = this.data;
        return this.runs((a, b) => a[1] === b[1]).map(([first, end]) => {
            const up = [], down = [];
            for (let i = first; i < end; i++) {
                if (row.errors[i] === null)
                    return '';
                const reach = row.errors[i] * this.z, x = this.x(times[i]).toFixed(1);
                up.push(`${x} ${this.y(this.amount(row, row.values[i] + reach)).toFixed(1)}`);
                down.unshift(`${x} ${this.y(this.amount(row, this.lowest(row.values[i], reach))).toFixed(1)}`);
            }
            return `M${up.join('L')}L${down.join('L')}Z`;
        }).join('');
    }

    drawRow(row, isPicked, hasBand) {
        const {times} = this.data;
        const group = draw(this.svg, 'g', {class: `series ${row.color}${isPicked ? ' picked' : ''}`});
        const numbers = row.values.map(value => this.amount(row, value));
        if (hasBand) {
            draw(group, 'path', {class: 'band', d: this.band(row)});
            draw(group, 'path', {class: 'fit', d: this.path(row.line.map(value => this.amount(row, value)))});
        }
        draw(group, 'path', {class: row.isDashed ? 'value dashed' : 'value', d: this.path(numbers)});
        if (times.length <= MOST_DOTS)
            numbers.forEach((number, i) => draw(group, 'circle', {class: 'dot', cx: this.x(times[i]), cy: this.y(number), r: 2.25}));
    }

    drawLimit() {
        if (!this.hasLimit)
            return;
        const y = this.y(this.data.limit);
        draw(this.svg, 'line', {class: 'limit-line', x1: MARGIN.left, x2: this.width - MARGIN.right, y1: y, y2: y});
        draw(this.svg, 'text', {class: 'limit-text', x: this.width - MARGIN.right, y: y - 5, 'text-anchor': 'end'},
            'limit ' + formatAmount(this.data.limit, this.data.unit));
    }

    /* Names at the right ends, where they find room. */
    drawEnds(rows) {
        const taken = [], room = Math.floor((this.width - MARGIN.left) / 18);
        for (const row of rows) {
            const y = this.y(this.amount(row, row.values[row.values.length - 1])) - 7;
            if (taken.some(other => Math.abs(other - y) < LABEL_GAP) || y < MARGIN.top + 4)
                continue;
            taken.push(y);
            const name = row.name.length > room ? row.name.slice(0, room - 1) + '\u2026' : row.name;
            draw(this.svg, 'text', {class: `end ${row.color}`, x: this.width - MARGIN.right - 3, y, 'text-anchor': 'end'}, name);
        }
    }

    drawCross(rows, at) {
        if (at < 0)
            return;
        const x = this.x(this.data.times[at]);
        draw(this.svg, 'line', {class: 'cross', x1: x, x2: x, y1: MARGIN.top, y2: this.height - MARGIN.bottom});
        for (const row of rows)
            draw(this.svg, 'circle', {class: `mark ${row.color}`, cx: x, cy: this.y(this.amount(row, row.values[at])), r: 4.5});
    }

    /* The point that is nearest to a place in the window. */
    nearestPoint(clientX) {
        const left = this.svg.getBoundingClientRect().left;
        let best = 0;
        this.data.times.forEach((time, i) => {
            if (Math.abs(this.x(time) + left - clientX) < Math.abs(this.x(this.data.times[best]) + left - clientX))
                best = i;
        });
        return best;
    }

    /* The row whose line is at most some pixels away, or null. */
    nearestRow(rows, at, clientY) {
        const reach = 24, top = this.svg.getBoundingClientRect().top;
        let best = null, distance = reach;
        for (const row of rows) {
            const away = Math.abs(this.y(this.amount(row, row.values[at])) + top - clientY);
            if (away < distance) {
                best = row;
                distance = away;
            }
        }
        return best;
    }
}
