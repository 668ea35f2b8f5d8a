"""Checks, or with UPDATE=1 rewrites, the outputs in pages; see docs_golden.sh.

usage: docs_golden.py PAGE.md..."""
import difflib
import os
import re
import subprocess
import sys

OUTPUT = re.compile(r"<!-- output: (.*) -->$")
SESSION = re.compile(r"<!-- session -->$")
LOOKS_LIKE_OUTPUT = re.compile(r'^ *(OLD|NEW|FLAT|CUM) .*(FUNCTION|LINE|FILE|CALLS|STACK)$|^ .* TOTAL$|^\{"schema"')


class Mistake(Exception):
    pass


def run(command):
    done = subprocess.run(["sh", "-c", command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60)
    if done.returncode not in (0, 1) or (done.returncode == 1 and not done.stdout):
        raise Mistake("'%s' ends with status %d: %s" % (command, done.returncode, done.stdout.decode()))
    text = re.sub(r"\bheaptap\.\d+\.", "heaptap.4711.", done.stdout.decode("utf-8"))
    return [line.rstrip() for line in text.splitlines()]


def replay(block):
    lines = []
    for line in block:
        if line.startswith("$ "):
            lines.append(line)
            lines += run(line[2:])
    return lines


def renew(lines):
    """The page as it should be, and how many blocks were made anew."""
    out, count, i = [], 0, 0
    while i < len(lines):
        marker = OUTPUT.match(lines[i])
        is_marked = marker or SESSION.match(lines[i])
        fence = i + 1 if is_marked else i
        if fence >= len(lines) or not lines[fence].startswith("```"):
            if is_marked:
                raise Mistake("line %d: no block behind the comment" % (i + 1))
            out.append(lines[i])
            i += 1
            continue
        end = fence + 1
        while lines[end] != "```":
            end += 1
        block = lines[fence + 1:end]
        out += lines[i:fence + 1]
        if marker:
            block = run(marker.group(1))
        elif is_marked:
            block = replay(block)
        elif any(LOOKS_LIKE_OUTPUT.match(line) for line in block):
            raise Mistake("line %d: output without a comment that says of what" % (fence + 1))
        count += bool(is_marked)
        out += block + ["```"]
        i = end + 1
    return out, count


def main():
    failed = total = 0
    for path in sys.argv[1:]:
        text = open(path, encoding="utf-8").read()
        lines = text.split("\n")
        try:
            right, count = renew(lines)
        except Mistake as mistake:
            print("%s: %s" % (path, mistake))
            failed += 1
            continue
        total += count
        if right == lines:
            continue
        if os.environ.get("UPDATE") == "1":
            open(path, "w", encoding="utf-8").write("\n".join(right))
        else:
            print("\n".join(difflib.unified_diff(lines, right, path, "as it should be", lineterm="")))
            failed += 1
    print("%d outputs in %d pages, %d pages differ" % (total, len(sys.argv) - 1, failed))
    sys.exit(failed != 0)


main()
