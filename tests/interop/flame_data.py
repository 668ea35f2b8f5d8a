"""A pair of heap profiles for the flame graph: call stacks that share their beginnings as those of a program do, with stacks
that came, went, grew, shrank and stayed, and names that try to break out of a page."""
import math
import random

import pprof_file

RATE = 524288
HOSTILE = ["</script><script>window.broken=1</script>", "<!--<script>", "a\"b'c&d<e>f", "]]>{{data}}\\u003c",
           "evil\u202egnp.exe", "tab\there\x07bell\x1b[31m", "bad\udcff\udcc3utf8", "\u2028line\u2029end\ufeff",
           "std::vector<std::pair<int, std::string>, std::allocator<std::pair<int, std::string>>>::_M_realloc_insert",
           "encoding/json.(*decodeState).literalStore", "operator<", "x" * 3000]
WORDS = ["cache", "index", "parse", "json", "http", "queue", "block", "arena", "table", "string", "buffer", "node"]
VERBS = ["insert", "grow", "load", "copy", "read", "split", "append", "resolve", "open"]


def make_names(count, rng):
    names = HOSTILE[:count]
    while len(names) < count:
        names.append("%s::%s_%s_%d" % (rng.choice(["net", "db", "core::detail", "ui"]), rng.choice(WORDS),
                                       rng.choice(VERBS), len(names)))
    return names


def make_stacks(count, depth, functions, rng):
    stacks, seen = [(functions - 1, functions - 2)], set()
    while len(stacks) <= count:
        stem = stacks[rng.randrange(len(stacks))]
        stack = list(stem[:rng.randrange(2, len(stem) + 1)])
        while len(stack) < depth and rng.random() < 0.8:
            stack.append(int(rng.paretovariate(0.5)) % functions)
        if tuple(stack) not in seen:
            seen.add(tuple(stack))
            stacks.append(tuple(stack))
    return stacks[1:]


def values(sampled, size):
    """Of so many sampled objects, three times as many since the start, as the profiler scales them."""
    share = -math.expm1(-size / RATE)
    return [int(3 * sampled / share), int(3 * sampled * size / share), int(sampled / share), int(sampled * size / share)]


def chain(function, functions):
    """What is at the address of a function: every seventh was inlined into another one."""
    return [function, function * 13 % functions] if function % 7 == 3 else [function]


def make(count, depth, functions, seed):
    """(old, new) as pprof_file has them."""
    rng = random.Random(seed)
    names = make_names(functions, rng)
    sides = []
    for side in range(2):
        sides.append({
            "sample_types": [{"type": "alloc_objects", "unit": "count"}, {"type": "alloc_space", "unit": "bytes"},
                             {"type": "inuse_objects", "unit": "count"}, {"type": "inuse_space", "unit": "bytes"}],
            "period_type": {"type": "space", "unit": "bytes"}, "period": RATE,
            "time_nanos": 1700000000000000000 + side * 300 * 10**9, "duration_nanos": 0,
            "comments": ["heaptap_instance=77"],
            "mappings": [{"id": 1, "start": 0x400000, "limit": 0x4000000, "offset": 0, "file": "/bin/service",
                          "has_functions": 1, "has_filenames": 1, "has_line_numbers": 1}],
            "functions": [{"id": i + 1, "name": name, "system_name": name, "file": "src/part%d.cc" % (i % 50),
                           "start_line": i * 7 % 1000} for i, name in enumerate(names)],
            "locations": [{"id": i + 1, "mapping": 1, "address": 0x400000 + i * 16,
                           "lines": [{"function": f + 1, "line": f * 7 % 1000 + 3} for f in chain(i, functions)]}
                          for i in range(functions)],
            "samples": []})
    for stack in make_stacks(count, depth, functions, rng):
        size, number, kind = rng.choice([16, 48, 512, 4096, 70000]), int(rng.paretovariate(0.8)) % 500 + 1, rng.random()
        numbers = [number, number]
        if kind < 0.15:
            numbers = [0, number]
        elif kind < 0.3:
            numbers = [number, 0]
        elif kind < 0.6:
            numbers = [number, int(number * rng.lognormvariate(0, 0.5)) + 1]
        for side in range(2):
            if numbers[side]:
                sides[side]["samples"].append({"locations": [f + 1 for f in reversed(stack)],
                                               "values": values(numbers[side], size),
                                               "labels": [{"key": "bytes", "num": size}]})
    return sides


def write_pair(count, depth, functions, seed, old_path, new_path):
    for profile, path in zip(make(count, depth, functions, seed), (old_path, new_path)):
        pprof_file.write(profile, path)
