#!/bin/sh
# Over 200 seeds the mean of the estimate is within 3 standard errors of the truth: one size, sizes mixed on one stack,
# and across changes of the rate, in the objects and bytes that were allocated and that are in use.
set -eu
command -v python3 >/dev/null && command -v cc >/dev/null || exit 77
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc -g -O1 -fno-builtin -I"$HEAPTAP_SOURCE/include" "$HEAPTAP_SOURCE/tests/programs/known_amounts.c" -o "$work/amounts"
for mode in one mixed rates; do
    seed=0
    while [ $seed -lt 200 ]; do
        seed=$((seed + 1))
        HEAPTAP_SEED=$seed HEAPTAP_DUMP="$work/$mode.$seed.pb.gz" LD_PRELOAD="$HEAPTAP_BUILD/libheaptap.so" \
            "$work/amounts" $mode
    done
done
cd "$HEAPTAP_SOURCE/tests/programs" && PYTHONDONTWRITEBYTECODE=1 python3 - "$work" <<'PYTHON'
import math, sys
from profile_reader import Profile
truths = {"one": [(1024, 16384)], "mixed": [(16, 100000), (4096, 2000), (65536, 100)], "rates": [(512, 4 * 8192)]}
failed = False
for mode, sizes in truths.items():
    profiles = [Profile(f"{sys.argv[1]}/{mode}.{seed}.pb.gz") for seed in range(1, 201)]
    objects, space = sum(n for _, n in sizes), sum(k * n for k, n in sizes)
    views = {"alloc_objects": objects, "inuse_objects": objects / 2, "alloc_space": space, "inuse_space": space / 2}
    for view, truth in views.items():
        # Other allocations of the process have other sizes; these are the program's own.
        found = [sum(p.total(view, k) for k, _ in sizes) for p in profiles]
        mean = sum(found) / len(found)
        error = math.sqrt(sum((x - mean) ** 2 for x in found) / (len(found) - 1) / len(found))
        off = abs(mean - truth) / error
        print(f"{mode} {view}: mean {mean:.0f}, truth {truth:.0f}, {off:.2f} standard errors")
        failed |= not off < 3
    if mode == "one":  # the comparison must be able to fail: unweighted counts are far off
        assert abs(sum(found) / len(found) / 2 - truth) / error > 3
sys.exit(failed)
PYTHON
