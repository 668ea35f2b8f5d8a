"""Demands that heapdiff and go tool pprof say the same of symbolized profiles: flat and cum of every function, to the
unit, in all four views.

    equal_views.py HEAPDIFF FILE             one profile
    equal_views.py HEAPDIFF OLD NEW          NEW against OLD, as pprof's -diff_base

Prints a line for each view; exit 1 when anything differs."""
import collections
import json
import re
import subprocess
import sys

VIEWS = {"alloc_objects": "count", "alloc_space": "B", "inuse_objects": "count", "inuse_space": "B"}
ROW = re.compile(r"^\s*(-?\d+)B?\s+\S+%?\s+\S+%\s+(-?\d+)B?\s+\S+%?\s+(.*?)(?: \(inline\))?$")


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit("%s ended with %d: %s" % (" ".join(command), done.returncode, done.stderr))
    return done.stdout


def of_pprof(view, files):
    base = ["-diff_base", files[0]] if len(files) == 2 else []
    text = run("go", "tool", "pprof", "-top", "-symbolize=none", "-nodecount=0", "-nodefraction=0", "-edgefraction=0",
               "-unit=" + VIEWS[view], "-sample_index=" + view, *base, files[-1])
    rows = collections.defaultdict(lambda: [0, 0])
    started = False
    for line in text.splitlines():
        if started:
            match = ROW.match(line)
            if not match:
                sys.exit("cannot understand pprof's row '%s'" % line)
            rows[match[3]][0] += int(match[1])
            rows[match[3]][1] += int(match[2])
        started = started or line.split()[:2] == ["flat", "flat%"]
    return rows


def of_heapdiff(heapdiff, view, files):
    answer = json.loads(run(heapdiff, "--no-symbolize", "--format", "json", "-n", "0", "--by", "function", "--sample", view,
                            *files))
    rows = collections.defaultdict(lambda: [0, 0])
    for row in answer["rows"]:
        values = [row["flat"], row["cum"]]
        if len(files) == 2:
            values = [value["delta"] for value in values]
        rows[row["name"]][0] += values[0]
        rows[row["name"]][1] += values[1]
    return rows


def main():
    heapdiff, files = sys.argv[1], sys.argv[2:]
    unequal = 0
    for view in VIEWS:
        theirs, ours = of_pprof(view, files), of_heapdiff(heapdiff, view, files)
        names = [name for name in {*theirs, *ours} if theirs[name] != [0, 0] or ours[name] != [0, 0]]
        wrong = [name for name in sorted(names) if theirs[name] != ours[name]]
        for name in wrong[:10]:
            print("%s %s: pprof %s, heapdiff %s" % (view, name, theirs[name], ours[name]))
        unequal += len(wrong)
        print("%s: %d functions, %d unequal" % (view, len(names), len(wrong)))
        if not names and len(files) == 1:
            sys.exit("%s: nothing to compare" % view)
    return 1 if unequal else 0


sys.exit(main())
