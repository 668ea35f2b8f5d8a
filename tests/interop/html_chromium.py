"""heapdiff --format html and svg in a headless Chromium. Every node of the page's trees is compared with sums over the stacks
that --format json prints, what a hover says with the text table; and the page is used: click, keys, search, views, dark mode,
narrow windows. Nothing may be fetched, no name may break out, and no script may run that heapdiff did not write.

usage: html_chromium.py HEAPDIFF WORK [STACKS [SHOTS]]      SHOTS: a folder for pictures of what was seen"""
import json
import os
import re
import select
import socket
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import browser as browsers
import flame_data

SKIP = 77
SVG = "{http://www.w3.org/2000/svg}"
UNSEEN = re.compile("[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")


def check(is_true, *what):
    if not is_true:
        raise AssertionError(" ".join(map(str, what)))


def visible(name):
    return UNSEEN.sub(lambda match: "\u2039U+%04X\u203a" % ord(match[0]), name)


class Page:
    """One page in the browser, and what heapdiff says of its files in other forms."""

    def __init__(self, browser, heapdiff, files, work, shots):
        self.browser, self.heapdiff, self.files, self.shots = browser, heapdiff, files, shots
        self.path = os.path.join(work, "page%d.html" % len(files))
        self.times = {}
        self.bytes = self.heap("--format", "html")
        with open(self.path, "wb") as out:
            out.write(self.bytes)

    def heap(self, *options):
        return subprocess.run([self.heapdiff, *options, *self.files], check=True, stdout=subprocess.PIPE).stdout

    def open(self, path=None):
        self.browser.log("browser")
        self.browser.log("performance")
        self.browser.open("file://" + (path or self.path))
        self.browser.frame()

    def run(self, script, *arguments):
        return self.browser.run(script, *arguments)

    def step(self, name, script):
        """Runs a script and waits for the drawing that follows: milliseconds until the page is ready for the next."""
        took = self.browser.wait("const done = arguments[0], began = performance.now(); (() => {" + script + "})();"
                                 "requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)))")
        self.times.setdefault(name, []).append(took)

    def shot(self, name):
        if self.shots:
            self.browser.frame()
            self.browser.screenshot(os.path.join(self.shots, name + ".png"))

    def text(self, selector):
        return self.run("return document.querySelector(arguments[0]).textContent", selector)

    def place(self, node):
        """Where to point at a node in the window, once it is drawn."""
        box = self.run("""app.flame.draw(); const box = app.flame.boxOf(arguments[0]);
            const pane = document.getElementById('graph-pane').getBoundingClientRect();
            return box && [pane.left + box.x + box.width / 2, pane.top + box.y + box.height / 2, box.width, app.flame.pane.clientWidth,
                           pane.top, pane.bottom]""", node)
        return box

    def check_quiet(self, allowed=()):
        errors = [entry["message"] for entry in self.browser.log("browser") if entry["level"] in ("SEVERE", "WARNING")]
        check(all(any(re.search(good, error) for good in allowed) for error in errors), "console:", errors)
        urls = {}
        for entry in self.browser.log("performance"):
            message = json.loads(entry["message"])["message"]
            parameters = message["params"]
            if message["method"] in ("Network.requestWillBeSent", "Network.webSocketCreated"):
                urls[parameters["requestId"]] = parameters.get("request", parameters)["url"]
            if message["method"] == "Network.loadingFailed" and parameters.get("blockedReason") == "csp":
                urls.pop(parameters["requestId"], None)
        foreign = [url for url in urls.values() if not url.startswith("file://" + os.path.dirname(self.path))]
        check(urls and not foreign, "fetched:", foreign or "no log of the network")
        return errors


# ---- numbers ----

def read_stacks(page, view):
    """(frames from the root, old, new) of every stack."""
    report = json.loads(page.heap("--format", "json", "--by", "stack", "--sample", view))
    out = []
    for row in report["rows"]:
        frames = tuple(visible(name) for name in reversed(row["name"].split(" < ")))
        flat = row["flat"] if isinstance(row["flat"], dict) else {"old": 0, "new": row["flat"]}
        out.append((frames, flat["old"], flat["new"]))
    return out


def sum_prefixes(stacks, is_inverted):
    sums = {}
    for frames, old, new in stacks:
        path = ()
        for name in ("all", *(reversed(frames) if is_inverted else frames)):
            path += (name,)
            before, after = sums.get(path, (0, 0))
            sums[path] = before + old, after + new
    return sums


def check_trees(page, views):
    """Every node of both trees, in each of the views; what is folded by the total of its parent."""
    nodes, names = 0, page.run("return app.data.views.map(view => view[0])")
    for view in views:
        index = names.index(view)
        stacks = read_stacks(page, view)
        for direction in ("callees", "callers"):
            tree = page.run("""app.change({direction: arguments[0]}); const tree = app.tree, total = tree.total(arguments[1]);
                return {parent: [...tree.parent], old: [...total[0]], new: [...total[1]],
                        name: Array.from(tree.row, row => row < 0 ? row : app.rows.names[row])}""", direction, index)
            expected, paths = sum_prefixes(stacks, direction == "callers"), [("all",)]
            check((tree["old"][0], tree["new"][0]) == expected.get(("all",), (0, 0)), view, direction, "total",
                  tree["old"][0], tree["new"][0], expected.get(("all",)))
            for node in range(1, len(tree["parent"])):
                name = tree["name"][node]
                paths.append(paths[tree["parent"][node]] + (name,))
                if name != -2:
                    check((tree["old"][node], tree["new"][node]) == expected.get(paths[node], (0, 0)), view, direction, paths[node],
                          (tree["old"][node], tree["new"][node]), expected.get(paths[node]))
                    nodes += 1
    page.run("app.change({direction: 'callees'})")
    return nodes


def check_rows(page, views):
    """What the table shows is what --format json prints, row by row."""
    for index, view in enumerate(views):
        report = json.loads(page.heap("--format", "json", "--sample", view))
        rows = page.run("""const view = arguments[0], rows = app.rows, out = {};
            rows.names.forEach((name, row) => { out[name] = [rows.flat[view][0][row], rows.flat[view][1][row],
                                                             rows.cum[view][0][row], rows.cum[view][1][row]]; });
            return out""", index)
        for row in report["rows"]:
            sides = [row[kind] if isinstance(row[kind], dict) else {"old": 0, "new": row[kind]} for kind in ("flat", "cum")]
            check(rows[visible(row["name"])] == [side[key] for side in sides for key in ("old", "new")], view, row["name"])


def read_table(page, view):
    """The text form: function -> [old, new, delta, change] as people read them."""
    out = {}
    for line in page.heap("--sample", view, "--cum", "--noise", "off", "-n", "0").decode("utf-8", "replace").splitlines()[3:-1]:
        cells = re.match(r" *(\S+) +(\S+) +(\S+) +(\S+) +.*?(\w\S*)(?:  |$)", line)
        if cells:
            out[cells[5]] = list(cells.groups()[:4])
    return out


# ---- use ----

def check_hover(page, view):
    """What the tooltip says of a function that has all it has in one frame is what the text table says of it."""
    table, seen = read_table(page, view), 0
    frames = page.run("""const tree = app.tree, view = app.state.view, sums = tree.total(view), found = [];
        for (let node = 1; node < tree.count; node++) {
            const row = tree.row[node];
            if (row >= 0 && [0, 1].every(side => sums[side][node] === app.rows.cum[view][side][row]))
                found.push([node, app.rows.names[row]]);
        }
        return found""")
    for node, name in frames:
        place = page.place(node)
        if name not in table or not place or place[2] < 6 or not place[4] < place[1] < place[5]:
            continue
        page.browser.mouse(place[0], place[1])
        page.browser.frame()
        check(page.text("#tip .name") == name, "hover:", page.text("#tip .name"), name)
        cells = page.run("return [...document.querySelectorAll('#tip tr[data-kind=total] td')].map(cell => cell.textContent)")
        check(cells[:4] == table[name], "hover:", name, cells, table[name])
        check(len(page.run("return [...document.querySelectorAll('#tip tr[data-kind=self] td')]")) == 6, "hover: self")
        seen += 1
        if seen == 8:
            break
    check(seen > 2, "hover: only", seen, "frames could be compared")


def widest(page, depth):
    return page.run("""const tree = app.tree, width = tree.width(app.state.view, app.state.mode); let best = -1;
        for (let node = 1; node < tree.count; node++)
            if (tree.depth[node] === arguments[0] && tree.row[node] >= 0 && (best < 0 || width[node] > width[best]))
                best = node;
        return best""", depth)


def check_zoom(page):
    browser, node = page.browser, widest(page, 3)
    x, y, narrow, whole, _, _ = page.place(node)
    check(narrow < whole - 1, "zoom: the frame is as wide as the graph already")
    browser.mouse(x, y, is_click=True)
    browser.frame()
    _, _, wide, whole, _, _ = page.place(node)
    check(abs(wide - whole) < 1 and page.run("return app.state.zoom") == node, "zoom", node, wide, whole)
    check(page.text("#trail [aria-current]") == page.run("return app.flame.nameOf(arguments[0])", node), "trail")
    page.shot("zoomed")
    browser.run("history.back()")
    browser.frame()
    check(page.run("return app.state.zoom") == 0 and abs(page.place(node)[2] - narrow) < 1, "back does not zoom out")
    page.run("app.zoom(arguments[0])", node)
    browser.type("Backspace")
    check(page.run("return app.state.zoom === app.tree.parent[arguments[0]]", node), "Backspace")
    browser.type("Escape")
    check(page.run("return app.state.zoom") == 0, "Escape")
    # a reload comes back to the same picture
    page.run("app.zoom(arguments[0])", node)
    browser.run("location.reload()")
    browser.frame()
    check(page.run("return app.state.zoom") == node, "reload")
    browser.type("Escape")


def check_focus(page, pattern, stacks):
    """Only stacks with what is found are drawn, whole; shares are still of all."""
    page.run("document.getElementById('graph').focus()")
    before = page.run("return [app.tree.width(app.state.view, 'both')[0], document.getElementById('total').textContent]")
    page.browser.type("f")
    page.browser.frame()
    expected = sum(max(old, new) for frames, old, new in stacks if any(pattern.search(name) for name in frames))
    after = page.run("return [app.tree.width(app.state.view, 'both')[0], document.getElementById('total').textContent]")
    check(after == [expected, before[1]] and expected < before[0], "focus:", after, expected, before)
    page.shot("focus")
    page.browser.type("f")
    check(page.run("return app.tree.width(app.state.view, 'both')[0]") == before[0], "f does not take the focus back")


def check_search(page, views):
    browser, view = page.browser, page.run("return app.state.view")
    for query in ("cache_.*_1", "^net::", "nothing_has_this_name", "literalstore", "Literalstore"):
        browser.type("Escape", "/", query)
        browser.frame()
        pattern = re.compile(query, 0 if re.search("[A-Z]", query) else re.I)
        names = page.run("return app.rows.names")
        expected = sum(1 for name in names if pattern.search(name))
        check(page.run("return app.marked.reduce((a, b) => a + b, 0)") == expected, "search:", query)
        found = page.text("#found")
        if not expected:
            check(found == "no function found", found)
            continue
        check(found.startswith("{:,} function".format(expected)), found, expected)
        if page.run("return app.tree.folded.size") == 0:
            sums = [0, 0]
            for frames, old, new in read_stacks(page, views[view]):
                if any(pattern.search(name) for name in frames):
                    sums = [sums[0] + old, sums[1] + new]
            text = page.run("return arguments[0].map(sum => formatAmount(sum, app.unit, false)).join(' \u2192 ')", sums)
            check(text in found, "search:", query, found, text)
            check_focus(page, pattern, read_stacks(page, views[view]))
        if query == "^net::":
            page.shot("search")
            page.run("document.getElementById('search').focus()")
            browser.type("Enter")
            first = page.run("return app.flame.focused")
            browser.type("Enter")
            check(first > 0 and page.run("return app.flame.focused") not in (-1, first), "Enter goes to the next")
            page.shot("search_next")
    browser.type("Escape", "/", "(")
    check(page.text("#found") == "not a regular expression", page.text("#found"))
    browser.type("Escape")
    check(page.text("#found") == "" and page.run("return app.marked") is None, "Escape does not clear the search")


def check_views(page, views):
    for index, view in enumerate(views):
        page.browser.run("document.querySelectorAll('#views button')[arguments[0]].click()", index)
        page.browser.frame()
        report = json.loads(page.heap("--format", "json", "--sample", view))
        totals = page.run("return arguments[0].map(total => formatAmount(total, arguments[1], false))",
                          [report["old"]["total"], report["new"]["total"]], report["unit"])
        check(page.text("#total").startswith(" \u2192 ".join(totals)), view, page.text("#total"), totals)
        page.browser.type(str(index + 1))
        check(page.run("return app.state.view") == index, "key", index + 1)
    stacks = read_stacks(page, views[-1])
    for key, mode, expected in (("o", "old", sum(old for _, old, _ in stacks)), ("n", "new", sum(new for _, _, new in stacks)),
                                ("d", "delta", sum(abs(new - old) for _, old, new in stacks)),
                                ("b", "both", sum(max(old, new) for _, old, new in stacks))):
        page.browser.type(key)
        page.browser.frame()
        width = page.run("return app.tree.width(app.state.view, app.state.mode)[0]")
        is_whole = page.run("return app.tree.folded.size") == 0 or mode in ("old", "new")
        check(page.run("return app.state.mode") == mode and (not is_whole or width == expected), mode, width, expected)
        page.shot("mode_" + mode)
    # what was removed has no place in "new", what was added none in "old"
    hidden = page.run("""const tree = app.tree, view = app.state.view, [before, after] = tree.total(view);
        return tree.parent.every((_, node) => (after[node] || !tree.width(view, 'new')[node]) && (before[node] || !tree.width(view, 'old')[node]))""")
    check(hidden, "old and new")


def check_drawing(page):
    """What is drawn of a level lies side by side, in every mode."""
    for mode in ("both", "old", "new", "delta"):
        overlaps = page.run("""app.change({mode: arguments[0]}); app.flame.draw();
            return app.flame.levels.flatMap(boxes => [...boxes].sort((a, b) => a.x - b.x)
                .filter((box, i, sorted) => i && sorted[i - 1].x + sorted[i - 1].width > box.x + 0.01)
                .map(box => [app.flame.nameOf(box.node), box.x, box.width, box.hidden]))""", mode)
        check(not overlaps, "frames overlap in mode", mode, overlaps[:4])
    page.run("app.change({mode: 'both'})")


def check_order(page):
    """Each parent is at least as wide as its children, which lie side by side inside it, in every mode."""
    good = page.run("""const tree = app.tree, view = app.state.view;
        return ['both', 'old', 'new', 'delta'].every(mode => {
            const width = tree.width(view, mode), left = tree.left(view, mode), {first, list} = tree.children(view);
            return tree.parent.every((_, node) => {
                let at = left[node];
                for (let i = first[node]; i < first[node + 1]; i++) {
                    if (left[list[i]] !== at || tree.parent[list[i]] !== node)
                        return false;
                    at += width[list[i]];
                }
                return at <= left[node] + width[node] + 1e-6 * width[0];
            });
        })""")
    check(good, "widths do not add up")


def check_keys(page):
    browser = page.browser
    page.run("document.getElementById('graph').focus()")
    browser.type("Down", "Down", "Down")
    first = page.run("return [app.flame.focused, app.tree.depth[app.flame.focused]]")
    check(first[1] == 2, "arrows: depth", first)
    browser.type("Up")
    check(page.run("return app.tree.depth[app.flame.focused]") == 1, "up")
    browser.type("Down", "Down", "Right")
    check(not page.run("return document.getElementById('tip').hidden"), "no tooltip at the keyboard's frame")
    check(page.text("#spoken").startswith(page.text("#tip .name")), "spoken:", page.text("#spoken"))
    node = page.run("return app.flame.focused")
    browser.type("Enter")
    check(page.run("return app.state.zoom") == node, "Enter")
    browser.type("Escape", "i")
    check(page.run("return app.state.direction") == "callers", "i")
    page.shot("callers")
    browser.type("i", "t")
    check(page.run("return document.getElementById('table-section').getBoundingClientRect().width") == 0, "t")
    browser.type("t", "?")
    check(page.run("return document.getElementById('help').open"), "?")
    page.shot("help")
    browser.type("Escape")
    check(not page.run("return document.getElementById('help').open"), "help stays open")


def check_table(page):
    cells = """return [...document.querySelectorAll('#table-body tr[data-row]')].map(line =>
        [Number(line.dataset.row), ...[...line.cells].map(cell => cell.textContent)])"""
    for column, value in (("flat.old", "rows.flat[v][0][r]"), ("cum.new", "rows.cum[v][1][r]"),
                          ("cum.delta", "Math.abs(rows.cum[v][1][r] - rows.cum[v][0][r])")):
        page.browser.run("document.querySelector('[data-column=\"' + arguments[0] + '\"] button').click()", column)
        lines = page.run(cells)
        values = page.run("const rows = app.rows, v = app.state.view; return arguments[0].map(r => " + value + ")",
                          [line[0] for line in lines])
        check(len(lines) > 10 and values == sorted(values, reverse=True), "sorted by", column)
    x, y = page.run("""const place = document.querySelectorAll('#table-body tr[data-row]')[4].lastChild.getBoundingClientRect();
        return [place.left + 20, place.top + 8]""")
    page.browser.mouse(x, y, is_click=True)
    page.browser.frame()
    picked = page.run("return [app.picked, app.marked.reduce((a, b) => a + b, 0), app.tree.row[app.flame.focused]]")
    check(picked[0] == lines[4][0] and picked[1] == 1 and picked[2] == picked[0], "pick", picked, lines[4])
    page.shot("picked")
    page.run("document.getElementById('table-pane').scrollTop = 1e9")
    page.browser.frame()
    last = page.run(cells)[-1][0]
    check(page.run("return app.table.order[app.table.order.length - 1]") == last, "the table's end")
    page.browser.type("Escape")


LUMINANCE = """const light = text => { const [r, g, b] = (text[0] === '#' ? parseColor(text) : text.match(/\\d+/g).map(Number))
    .map(c => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
    const contrast = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);"""


def check_themes(page):
    papers = []
    for scheme in ("light", "dark"):
        page.browser.scheme(scheme)
        page.browser.frame()
        flame = page.run(LUMINANCE + """const f = app.flame, style = getComputedStyle(document.documentElement);
            const pixel = f.context.getImageData(2, f.canvas.height - 2, 1, 1).data;
            return {contrast: Math.min(...[...f.grew, ...f.shrank, ...f.single, f.neutral, f.paper].map(c => contrast(f.ink, c))),
                    texts: Math.min(...['--muted', '--grew-text', '--shrank-text'].map(n => contrast(style.getPropertyValue(n).trim(), f.paper))),
                    pixel: [...pixel].slice(0, 3), body: getComputedStyle(document.body).backgroundColor,
                    grew: f.grew[11].match(/\\d+/g).map(Number), shrank: f.shrank[11].match(/\\d+/g).map(Number)}""")
        check(flame["contrast"] >= 4.5 and flame["texts"] >= 4.5, scheme, "contrast", flame)
        check(flame["body"] == "rgb(%d, %d, %d)" % tuple(flame["pixel"]), scheme, flame)
        check(flame["grew"][0] > flame["grew"][2] + 60 and flame["shrank"][2] > flame["shrank"][0] + 60, flame)
        papers.append(flame["body"])
        page.shot(scheme)
    check(papers[0] != papers[1], "dark is light")
    page.browser.type("l")
    page.browser.frame()
    check(page.run("return getComputedStyle(document.body).backgroundColor") == papers[0], "l does not choose the light theme")
    page.browser.type("l", "l")
    page.browser.scheme("light")


def check_sizes(page):
    for width, height, scale in ((600, 900, 1), (1000, 700, 2), (2200, 1000, 1), (1400, 900, 1)):
        page.browser.size(width, height, scale)
        page.browser.frame()
        page.shot("width_%d" % width)
        seen = page.run("""const pane = document.getElementById('graph-pane').getBoundingClientRect(), canvas = app.flame.canvas;
            return [document.documentElement.scrollWidth, pane.width, pane.height, canvas.width, devicePixelRatio]""")
        check(seen[0] <= width and seen[1] > width * 0.5 and seen[2] > 250, "window of", width, seen)
        cut = page.run("""return [...document.querySelectorAll('.bar button, .bar input')].filter(part => {
            const place = part.getBoundingClientRect(), around = part.parentNode.getBoundingClientRect();
            return place.right > around.right + 1 || place.right > innerWidth || place.width < 20;
        }).map(part => part.textContent)""")
        check(not cut, "cut in a window of", width, cut)
        check(abs(seen[3] / seen[4] - seen[1]) < 20 and seen[4] == scale, "canvas", seen)


def check_hostile(page, work):
    """Names are text. A script that heapdiff did not write does not run, even if it gets into the file."""
    check(page.run("return [window.broken, document.scripts.length]") == [None, 5], "a name became a script")
    names = page.run("return app.rows.names")
    for name in flame_data.HOSTILE:
        shown = visible(name.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
        check(shown in names, "not shown as text:", ascii(name), [n for n in names if n[:3] == name[:3]])
    page.bytes.decode("utf-8")
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = b"http://127.0.0.1:%d/x" % server.getsockname()[1]
        planted = page.bytes.replace(b"</body>", b"<script>window.broken=1</script><img src=x onerror='window.broken=2'>"
                                     b"<img src=%s><style>body{color:red}</style></body>" % address)
        path = os.path.join(work, "planted.html")
        with open(path, "wb") as out:
            out.write(planted)
        page.open(path)
        page.run("try { fetch(arguments[0]).catch(() => 0); } catch (error) {}", address.decode())
        page.browser.frame()
        check(not select.select([server], [], [], 0.3)[0], "something was fetched")
    check(page.run("return window.broken") is None, "a planted script ran")
    check(page.run("return getComputedStyle(document.body).color") != "rgb(255, 0, 0)", "a planted style holds")
    errors = page.check_quiet(["Content Security Policy"])
    check(len(errors) >= 3, "nothing was refused", errors)
    page.run("try { document.body.innerHTML = '<b>x</b>'; window.broken = 3; } catch (error) {}")
    check(page.run("return window.broken") is None, "markup can be made of text")


def check_times(page, bound):
    """Each step from the event to the end of the drawing: the fastest of three, for a machine that does other things too.
    Returns name -> (fastest, slowest)."""
    for _ in range(3):
        page.step("zoom", "app.zoom(app.tree.children(app.state.view).list[0])")
        page.step("zoom out", "app.reset()")
        page.step("search", "app.change({query: 'cache'})")
        page.step("search again", "app.change({query: 'e'})")
        page.step("focus", "app.change({isFocused: true})")
        page.step("reset", "app.reset()")
        page.step("mode", "app.change({mode: app.state.mode === 'delta' ? 'both' : 'delta'})")
        page.step("move", "app.move('ArrowDown')")
        page.step("hover", "const r = document.getElementById('graph-pane').getBoundingClientRect();"
                  "document.getElementById('graph-pane').dispatchEvent(new MouseEvent('mousemove', {clientX: r.left + 90, clientY: r.top + 90}))")
        page.step("table", "app.table.sortBy(app.table.sort.column === 'cum.new' ? 'flat.new' : 'cum.new')")
        page.step("theme", "app.nextTheme()")
    for _ in range(3):
        page.step("view, first time", "app.change({view: (app.state.view + 1) % app.data.views.length})")
        page.step("callers", "app.change({direction: 'callers'})")
        page.step("callees", "app.change({direction: 'callees'})")
    times = {name: (min(took), max(took)) for name, took in page.times.items()}
    slow = {name: took for name, took in times.items() if took[0] > bound}
    check(not slow, "slow steps, in ms:", slow)
    return times


def check_single(page):
    views = page.run("return app.data.views.map(view => view[0])")
    check(page.run("return getComputedStyle(document.getElementById('modes')).display") == "none", "modes of one profile")
    check(page.run("return app.table.head.querySelectorAll('th').length") == 7, "columns")
    return check_trees(page, views[-1:])


def check_picture(page, work):
    """The SVG: well formed, without scripts, its frames inside each other, its numbers those of the table."""
    data = page.heap("--format", "svg")
    path = os.path.join(work, "picture.svg")
    with open(path, "wb") as out:
        out.write(data)
    root = ElementTree.fromstring(data.decode("utf-8"))
    check(root.get("width") == "1200" and not root.findall(".//" + SVG + "script"), "svg: head")
    table, seen, levels = read_table(page, "inuse_space"), 0, {}
    for group in root.findall(SVG + "g"):
        title, box = group.find(SVG + "title").text.split("\n"), group.find(SVG + "rect")
        x, y, width = (float(box.get(key)) for key in ("x", "y", "width"))
        levels.setdefault(y, []).append((x, x + width))
        check(12 <= x and x + width <= 1188.5, "svg: outside", title, x, width)
        if title[0] in table and table[title[0]] == re.sub("[\u2192 ]+", " ", title[1]).split(" "):
            seen += 1
    check(seen > 5, "svg: numbers", seen)
    rows = [levels[y] for y in sorted(levels)]
    for upper, lower in zip(rows, rows[1:]):
        for left, right in lower:
            check(any(a - 0.1 <= left and right <= b + 1.1 for a, b in upper), "svg: a frame outside of its caller's")
    page.open(path)
    check(page.run("return document.documentElement.tagName") == "svg", "svg: not shown")
    page.shot("svg")
    page.check_quiet()


def main():
    heapdiff, work = sys.argv[1:3]
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 1000
    shots = sys.argv[4] if len(sys.argv) > 4 else None
    depth, functions = (40, 20000) if count > 10000 else (30, 400)
    files = [os.path.join(work, name) for name in ("old.pb.gz", "new.pb.gz")]
    try:
        browser = browsers.Browser()
    except FileNotFoundError as error:
        print(error)
        return SKIP
    with browser:
        browser.size(1400, 900)
        flame_data.write_pair(count, depth, functions, 1, *files)
        page = Page(browser, heapdiff, files, work, shots)
        page.open()
        load = page.run("const t = performance.getEntriesByType('navigation')[0]; return t.domContentLoadedEventEnd")
        page.check_quiet()
        page.shot("first")
        views = page.run("return app.data.views.map(view => view[0])")
        check(views == ["alloc_objects", "alloc_space", "inuse_objects", "inuse_space"], views)
        times = check_times(page, 100 if count > 10000 else 250)
        page.open()
        nodes = check_trees(page, views)
        check_rows(page, views)
        page.open()
        check_views(page, views)
        check_order(page)
        check_drawing(page)
        check_hover(page, views[-1])
        check_zoom(page)
        check_search(page, views)
        check_keys(page)
        check_table(page)
        check_themes(page)
        check_sizes(page)
        page.check_quiet(["willReadFrequently"])  # the test reads the canvas back
        check_hostile(page, work)
        check_picture(page, work)
        single = Page(browser, heapdiff, files[1:], work, shots)
        single.open()
        single.shot("single")
        nodes += check_single(single)
        single.check_quiet()
    print("%d stacks: page of %d bytes, ready after %d ms, %d nodes compared" % (count, len(page.bytes), load, nodes))
    print("ms a step, fastest and slowest: " + ", ".join("%s %d %d" % (name, *took) for name, took in times.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
