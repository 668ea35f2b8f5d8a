"""heapdiff trend --format html in a headless Chromium: the page's numbers are those of --format json, lines are where they
should be, and the page is used: pointing, clicks, keys, dark mode, narrow windows. Nothing is fetched, and no name breaks out.

usage: trend_chromium.py HEAPDIFF WORK [SHOTS]     WORK: filled by trend_data.py; SHOTS: a folder for pictures"""
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import browser as browsers
import pprof_file

SKIP = 77
HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">\u202e\x1b[31m"


def check(is_true, *what):
    if not is_true:
        raise AssertionError(" ".join(map(str, what)))


class Page:
    def __init__(self, browser, heapdiff, work, shots, arguments):
        self.browser, self.shots = browser, shots
        self.path = os.path.join(work, "page.html")
        command = [heapdiff, "trend", "--no-symbolize", *arguments]
        self.bytes = subprocess.run(command + ["--format", "html"], check=True, stdout=subprocess.PIPE, cwd=work).stdout
        self.report = json.loads(subprocess.run(command + ["--format", "json"], check=True, stdout=subprocess.PIPE, cwd=work).stdout)
        self.rows = {row["name"]: row for row in self.report["rows"]}
        with open(self.path, "wb") as out:
            out.write(self.bytes)
        browser.log("browser")
        browser.log("performance")
        browser.open("file://" + self.path)
        browser.frame()

    def run(self, script, *arguments):
        return self.browser.run(script, *arguments)

    def press(self, *keys):
        self.browser.type(*keys)
        self.browser.frame()

    def shown(self):
        return self.run("return app.visible.map(row => row.name)")

    def shot(self, name):
        if self.shots:
            self.browser.screenshot(os.path.join(self.shots, name + ".png"))

    def is_quiet(self):
        """Nothing was fetched but the file itself, and nothing was complained of."""
        complaints = [entry["message"] for entry in self.browser.log("browser")]
        check(not complaints, "the browser complains:", complaints)
        for entry in self.browser.log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                # The browser's own first page may still be about to load.
                if not message["params"]["documentURL"].startswith("file:"):
                    continue
                url = message["params"]["request"]["url"]
                check(url == "file://" + self.path, "fetched", url[:200])


def check_numbers(page):
    report = page.report
    data = json.loads(re.search(rb'id="data">(.*?)</script>', page.bytes, re.S).group(1))
    check(len(data["times"]) == len(report["files"]), "points")
    for mine, theirs in zip(data["rows"], report["rows"]):
        for key in "name", "first", "last", "values", "rises", "steps", "slope", "low", "high", "q":
            check(mine[key] == theirs[key], key, mine[key], theirs[key])
    heads = page.run("return [...document.querySelectorAll('#rows tr')].map(tr => tr.innerText.replace(/\\s+/g, ' ').trim())")
    check(any(re.match(r"session_new src/session.c:31 58.6Mi 257Mi \+5.90Mi \u00b18\d\dKi 33/33 \d+d \(\d+d\u2013\d+d\) leaks", head)
              for head in heads), heads)
    check(heads[-1].startswith("TOTAL"), heads)
    check("34 of 40 files over 1d 9h, process 4242, rate 512Ki, limit 2.00Gi" in page.run("return document.body.innerText"), "facts")


def check_lines(page):
    """Each point of the path of a row is at its time and value."""
    numbers = page.run("""
        const row = app.visible[0], chart = app.chart;
        const path = document.querySelector('.series .value').getAttribute('d');
        return [row.name, row.values, path.match(/[-0-9.]+ [-0-9.]+/g).map(pair => pair.split(' ').map(Number)),
                app.data.times, chart.low, chart.high, chart.width, chart.height]""")
    name, values, points, times, low, high, width, height = numbers
    check(values == page.rows[name]["values"], "values of", name)
    check(len(points) == len(values), "points of", name)
    for (x, y), value, time in zip(points, values, times):
        check(abs(x - (74 + (time - times[0]) / (times[-1] - times[0]) * (width - 88))) < 0.2, "x of", value)
        check(abs(y - (height - 30 - (value - low) / (high - low) * (height - 46))) < 0.2, "y of", value)


def check_pointing(page):
    x, y = page.run("""const box = document.getElementById('chart').getBoundingClientRect(), row = app.visible[0];
        return [box.left + app.chart.x(app.data.times[20]), box.top + app.chart.y(row.values[20])]""")
    page.browser.mouse(x, y)
    page.browser.frame()
    tip = page.run("return document.getElementById('tip').hidden ? '' : document.getElementById('tip').innerText")
    value = page.run("return formatAmount(app.visible[0].values[20], 'bytes')")
    check(value in tip and "session_new" in tip and "UTC" in tip, "tip", tip, value)
    check(page.run("return document.querySelectorAll('.series.picked .band').length") == 1, "no band of the picked line")
    check(page.run("return document.querySelectorAll('.cross').length") == 1, "no cross")
    page.browser.mouse(5, 5)
    page.browser.frame()
    check(page.run("return document.getElementById('tip').hidden"), "the tip stays")
    before = page.shown()
    x, y = page.run("""const box = app.data.rows.find(row => row.name === 'cache_insert').element.getBoundingClientRect();
        return [box.left + 200, box.top + box.height / 2]""")
    page.browser.mouse(x, y, True)
    page.browser.frame()
    check(sorted(page.shown()) == sorted(before + ["cache_insert"]), "a click on a row does not show it", page.shown())
    page.browser.mouse(x, y, True)
    page.browser.frame()
    check(page.shown() == before, "a second click does not hide it")
    page.browser.mouse(5, 5)


def check_keys(page):
    page.press("a")
    check(page.shown() == [row["name"] for row in page.report["rows"]], "a", page.shown())
    page.press("n")
    check(page.shown() == [] and page.run("return !document.getElementById('nothing').hidden"), "n")
    page.press("g")
    check(page.shown() == ["session_new", "drain"], "g", page.shown())
    page.press("c")
    check(page.run("return app.chart.low") < 0, "a change that falls is not below 0")
    page.press("v", "b")
    check(page.run("return document.querySelectorAll('.band').length") == 2, "bands")
    page.press("b")
    page.run("document.getElementById('chart').focus()")
    page.press("Down", "Left")
    check(page.run("return [app.picked.name, app.at]") == ["session_new", len(page.report["files"]) - 2], "arrows")
    spoken = page.run("return document.getElementById('spoken').textContent")
    check("session_new" in spoken and "Mi" in spoken, "nothing is spoken:", spoken)
    page.press("Escape")
    check(page.run("return app.picked") is None, "Esc")
    page.press("?")
    check(page.run("return document.getElementById('help').open"), "?")
    page.press("Escape")
    buttons = page.run("return document.querySelectorAll('button:not([type=button]):not([type=submit])').length")
    check(buttons == 0, "buttons that would submit")


def check_looks(page):
    for scheme in "light", "dark":
        page.browser.scheme(scheme)
        for width in 600, 1400:
            page.browser.size(width, 900)
            page.browser.frame()
            over = page.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
            check(over <= 0, "the page is wider than", width)
            height = page.run("return document.getElementById('chart').getBoundingClientRect().height")
            check(height >= 240, "the chart is %d high" % height)
            page.shot("%s_%d" % (scheme, width))
        paper, ink = page.run("const s = getComputedStyle(document.body); return [s.backgroundColor, s.color]")
        light = [sum(map(int, re.findall(r"\d+", color)[:3])) for color in (paper, ink)]
        check((light[0] > light[1]) == (scheme == "light"), scheme, paper, ink)
    page.browser.scheme("light")


def rename(work):
    """A folder of dumps with a name that tries to break out of the page."""
    folder = os.path.join(work, "hostile")
    os.mkdir(folder)
    for name in sorted(os.listdir(os.path.join(work, "few"))):
        profile = pprof_file.read(os.path.join(work, "few", name))
        for function in profile["functions"]:
            if function["name"] == "session_new":
                function["name"] = function["system_name"] = HOSTILE
                function["file"] = "/src/" + HOSTILE
        profile["period"] = RATE
        pprof_file.write(profile, os.path.join(folder, name))


RATE = 524288


def main(heapdiff, work, shots=None):
    try:
        browser = browsers.Browser(1400, 900)
    except FileNotFoundError as error:
        print(error)
        sys.exit(SKIP)
    with browser:
        page = Page(browser, heapdiff, work, shots, ["--limit", "2GiB", "dumps"])
        for step in check_numbers, check_lines, check_pointing, check_keys, check_looks:
            step(page)
            page.is_quiet()
        page = Page(browser, heapdiff, work, shots, ["--process", "all", "dumps"])
        page.press("a", "b")
        check(page.run("return document.querySelectorAll('.border').length") == 1, "no border between two processes")
        check(page.run("return document.querySelector('.value').getAttribute('d').match(/M/g).length") == 2, "one line through two processes")
        page.shot("all")
        page.is_quiet()
        page = Page(browser, heapdiff, work, shots, ["many"])
        check(page.run("return app.data.times.length") <= 1000, "points of many files")
        check("each point is the mean of 2 files" in page.run("return document.body.innerText"), "means are not said")
        check(len(page.bytes) < 1 << 20, "the page of many files has", len(page.bytes), "bytes")
        page.is_quiet()
        rename(work)
        page = Page(browser, heapdiff, work, shots, ["hostile"])
        page.press("a")
        check(page.run("return document.title").startswith("inuse_space"), "a name ran")
        check(page.run("return document.querySelectorAll('img').length") == 0, "a name became an element")
        check("\u2039U+202E\u203a" in page.run("return document.body.innerText"), "unseen characters stay unseen")
        page.is_quiet()
    print("passed")


main(*sys.argv[1:])
