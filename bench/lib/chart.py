"""The table as a picture: for each workload a row, for each allocator a dot, at its time or peak RSS relative to the best
peer there. Two panels, a logarithmic axis each; SVG that needs nothing but itself."""
import math

ROW, LEFT, PANEL, GAP, TOP, BOTTOM = 22, 190, 380, 40, 84, 40
COLOURS = ["#c0392b", "#34495e", "#2980b9", "#e08e0b", "#27865a", "#8e44ad", "#7f8c8d"]
TICKS = [0.25, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10, 20, 50]
TITLES = {"time": "time / fastest peer", "rss": "peak RSS / leanest peer"}


def _text(x, y, words, anchor="start", extra=""):
    words = str(words).replace("&", "&amp;").replace("<", "&lt;")
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {extra}>{words}</text>'


class _Axis:
    def __init__(self, left, least, most):
        self.left, self.least, self.most = left, math.log(least), math.log(most)

    def x(self, ratio):
        place = (math.log(ratio) - self.least) / (self.most - self.least)
        return self.left + PANEL * min(1, max(0, place))


def _ratios(table, metric, workload):
    best = table.best_peer(metric, workload)
    if not best:
        return {}
    values = {a.name: table.value(metric, workload, a.name) for a in table.allocators}
    return {name: value / best[1] for name, value in values.items() if value}


def _axis_of(rows, left):
    seen = [r for row in rows.values() for r in row.values()] or [1]
    return _Axis(left, min(0.8, min(seen) * 0.93), min(60, max(2, max(seen) * 1.08)))


def _panel(table, metric, left, colours):
    rows = {workload: _ratios(table, metric, workload) for workload in table.runs}
    axis = _axis_of(rows, left)
    bottom = TOP + ROW * len(rows)
    parts = [_text(left, TOP - 16, TITLES[metric], extra='font-weight="bold"')]
    for tick in TICKS:
        if axis.least <= math.log(tick) <= axis.most:
            x = axis.x(tick)
            stroke = '#666' if tick == 1 else '#ddd'
            parts.append(f'<line x1="{x:.1f}" y1="{TOP - 6}" x2="{x:.1f}" y2="{bottom}" stroke="{stroke}"/>')
            parts.append(_text(x, bottom + 16, f"{tick:g}", "middle", 'fill="#555"'))
    for i, (workload, ratios) in enumerate(rows.items()):
        y = TOP + ROW * (i + 0.5)
        # The subject last, on top of what it may coincide with.
        for name in sorted(ratios, key=lambda n: n == table.subject):
            radius = 6 if name == table.subject else 4
            parts.append(f'<circle cx="{axis.x(ratios[name]):.1f}" cy="{y:.1f}" r="{radius}" fill="{colours[name]}" '
                         f'fill-opacity="0.85"><title>{workload}: {name} {ratios[name]:.2f}</title></circle>')
    return parts


def as_svg(table, caption):
    names = [a.name for a in table.allocators]
    order = [table.subject] + table.peers
    colours = {name: COLOURS[order.index(name) % len(COLOURS)] for name in names}
    height = TOP + ROW * len(table.runs) + BOTTOM
    width = LEFT + 2 * PANEL + GAP + 30
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
             'font-family="sans-serif" font-size="12">', f'<rect width="{width}" height="{height}" fill="white"/>',
             _text(10, 22, caption, extra='fill="#555"')]
    for i, name in enumerate(order):
        x = LEFT + 110 * i
        parts.append(f'<circle cx="{x}" cy="38" r="{6 if name == table.subject else 4}" fill="{colours[name]}"/>')
        parts.append(_text(x + 10, 42, name))
    for i, workload in enumerate(table.runs):
        y = TOP + ROW * i
        if i % 2 == 0:
            parts.append(f'<rect x="0" y="{y}" width="{width}" height="{ROW}" fill="#f5f5f5"/>')
        parts.append(_text(LEFT - 12, y + ROW / 2 + 4, workload, "end"))
    parts += _panel(table, "time", LEFT, colours) + _panel(table, "rss", LEFT + PANEL + GAP, colours)
    return "\n".join(parts + ["</svg>"]) + "\n"
