"""See text_oracle.sh.

usage: text_oracle_check.py HEAPDIFF     in the directory of the golden data"""
import collections
import os
import random
import re
import subprocess
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(here, "../interop"), os.path.join(here, "../golden/heapdiff")]
import in_terminal
import pprof_file

heapdiff = sys.argv[1]
ROUNDS = 12
VIEWS = [("alloc_objects", "count"), ("alloc_space", "count"), ("inuse_objects", "count"), ("inuse_space", "count")]


def run(*arguments):
    done = subprocess.run([heapdiff, "--no-symbolize", "--noise", "off"] + list(arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=60)
    if done.returncode:
        sys.exit("%s fails: %s" % (arguments, done.stderr.decode()))
    return done.stdout.decode("utf-8").splitlines()


def write(samples, path):
    """samples: list of (stack from the root, values). Every location is one function."""
    names = sorted({name for stack, _ in samples for name in stack})
    number = {name: i + 1 for i, name in enumerate(names)}
    pprof_file.write({
        "sample_types": [{"type": t, "unit": u} for t, u in VIEWS], "period": 1,
        "period_type": {"type": "space", "unit": "bytes"}, "comments": [],
        "mappings": [{"id": 1, "start": 4096, "limit": 1 << 20, "offset": 0, "file": "/x", "has_functions": 1}],
        "functions": [{"id": number[n], "name": n, "system_name": n, "file": "", "start_line": 0} for n in names],
        "locations": [{"id": number[n], "mapping": 1, "address": 4096 + number[n],
                       "lines": [{"function": number[n], "line": 0}]} for n in names],
        "samples": [{"locations": [number[n] for n in reversed(stack)], "values": values} for stack, values in samples],
    }, path)


def make(rng):
    """Stacks from a random tree, so that chains and branches and recursion are in it."""
    calls, samples = {}, []
    for _ in range(rng.randrange(1, 40)):
        stack = ("main",)
        while len(stack) < 9 and rng.random() < 0.85:
            known = calls.setdefault(stack, [])
            if not known or rng.random() < 0.25:
                known.append("f%d" % rng.randrange(12))
            stack += (rng.choice(known),)
        samples.append((stack, [rng.randrange(0, 25) for _ in VIEWS]))
    return samples


class Sums:
    """What two lists of samples add up to in one view."""

    def __init__(self, old, new, view):
        zero = lambda: [0, 0]
        self.flat, self.cum = collections.defaultdict(zero), collections.defaultdict(zero)  # by path from the root
        self.own, self.whole = collections.defaultdict(zero), collections.defaultdict(zero)  # by function
        self.links = collections.defaultdict(zero)  # by (caller, callee)
        self.children = collections.defaultdict(set)
        for side, samples in enumerate((old, new)):
            for stack, values in samples:
                value = values[view]
                self.flat[stack][side] += value
                self.own[stack[-1]][side] += value
                for i in range(len(stack) + 1):
                    self.cum[stack[:i]][side] += value
                    if i:
                        self.children[stack[:i - 1]].add(stack[i - 1])
                for name in set(stack):
                    self.whole[name][side] += value
                for link in set(zip(stack, stack[1:])):
                    self.links[link][side] += value


def parse(line):
    """OLD, NEW, DELTA and the text behind them with its indentation."""
    found = re.match(r" *(\S+) +(\S+) +(\S+) +(?:(\[\w+\]|[+<>-][\d.+]+%) )? *(.*)$", line)
    old, new, delta = int(found.group(1)), int(found.group(2)), int(found.group(3))
    assert delta == new - old, line
    return [old, new], found.group(5)


def indent_of(line, head):
    return (len(line[head:]) - len(line[head:].lstrip())) // 2


def check_tree(sums, most):
    lines = run("--tree", "-n", str(most), "-inuse_space", "o.pb", "n.pb")[2:]
    head = lines[0].index("CALLS")
    assert parse(lines[-1]) == (sums.cum[()], "TOTAL"), lines
    path_of, shown, shown_below, taken = {-1: ()}, set(), collections.defaultdict(list), 0
    entries = []
    for line in lines[1:-1]:
        values, text = parse(line)
        depth = indent_of(line, head)
        parent = path_of[depth - 1]
        if text.startswith("["):
            entries.append((parent, values, int(re.match(r"\[(\d+) others?\]$", text).group(1))))
            continue
        names = [name for name in text.split(" > ") if name != ".."]
        path = parent
        shown_below[parent].append(parent + (names[0],))
        for i, name in enumerate(names):
            if i:  # a chain
                assert sums.children[path] == {name} and not any(sums.flat[path]), (line, path)
            path += (name,)
        assert values == sums.cum[path], (line, sums.cum[path])
        ends_short = text.endswith(" > ..")
        path_of[depth] = path
        shown.add(path)
        taken += 1
        entries.append((path, ends_short))
    assert taken <= most, lines
    for entry in entries:
        if len(entry) == 2:
            path, ends_short = entry
            assert ends_short == (bool(sums.children[path]) and not shown_below[path]), (path, lines)
            continue
        parent, values, count = entry
        assert count == len(sums.children[parent]) - len(shown_below[parent]), (parent, lines)
        for side in range(2):
            rest = sums.cum[parent][side] - sums.flat[parent][side] - sum(sums.cum[p][side] for p in shown_below[parent])
            assert values[side] == rest, (parent, values, rest)
    hidden = [parent + (name,) for parent in list(shown) + [()] for name in sums.children[parent]
              if parent + (name,) not in shown_below[parent]]
    hidden = [p for p in hidden if sums.cum[p][0] != sums.cum[p][1]]
    assert taken == most or not hidden, (hidden, lines)


def check_peek(sums, name):
    lines = run("-n", "0", "--peek", "^%s$" % name, "-inuse_space", "o.pb", "n.pb")[3:]
    seen, place = collections.defaultdict(dict), "called by"
    for line in lines:
        values, text = parse(line)
        if text == name:
            assert values == sums.whole[name], line
            place = "calls"
        elif text == "itself":
            assert values == sums.own[name], line
        else:
            assert text.startswith(place + " "), lines
            seen[place][text[len(place) + 1:]] = values
    for place, end in (("called by", 1), ("calls", 0)):
        expected = {link[1 - end]: values for link, values in sums.links.items() if link[end] == name and any(values)}
        assert seen[place] == expected, (name, place, seen[place], expected)


def check_folded(sums):
    answer = {}
    for line in run("--format", "folded", "-inuse_space", "o.pb", "n.pb"):
        found = re.match(r"^(.*)\s+?(\d+(?:\.\d*)?)$", line)  # twice, as flamegraph.pl does
        again = re.match(r"^(.*)\s+?(\d+(?:\.\d*)?)$", found.group(1))
        stack = tuple(again.group(1).split(";"))
        assert stack not in answer
        answer[stack] = [int(again.group(2)), int(found.group(2))]
    assert answer == {stack: values for stack, values in sums.flat.items() if any(values)}


def check_views(old, new):
    lines = run("-n", "0", "--all-views", "-inuse_space", "o.pb", "n.pb")[4:]
    sums = [Sums(old, new, view) for view in range(len(VIEWS))]
    for line in lines:
        *numbers, name = line.split()
        for view, number in enumerate(numbers):
            expected = sums[view].cum[()] if name == "TOTAL" else sums[view].own[name]
            assert int(number) == expected[1] - expected[0], (line, view)


def check_widths():
    commands = [["before.pb.gz", "after.pb.gz"], ["--all-views", "before.pb.gz", "after.pb.gz"], ["names.pb.gz"],
                ["--tree", "many_before.pb.gz", "many_after.pb.gz"], ["--peek", "e", "before.pb.gz", "after.pb.gz"],
                ["--explain", "slab_grow", "before.pb.gz", "after.pb.gz"], ["--all-views", "after.pb.gz"],
                ["--format", "diffstat", "hostile_before.pb.gz", "hostile_after.pb.gz"],
                ["--by", "stack", "many_before.pb.gz", "many_after.pb.gz"],
                ["-n", "0", "hostile_before.pb.gz", "hostile_after.pb.gz"]]
    widths = list(range(40, 104, 3)) + [120, 149, 150, 200]
    for i, columns in enumerate(widths):
        for k, command in enumerate(commands):
            if (i + k) % 2 and columns > 60:
                continue
            text, status = in_terminal.run(columns, [heapdiff] + command)
            assert status == 0, text
            long = in_terminal.too_long(text, columns)
            assert not long, (columns, command, long)
    return len(widths)


def main():
    rng = random.Random(20)
    for _ in range(ROUNDS):
        old, new = make(rng), make(rng)
        new += [sample for sample in old if rng.random() < 0.5]
        write(old, "o.pb")
        write(new, "n.pb")
        sums = Sums(old, new, 3)
        for most in (1, 3, rng.randrange(4, 30), 100000):
            check_tree(sums, most)
        for name in rng.sample(sorted(n for n, values in sums.whole.items() if any(values)), 2):
            check_peek(sums, name)
        check_folded(sums)
        check_views(old, new)
    print("%d pairs of profiles, %d widths" % (ROUNDS, check_widths()))


main()
