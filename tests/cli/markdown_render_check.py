"""See markdown_render.sh.

usage: markdown_render_check.py HEAPDIFF     in the directory of the golden data"""
import html.parser
import json
import subprocess
import sys
import unicodedata

heapdiff = sys.argv[1]
ALLOWED = {"p", "code", "strong", "table", "thead", "tbody", "tr", "th", "td", "details", "summary"}


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.tables, self.tags, self.cell, self.codes, self.texts = [], set(), None, None, []

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.cell, self.codes = "", []
        elif tag == "code" and self.cell is not None:
            self.codes.append("")

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.tables[-1][-1].append((self.cell, self.codes))
            self.cell = self.codes = None
        elif tag == "code" and self.codes:
            self.codes.append(None)

    def handle_data(self, data):
        if self.cell is None:
            self.texts.append(data)
            return
        self.cell += data
        if self.codes and self.codes[-1] is not None:
            self.codes[-1] += data


def render(arguments):
    text = subprocess.run([heapdiff, "--format", "markdown"] + arguments, check=True, stdout=subprocess.PIPE).stdout
    made = subprocess.run(["cmark-gfm", "--unsafe", "-e", "table", "-e", "autolink", "-e", "strikethrough"], input=text, check=True,
                          stdout=subprocess.PIPE).stdout
    page = Page()
    page.feed(made.decode("utf-8"))
    assert page.tags <= ALLOWED, (arguments, page.tags - ALLOWED)
    return page


def clean(name):
    """As text_clean does it."""
    out = ""
    for c in name:
        unseen = unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")
        out += "?" * len(c.encode()) if unseen else c
    return out


def names_of(page):
    return [[code for code in row[0][1] if code is not None] for table in page.tables for row in table]


def check(arguments, tables):
    page = render(arguments)
    rows = json.loads(subprocess.run([heapdiff, "--format", "json"] + arguments, check=True, stdout=subprocess.PIPE).stdout)
    assert len(page.tables) == tables, (arguments, len(page.tables))
    assert all(len(row) == 5 for table in page.tables for row in table), arguments
    shown = [codes[0] for codes in names_of(page) if codes]
    known = [clean(row["name"]) for row in rows["rows"]]
    assert shown and shown == known[:len(shown)], (shown, known)
    return len(shown)


def main():
    pair = ["before.pb.gz", "after.pb.gz"]
    count = check(["hostile_before.pb.gz", "hostile_after.pb.gz"], 1)
    count += check(["hostile_after.pb.gz"], 1)
    count += check(pair, 1)
    count += check(["-n", "2"] + pair, 2)
    count += check(["--by", "line"] + pair, 1)
    page = render(["-n", "10", "many_before.pb.gz", "many_after.pb.gz"])
    verdicts = [row[-1][0] for row in page.tables[0][1:-1]]
    assert verdicts[:8] == ["grew"] * 8 and verdicts[8:] == ["~ within noise"] * 2, verdicts
    assert len(page.tables) == 2 and "others" in "".join(page.texts)
    print("%d names" % count)


main()
