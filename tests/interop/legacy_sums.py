"""What the tests of text profiles need besides pprof.

usage: legacy_sums.py jemalloc TEXT PROTOBUF      the values that jeprof's formula gives for jemalloc's text
       legacy_sums.py same HEAPDIFF TEXT PROTOBUF Go's own two forms of one profile: the same rows in all views
       legacy_sums.py pprof HEAPDIFF TEXT BINARY  rows by function as pprof has them when it finds the names in BINARY
       legacy_sums.py jeprof HEAPDIFF TEXT BINARY rows by function as jeprof has them, but for rounding
       legacy_sums.py equal NAME PPROF OURS       the same profile, but for names, id by id
       legacy_sums.py random SEED OUT             a text profile made up from a seed, in pprof's dialect

Exits 1, and says what differs."""
import json
import math
import os
import random
import re
import subprocess
import sys
import tempfile

import pprof_file

VIEWS = ("alloc_objects", "alloc_space", "inuse_objects", "inuse_space")


def unsampled(objects, size, rate):
    if not objects or not size:
        return 0, 0
    scale = 1 / (1 - math.exp(-(size / objects) / rate))
    return math.floor(objects * scale + 0.5), math.floor(size * scale + 0.5)


def jemalloc_stacks(path):
    text = open(path).read()
    rate = int(re.match(r"heap_v2/(\d+)\n", text).group(1))
    pattern = r"^@((?: 0x[0-9a-f]+)*)\n  t\*: (\d+): (\d+) \[(\d+): (\d+)\]$"
    with_allocs = re.search(r"t\*: \d+: \d+ \[(\d+): (\d+)\]", text).groups() != ("0", "0")
    library = [tuple(int(n, 16) for n in m.groups())
               for m in re.finditer(r"^([0-9a-f]+)-([0-9a-f]+) r-xp .*/libjemalloc", text, re.M)]
    sums = {}
    for match in re.finditer(pattern, text, re.M):
        stack = [int(a, 16) - 1 for a in match.group(1).split()]
        while len(stack) > 1 and any(low <= stack[0] < high for low, high in library):
            stack.pop(0)
        n, b, alloc_n, alloc_b = (int(g) for g in match.groups()[1:])
        values = (unsampled(alloc_n, alloc_b, rate) if with_allocs else ()) + unsampled(n, b, rate)
        old = sums.get(tuple(stack), (0,) * len(values))
        sums[tuple(stack)] = tuple(a + b for a, b in zip(old, values))
    return sums


def check_jemalloc(text, protobuf):
    profile = pprof_file.read(protobuf)
    addresses = {l["id"]: l["address"] for l in profile["locations"]}
    ours = {}
    for sample in profile["samples"]:
        stack = tuple(addresses[n] for n in sample["locations"])
        ours[stack] = tuple(a + b for a, b in zip(ours.get(stack, (0,) * 4), sample["values"]))
    theirs = jemalloc_stacks(text)
    print("%d stacks of %s" % (len(theirs), os.path.basename(text)))
    return bool(theirs) and ours == theirs


def heapdiff_rows(heapdiff, view, path):
    command = [heapdiff, "--format", "json", "--no-symbolize", "--sample", view, path]
    answer = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return {row["name"]: (row["flat"], row["cum"]) for row in answer["rows"] if row["flat"] or row["cum"]}


def differ(label, ours, theirs):
    wrong = [k for k in sorted(ours.keys() | theirs.keys()) if ours.get(k) != theirs.get(k)]
    for key in wrong[:5]:
        print("%s: %s: %s and %s" % (label, key, ours.get(key), theirs.get(key)))
    print("%s: %d rows, %d differ" % (label, len(theirs), len(wrong)))
    return len(wrong) > 0 or not theirs


def of_program(rows):
    return {k: v for k, v in rows.items() if k == "runtime.goexit" or not k.startswith(("runtime.", "time."))}


def check_same(heapdiff, text, protobuf):
    """The protobuf form leaves the root frame out, and decides another way which frames of the runtime to hide: not by
    the name of the function but by that of the one it was inlined into."""
    wrong = 0
    for view in VIEWS:
        ours = heapdiff_rows(heapdiff, view, text)
        if "runtime.goexit" not in ours:
            return False
        del ours["runtime.goexit"]
        wrong += differ(view, of_program(ours), of_program(heapdiff_rows(heapdiff, view, protobuf)))
    return not wrong


def check_pprof(heapdiff, text, binary):
    wrong = 0
    with tempfile.TemporaryDirectory() as directory:
        out = os.path.join(directory, "out.pb.gz")
        for view in VIEWS:
            subprocess.run(["go", "tool", "pprof", "-symbolize=local", "-topproto", "-nodecount=0", "-nodefraction=0",
                            "-edgefraction=0", "-functions", "-sample_index=" + view,
                            "-unit=" + ("bytes" if view.endswith("space") else "count"), "-output=" + out, binary, text],
                           check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                           env=dict(os.environ, PPROF_TMPDIR=directory))
            profile = pprof_file.read(out)
            functions = {f["id"]: f["name"] for f in profile["functions"]}
            names = {l["id"]: functions[l["lines"][0]["function"]] for l in profile["locations"]}
            theirs = {names[s["locations"][0]]: (s["values"][1], s["values"][0]) for s in profile["samples"]}
            wrong += differ(view, of_program(heapdiff_rows(heapdiff, view, text)),
                            of_program({k: v for k, v in theirs.items() if any(v)}))
    return not wrong


def check_jeprof(heapdiff, text, binary):
    """jeprof adds fractions up and cuts the sums; here each stack is rounded."""
    slack = len(jemalloc_stacks(text)) // 2 + 1
    wrong = compared = 0
    for view in VIEWS:
        out = subprocess.run(["jeprof", "--text", "--show_bytes", "--" + view, binary, text], check=True,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, universal_newlines=True).stdout
        theirs = {f[5]: (int(f[0]), int(f[3])) for f in (line.split() for line in out.splitlines()) if len(f) == 6}
        ours = {}
        answer = subprocess.run([heapdiff, "--format", "json", "--sample", view, text], check=True, stdout=subprocess.PIPE)
        for row in json.loads(answer.stdout)["rows"]:
            ours[row["name"]] = (row["flat"], row["cum"])
        for name in ("make_buffer", "parse_request", "load_index", "serve", "main"):
            pairs = list(zip(ours.get(name, (-1, -1)), theirs.get(name, (-1e9, 0))))
            compared += 1
            if any(abs(mine - other) > slack for mine, other in pairs):
                wrong += 1
                print("%s %s: heapdiff and jeprof: %s" % (view, name, pairs))
    print("jeprof: %d rows, %d differ by more than %d" % (compared, wrong, slack))
    return not wrong


def bare(profile):
    """Without names, which pprof does not take from a text."""
    mappings = [{k: m[k] for k in ("id", "start", "limit", "offset", "file", "build_id")} for m in profile["mappings"]]
    locations = [(l["id"], l["mapping"], l["address"]) for l in profile["locations"]]
    return {"mappings": mappings, "locations": locations,
            "samples": [s for s in profile["samples"] if s["locations"]],  # pprof shows no sample without a stack
            **{k: profile[k] for k in ("sample_types", "period", "period_type")}}


def drops(profile, names):
    return [bool(re.fullmatch(profile["drop_frames"], n) and not re.fullmatch(profile["keep_frames"], n)) for n in names]


def check_equal(name, expected, ours):
    """The frames to drop are the same by another expression: of all words in both, and of words made of them."""
    expected, ours = pprof_file.read(expected), pprof_file.read(ours)
    theirs, mine = bare(expected), bare(ours)
    wrong = [key for key in theirs if theirs[key] != mine[key]]
    for key in wrong:
        pairs = [(a, b) for a, b in zip(theirs[key], mine[key]) if a != b] if isinstance(theirs[key], list) else []
        print("%s: %s differ, such as %s" % (name, key, pairs[:1]))
    words = set(re.findall(r"[\w:]+", expected["drop_frames"] + " " + ours["drop_frames"]))
    names = [f % w for w in words for f in ("%s", "tc_%s", "__%s", "do_%s", "::%s", "%s_nothrow", "%sarray", "x%s", "%sx",
                                            "malloc_zone_%s", "tcmalloc::%s", "runtime.%s", "__builtin_vec_%s", "operator %s")]
    names += ["operator new[]", "operator delete", "runtime.panic", "runtime.call32", "runtimexcall", "BaseArena::x"]
    if drops(expected, names) != drops(ours, names):
        wrong.append("drop_frames")
        print(name, [n for n, a, b in zip(names, drops(expected, names), drops(ours, names)) if a != b])
    print("%s: %d samples, %s" % (name, len(theirs["samples"]), "differs" if wrong else "same"))
    return not wrong


def make_random(seed, out):
    """Counts of all sizes, overlapping stacks, odd white space, comments, and a map with parts of one file, a library
    in front, a deleted one, and addresses in none or in front of a library's map, but not both: once pprof has met one that
    is in none, it takes all that follow and are in no mapping for such."""
    rng = random.Random(seed)
    kind = rng.choice(["heapprofile", "heap_v2/524288", "heap_v2/4096", "heap/1048576", "heapz_v2/1", "heap_v2", "growthz"])
    odd = rng.choice([(0x7f0000801000, 0x2000), (0x10, 0x3000)])
    sites = [start + rng.randrange(1, size)
             for start, size in rng.choices([(0x400000, 0x2000), (0x7f0000001000, 0x2000), odd], k=60)]
    lines, totals = [], [0] * 4
    for _ in range(rng.randrange(1, 300)):
        size, freed = rng.choice([8, 48, 100, 4096, 70000, 1 << 21]), rng.randrange(5)
        objects = rng.choice([0, 1, 1, 2, 17, 1000])
        space = objects * size + rng.randrange(size) * (objects > 1)
        counts = [objects, space, objects + freed, space + freed * size]
        totals = [a + b for a, b in zip(totals, counts)]
        stack = " ".join("0x%08x" % rng.choice(sites) for _ in range(rng.randrange(0, 12)))
        spaces = " " * rng.randrange(4)
        lines.append("%s%d: %s%d [%s%d: %s%d] @ %s" % ((spaces, counts[0], spaces, counts[1], spaces, counts[2], spaces,
                                                        counts[3], stack)))
        if rng.randrange(10) == 0:
            lines.append(rng.choice(["", "# a comment", "   ", "#\t0x0\tnobody+0x1\tfile:1"]))
    maps = ["7f0000000000-7f0000001000 r--p 00000000 08:01 11  /lib/libfirst.so.6",
            "7f0000001000-7f0000002000 r-xp 00001000 08:01 11  /lib/libfirst.so.6",
            "7f0000002000-7f0000003000 r-xp 00002000 08:01 11  /lib/libfirst.so.6",
            "00400000-00402000 r-xp 00000000 08:01 22  /bin/program", "not a mapping",
            "00402000-00403000 rw-p 00002000 08:01 22  /bin/program",
            "7f0000802000-7f0000803000 r-xp 00001000 08:01 33  /lib/second.so (deleted)",
            "0x7f0000900000-0x7f0000901000: /lib/third.so (@1000) 0123abcd"]
    if rng.randrange(3) == 0:
        rng.shuffle(maps)
    head = "heap profile: %d: %d [ %d: %d] @ %s" % (*totals, kind)
    title = rng.choice(["MAPPED_LIBRARIES:", "--- Memory map: ---"])
    end = rng.choice(["\n", "\r\n"])
    with open(out, "w", newline="") as file:
        file.write(end.join([head] + lines + ["", title] + maps + [""]))
    return True


def main():
    checks = {"jemalloc": check_jemalloc, "same": check_same, "pprof": check_pprof, "jeprof": check_jeprof,
              "equal": check_equal,
              "random": make_random}
    sys.exit(not checks[sys.argv[1]](*sys.argv[2:]))


main()
