"""Writes two profiles of a made-up program before and after a change in which functions were renamed, removed and added,
and says which.

usage: align_profiles.py SEED CHURN OLD NEW

40 of 300 functions are renamed, CHURN are removed and as many added. Prints a line "old_name new_name" for each renamed."""
import random
import sys

import pprof_file

FUNCTIONS, SAMPLES = 300, 6000


def make_calls(rng):
    """Who calls whom: a layered graph, each function with a few callees of the next layers."""
    calls = {}
    for i in range(FUNCTIONS):
        layer = range(i + 1, min(FUNCTIONS, i + 40))
        calls[i] = rng.sample(layer, min(len(layer), rng.randrange(1, 5))) if i < FUNCTIONS - 60 else []
    return calls


def walk(rng, calls, absent):
    stack, at = [0], 0
    while calls[at] and rng.random() > 0.08:
        choices = [c for c in calls[at] if c not in absent]
        if not choices:
            break
        at = rng.choice(choices)
        stack.append(at)
    return stack[::-1]


def write(path, seed, calls, absent, names):
    rng = random.Random(seed)
    samples = []
    for _ in range(SAMPLES):
        size = rng.choice([32, 64, 512, 4096])
        objects = rng.randrange(1, 2000)
        samples.append({"locations": [f + 1 for f in walk(rng, calls, absent)],
                        "values": [objects * 2, objects * 2 * size, objects, objects * size],
                        "labels": [{"key": "bytes", "num": size}]})
    pprof_file.write({
        "sample_types": [{"type": t, "unit": u} for t, u in
                         (("alloc_objects", "count"), ("alloc_space", "bytes"), ("inuse_objects", "count"),
                          ("inuse_space", "bytes"))],
        "period_type": {"type": "space", "unit": "bytes"}, "period": 524288, "time_nanos": 1700000000000000000 + seed,
        "duration_nanos": 0, "comments": [], "drop_frames": "", "keep_frames": "",
        "mappings": [{"id": 1, "start": 0x400000, "limit": 0x900000, "offset": 0, "file": "/nowhere/service",
                      "build_id": "%04x" % seed, "has_functions": 1}],
        "functions": [{"id": i + 1, "name": names[i], "system_name": names[i], "file": "/src/x.c", "start_line": 0}
                      for i in range(FUNCTIONS)],
        "locations": [{"id": i + 1, "mapping": 1, "address": 0x401000 + 16 * i, "lines": [{"function": i + 1, "line": 1}]}
                      for i in range(FUNCTIONS)],
        "samples": samples}, path)


def main():
    seed, churn = int(sys.argv[1]), int(sys.argv[2])
    rng = random.Random(seed)
    calls = make_calls(rng)
    changed = rng.sample(range(1, FUNCTIONS), 40 + 2 * churn)
    renamed, removed, added = changed[:40], set(changed[40:40 + churn]), set(changed[40 + churn:])
    names = ["f%03d" % i for i in range(FUNCTIONS)]
    new_names = list(names)
    shuffled = rng.sample(renamed, len(renamed))
    for i, k in zip(renamed, shuffled):
        new_names[i] = "other_%03d" % k
    write(sys.argv[3], seed * 2 + 1, calls, added, names)
    write(sys.argv[4], seed * 2 + 2, calls, removed, new_names)
    for i in renamed:
        print(names[i], new_names[i])


main()
