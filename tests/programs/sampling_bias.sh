#!/bin/sh
# A preloaded program at the default rate, over 200 seeds: the mean of the estimate is within 3 standard errors of the
# truth, and the interval of 95% that a reader computes from one file covers the truth about as often. One size, sizes
# mixed on one stack, across changes of the rate, objects that are resized, and objects that other threads free.
set -eu
command -v python3 >/dev/null && command -v cc >/dev/null || exit 77
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc -g -O1 -fno-builtin -pthread -I"$HEAPTAP_SOURCE/include" "$HEAPTAP_SOURCE/tests/programs/known_amounts.c" -o "$work/amounts"
for mode in one mixed rates realloc threads; do
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
RATE = 512 * 1024
# Slot size, objects allocated, objects in use at the end. Other allocations of the process have other sizes.
truths = {"one": [(1024, 16384, 8192)], "mixed": [(16, 100000, 50000), (4096, 2000, 1000), (65536, 100, 50)],
          "rates": [(512, 4 * 8192, 2 * 8192)],
          "realloc": [(1024, 16000, 0), (4096, 8000, 0), (2048, 8000, 4000)], "threads": [(2048, 16384, 8192)]}
failed = False


def half_width(profile, view, sizes):
    """Of the 95% interval: v objects of k bytes at weight w have the variance v (w - 1)."""
    variance = 0
    for k, _, _ in sizes:
        weight = 1 / -math.expm1(-k / RATE)
        variance += profile.total(view.replace("space", "objects"), k) * (weight - 1) * (k if "space" in view else 1) ** 2
    return 1.96 * math.sqrt(variance)


for mode, sizes in truths.items():
    profiles = [Profile(f"{sys.argv[1]}/{mode}.{seed}.pb.gz") for seed in range(1, 201)]
    for view in "alloc_objects", "inuse_objects", "alloc_space", "inuse_space":
        truth = sum((n if "alloc" in view else live) * (k if "space" in view else 1) for k, n, live in sizes)
        found = [sum(p.total(view, k) for k, _, _ in sizes) for p in profiles]
        mean = sum(found) / len(found)
        error = math.sqrt(sum((x - mean) ** 2 for x in found) / (len(found) - 1) / len(found))
        off = abs(mean - truth) / error
        covered = sum(abs(x - truth) <= half_width(p, view, sizes) for x, p in zip(found, profiles)) / len(found)
        print(f"{mode} {view}: mean {mean:.0f}, truth {truth}, {off:.2f} standard errors, {covered:.1%} covered")
        failed |= not off < 3
        # Intervals of so few samples cover somewhat less. Where the rate changed, or a few samples of 16 bytes are all
        # that counts, one file does not tell how sure it is.
        failed |= mode != "rates" and (mode, view[-7:]) != ("mixed", "objects") and not 0.86 <= covered <= 0.995
    if mode == "one":  # the comparison must be able to fail: unweighted counts are far off
        assert abs(sum(found) / len(found) / 2 - truth) / error > 3
sys.exit(failed)
PYTHON
