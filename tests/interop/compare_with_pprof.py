"""Compares heapdiff's numbers with those of `go tool pprof`, to the unit.

usage: compare_with_pprof.py HEAPDIFF NEW [OLD] [FILTER=REGEX...] [normalize=total]

pprof's text is rounded, so its answers are taken as -topproto, which holds integers. Rows are functions, lines and files;
in all four views; for one file, and for two as -diff_base and as -base. Frames that nobody could name are one row in
pprof and one row an address in heapdiff; a source file that was compiled into two binaries is one row in heapdiff and two
in pprof: those, and only those, are compared by the sum of flat. Prints what differs and exits 1."""
import json
import os
import subprocess
import sys
import tempfile

import pprof_file

VIEWS = {"alloc_objects": "count", "alloc_space": "bytes", "inuse_objects": "count", "inuse_space": "bytes"}
GRANULARITY = {"function": "functions", "line": "lines", "file": "files"}

PPROF_SPELLING = {"normalize=total": "-normalize"}


filters = []


def pprof(arguments, out):
    environment = dict(os.environ, PPROF_TMPDIR=os.path.dirname(out))
    subprocess.run(["go", "tool", "pprof", "-symbolize=none", "-nodecount=0", "-nodefraction=0", "-edgefraction=0",
                    "-output=" + out] + [PPROF_SPELLING.get(f, "-" + f) for f in filters] + arguments, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   env=environment)
    return pprof_file.read(out)


def pprof_rows(by, view, base, new, old, out):
    profile = pprof(["-topproto", "-sample_index=" + view, "-unit=" + VIEWS[view], "-" + GRANULARITY[by]] +
                    (["-%s=%s" % (base, old)] if old else []) + [new], out)
    functions = {f["id"]: f for f in profile["functions"]}
    lines = {l["id"]: l["lines"][0] for l in profile["locations"]}
    rows = {}
    for sample in profile["samples"]:
        line = lines[sample["locations"][0]]
        function = functions[line["function"]]
        key = {"function": function["name"], "file": function["file"],
               "line": (function["name"], function["file"], line["line"])}[by]
        cum, flat = sample["values"]
        rows.setdefault(key, []).append((flat, cum))
    return rows


def heapdiff_rows(heapdiff, by, view, new, old):
    command = [heapdiff, "--no-symbolize", "--format", "json", "--by", by, "--sample", view] + ["--" + f for f in filters]
    command += ([old] if old else []) + [new]
    answer = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    rows = {}
    for row in answer["rows"]:
        is_bare = row["name"].startswith("[") if by == "file" else not row["file"] and "+0x" in row["name"]
        key = "" if is_bare else row["name"] if by != "line" else (row["name"], row["file"], row["line"])
        if is_bare and by == "line":
            key = ("", "", 0)
        value = tuple(row[k]["delta"] if old else row[k] for k in ("flat", "cum"))
        if value != (0, 0):
            rows.setdefault(key, []).append(value)
    return rows


def compare(label, ours, theirs):
    wrong = []
    for key in sorted(ours.keys() | theirs.keys(), key=str):
        mine, other = ours.get(key, []), theirs.get(key, [])
        is_split = label.startswith("file") and len(other) > 1
        if key in ("", ("", "", 0)) or is_split:
            if sum(v[0] for v in mine) != sum(v[0] for v in other):
                wrong.append((key, mine, other))
        elif sorted(mine) != sorted(other):
            wrong.append((key, mine, other))
    for key, mine, other in wrong[:5]:
        print("%s: %s: heapdiff %s, pprof %s" % (label, key, mine, other))
    return len(wrong)


def main():
    filters.extend(a for a in sys.argv[3:] if "=" in a)
    heapdiff, new, old = ([a for a in sys.argv[1:] if "=" not in a] + [None])[:3]
    wrong = compared = 0
    with tempfile.TemporaryDirectory() as directory:
        out = os.path.join(directory, "out.pb.gz")
        for by in GRANULARITY:
            for view in VIEWS:
                ours = heapdiff_rows(heapdiff, by, view, new, old)
                for base in ("diff_base", "base") if old else (None,):
                    theirs = pprof_rows(by, view, base, new, old, out)
                    compared += len(theirs)
                    wrong += compare("%s %s %s" % (by, view, base or "single"), ours, theirs)
        for base, mode in (("diff_base", "diff"), ("base", "subtract")) if old else ((None, "diff"),):
            mine = os.path.join(directory, "mine.pb.gz")
            subprocess.run([heapdiff, "--no-symbolize", "--format", "proto", "--base-mode", mode, "-o", mine] +
                           ["--" + f for f in filters] + ([old] if old else []) + [new], check=True)
            theirs = pprof(["-proto"] + (["-%s=%s" % (base, old)] if old else []) + [new], out)
            ours, other = pprof_file.stacks(pprof_file.read(mine)), pprof_file.stacks(theirs)
            compared += len(other)
            if ours != other:
                difference = [k for k in ours.keys() | other.keys() if ours.get(k) != other.get(k)]
                print("proto %s: %d stacks differ, such as %s" % (base, len(difference), difference[0]))
                wrong += len(difference)
    print("%d rows compared, %d differ" % (compared, wrong))
    sys.exit(wrong > 0 or not compared)


main()
