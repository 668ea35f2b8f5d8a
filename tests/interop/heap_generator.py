"""Writes heap profiles as heaptap does, with what makes sums hard: recursion through one function and through several,
inlined calls, one function in several files, frames without names, and buckets that differ by size only.

usage: heap_generator.py SEED SAMPLES DEPTH FUNCTIONS OUT [drop]"""
import random
import sys

import pprof_file


def make(seed, samples, depth, functions, drop=False, layout=0):
    rng, fixed = random.Random(seed), random.Random(functions)
    profile = {
        "sample_types": [{"type": "alloc_objects", "unit": "count"}, {"type": "alloc_space", "unit": "bytes"},
                         {"type": "inuse_objects", "unit": "count"}, {"type": "inuse_space", "unit": "bytes"}],
        "period_type": {"type": "space", "unit": "bytes"}, "period": 524288,
        "time_nanos": 1700000000000000000 + seed * 300000000000, "duration_nanos": 0,
        "comments": ["heaptap_version=0.1.0", "heaptap_instance=%x" % functions],
        "drop_frames": "alloc_.*|f1" if drop else "", "keep_frames": "alloc_7" if drop else "",
        "mappings": [{"id": 1, "start": 0x400000 + layout, "limit": 0x900000 + layout, "offset": 0x1000,
                      "file": "/nowhere/service", "build_id": "00aa", "has_functions": 1},
                     {"id": 2, "start": 0x7f0000000000 + layout, "limit": 0x7f0000100000 + layout, "offset": 0,
                      "file": "/nowhere/libplugin.so", "build_id": "00bb"}],
    }
    profile["functions"] = []
    for i in range(functions):
        name = "alloc_%d" % i if i % 50 == 7 else "f%d" % (i - 1 if i % 40 == 39 else i)
        profile["functions"].append({"id": i + 1, "name": name, "system_name": "_Z" + name,
                                     "file": "/src/./part%d/file%d.c" % (i % 5, i % 97), "start_line": 0})
    profile["locations"] = []
    for i in range(functions * 2):
        count = fixed.choice([1, 1, 1, 2, 3])
        lines = [{"function": fixed.randrange(functions) + 1, "line": fixed.randrange(1, 400)} for _ in range(count)]
        profile["locations"].append({"id": i + 1, "mapping": 1, "address": 0x401000 + layout + i * 16, "lines": lines})
    bare = len(profile["locations"])
    for i in range(max(3, functions // 20)):
        profile["locations"].append({"id": bare + i + 1, "mapping": 2, "address": 0x7f0000001000 + layout + i * 8,
                                     "lines": []})
    total = len(profile["locations"])
    profile["samples"] = []
    for _ in range(samples):
        stack = [rng.randrange(total) + 1 for _ in range(rng.randrange(1, depth + 1))]
        if rng.random() < 0.3:
            stack += stack[:3]
        size = rng.choice([16, 48, 512, 8192, 100000])
        objects, live = rng.randrange(1, 1 << 20), rng.random()
        inuse = int(objects * live) if live > 0.3 else 0
        profile["samples"].append({"locations": stack, "values": [objects, objects * size, inuse, inuse * size],
                                   "labels": [{"key": "bytes", "num": size}]})
    return profile


if __name__ == "__main__":
    seed, samples, depth, functions = map(int, sys.argv[1:5])
    pprof_file.write(make(seed, samples, depth, functions, "drop" in sys.argv[6:], seed * 0x10000), sys.argv[5])
