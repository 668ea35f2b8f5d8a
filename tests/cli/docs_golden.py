"""Checks, or with UPDATE=1 rewrites, the outputs in pages; see docs_golden.sh.

usage: docs_golden.py PAGE.md..."""
import difflib
import os
import re
import subprocess
import sys

OUTPUT = re.compile(r"<!-- output: (.*) -->$")
SESSION = re.compile(r"<!-- session -->$")
FORM = re.compile(r"<!-- form -->$")
SERVICE = os.environ.get("DOCS_SERVICE", "")
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


def replay_form(block):
    """The block itself when each command's answer is the same but for numbers, times and blanks."""
    def form(line):
        line = re.sub(r"\b\d[\d.]*(ms|[dhms])( \d+[hms])?(?= )", "TIME", line)
        return re.sub(" +", " ", re.sub(r"\d[\d.]*([KMG]i)?\b", "N", line).strip())

    def anonymous(line):
        line = line.replace(os.getcwd(), "/home/me").replace(os.environ.get("XDG_RUNTIME_DIR", "/"), "/run/user/1000")
        return re.sub(r"\b%s\b" % SERVICE, "5063", line) if SERVICE else line

    answer = []
    for line in block:
        if line.startswith("$ "):
            said = run(line[2:].replace("5063", SERVICE))
            if line == "$ heaptap ps":  # which lists every process of the machine
                said = [row for row in said if row.split()[0] in ("PID", SERVICE)]
            answer += [line] + [anonymous(row) for row in said]
    return block if [form(line) for line in answer] == [form(line) for line in block] else answer


def renew(lines):
    """The page as it should be, and how many blocks were made anew."""
    out, count, i = [], 0, 0
    while i < len(lines):
        marker = OUTPUT.match(lines[i])
        is_form = FORM.match(lines[i])
        is_marked = marker or is_form or SESSION.match(lines[i])
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
        elif is_form:
            block = replay_form(block)
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
