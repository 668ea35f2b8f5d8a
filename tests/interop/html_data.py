"""The data in heapdiff's HTML, read by a reader of its own: trees and rows against --format json, the policy against the
hashes of the scripts, and that no name is anything but text. Sizes: a page of 50,000 stacks of 40 frames."""
import base64
import hashlib
import html.parser
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import flame_data


def check(is_true, *what):
    if not is_true:
        raise AssertionError(" ".join(map(str, what)))


class Reader(html.parser.HTMLParser):
    """Scripts, styles and everything that could fetch or run."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.scripts, self.styles, self.policy, self.title, self.open_tag = [], [], "", "", ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        values = dict(attributes)
        check(not any(key.startswith("on") or key in ("src", "href", "style", "action") for key in values), "attribute:", tag, values)
        check(tag not in ("link", "iframe", "img", "object", "embed", "base"), "tag:", tag)
        if values.get("http-equiv") == "Content-Security-Policy":
            self.policy = values["content"]
        if tag == "script":
            self.scripts.append([values, ""])
        if tag == "style":
            self.styles.append("")
        self.open_tag = tag

    def handle_endtag(self, tag):
        self.open_tag = ""

    def handle_data(self, data):
        if self.open_tag == "script":
            self.scripts[-1][1] += data
        if self.open_tag == "style":
            self.styles[-1] += data
        if self.open_tag == "title":
            self.title += data


class Numbers:
    def __init__(self, text):
        self.bytes, self.at = base64.b64decode(text, validate=True), 0

    def unsigned(self):
        value = shift = 0
        while True:
            byte = self.bytes[self.at]
            self.at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def signed(self):
        value = self.unsigned()
        return -(value >> 1) - 1 if value & 1 else value >> 1


def amounts(numbers, mask, count):
    return [numbers.signed() if mask >> bit & 1 else 0 for bit in range(count)]


def read_tree(data, direction):
    """(path of names, own amounts) of each node; None in the path is what is folded."""
    numbers, path, depth, nodes = Numbers(data[direction]["nodes"]), [], 0, []
    for _ in range(data[direction]["count"]):
        depth = depth - numbers.unsigned() + 1
        row = numbers.unsigned()
        name = data["names"][row - 1] if row else None
        check(row or numbers.unsigned() > 0, "nothing is folded")
        path[depth - 1:] = [name]
        check(len(path) == depth, "depth", depth)
        nodes.append((tuple(path), amounts(numbers, numbers.unsigned(), 2 * len(data["views"]))))
    check(numbers.at == len(numbers.bytes), "left over:", direction)
    return nodes


def read_rows(data):
    numbers, rows = Numbers(data["rows"]), {}
    for name in data["names"]:
        file, line, views = data["files"][numbers.unsigned()], numbers.signed(), []
        for _ in data["views"]:
            mask = numbers.unsigned()
            values = {bit: numbers.signed() for bit in (0, 2, 1, 3) if mask >> bit & 1}
            views.append([values.get(bit, 0) for bit in range(4)])
        rows[name] = (file, line, views)
    check(numbers.at == len(numbers.bytes), "left over: rows")
    return rows


def compare(heapdiff, files, data):
    for view, (name, unit) in enumerate(data["views"]):
        report = json.loads(subprocess.check_output([heapdiff, "--format", "json", "--sample", name, *files]))
        rows = read_rows(data)
        check(report["unit"] == unit and len(rows) >= len(report["rows"]), "rows of", name)
        for row in report["rows"]:
            expected = [row[kind][side] for kind in ("flat", "cum") for side in ("old", "new")]
            check(rows[row["name"]][2][view] == expected, name, row["name"], rows[row["name"]][2][view], expected)
            check(rows[row["name"]][:2] == (row["file"], row["line"]), row["name"], rows[row["name"]][:2], row["file"])
        stacks = json.loads(subprocess.check_output([heapdiff, "--format", "json", "--by", "stack", "--sample", name, *files]))
        for direction in ("callees", "callers"):
            found = {path: values[view * 2:view * 2 + 2] for path, values in read_tree(data, direction) if any(values[view * 2:view * 2 + 2])}
            expected = {}
            for row in stacks["rows"]:
                path = tuple(row["name"].split(" < "))
                expected[path if direction == "callers" else path[::-1]] = [row["flat"]["old"], row["flat"]["new"]]
            check(found == expected, name, direction, len(found), len(expected))


def check_policy(page):
    directives = dict(part.strip().split(" ", 1) for part in page.policy.split(";"))
    check(directives["default-src"] == "'none'" and directives["base-uri"] == "'none'", page.policy)
    for directive, texts in (("script-src", [text for values, text in page.scripts if "type" not in values]), ("style-src", page.styles)):
        hashes = ["'sha256-%s'" % base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts]
        check(directives[directive].split() == hashes and hashes, directive, directives[directive], hashes)


def main():
    heapdiff, work = sys.argv[1:]
    files = [os.path.join(work, name) for name in ("<old> & \"o\".pb.gz", "new'.pb.gz")]
    flame_data.write_pair(1000, 30, 400, 3, *files)
    page = Reader(subprocess.check_output([heapdiff, "--format", "html", *files]).decode("utf-8"))
    check(page.title == "%s \u2192 %s - heapdiff" % tuple(files), page.title)
    check_policy(page)
    check([values.get("type") for values, _ in page.scripts].count("application/json") == 1, "data")
    data = json.loads(page.scripts[0][1])
    check(data["view"] == 3 and data["old"] == files[0] and data["noise"], "facts")
    total = json.loads(subprocess.check_output([heapdiff, "--format", "json", *files]))["total"]
    check(data["total_is_noise"][3] == (total["verdict"] == "noise"), "total", total)
    check(data["facts"] == "rate 512Ki, same process, 5m 0s apart", data["facts"])
    compare(heapdiff, files, data)
    single = json.loads(Reader(subprocess.check_output([heapdiff, "--format", "html", "-alloc_space", files[1]]).decode()).scripts[0][1])
    check(single["old"] is None and single["view"] == 1 and not single["noise"], "one profile")

    flame_data.write_pair(50000, 40, 20000, 5, *files)
    began = time.monotonic()
    text = subprocess.check_output([heapdiff, "--format", "html", *files])
    took = time.monotonic() - began
    data = json.loads(Reader(text.decode()).scripts[0][1])
    sums = [[sum(values[side] for _, values in read_tree(data, direction)) for side in (6, 7)] for direction in ("callees", "callers")]
    report = json.loads(subprocess.check_output([heapdiff, "--format", "json", *files]))
    check(sums == [[report["old"]["total"], report["new"]["total"]]] * 2, "what is folded is lost:", sums)
    frames = sum(path[-1] is not None for path, _ in read_tree(data, "callees"))
    check(len(text) < 10e6 and 90000 < frames <= 100000, "size", len(text), frames)
    print("1,000 stacks compared; page of 50,000 stacks: %d frames, %d bytes, %.1f s" % (frames, len(text), took))


if __name__ == "__main__":
    main()
