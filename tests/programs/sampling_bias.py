"""Compares the profiles that sampling_bias.sh has made of known_amounts.c with the truth.

usage: sampling_bias.py DIR MODE...

Exits 3 when anything is off, so that another error of this program is told from that."""
import math
import sys

from profile_reader import Profile

RATE = 512 * 1024
SEEDS = 200
VIEWS = "alloc_objects", "inuse_objects", "alloc_space", "inuse_space"
# Slot size, objects allocated, objects in use at the end. Other allocations of the process have other sizes.
TRUTHS = {"one": [(1024, 16384, 8192)], "mixed": [(16, 100000, 50000), (4096, 2000, 1000), (65536, 100, 50)],
          "rates": [(512, 4 * 8192, 2 * 8192)],
          "realloc": [(1024, 16000, 0), (4096, 8000, 0), (2048, 8000, 4000)], "threads": [(2048, 16384, 8192)]}


def half_width(profile, view, sizes):
    """Of the 95% interval: v objects of k bytes at weight w have the variance v (w - 1)."""
    variance = 0
    for k, _, _ in sizes:
        weight = 1 / -math.expm1(-k / RATE)
        factor = k if "space" in view else 1
        variance += profile.total(view.replace("space", "objects"), k) * (weight - 1) * factor ** 2
    return 1.96 * math.sqrt(variance)


def has_interval(mode, view):
    """Where the rate changed, or a few samples of 16 bytes are all that counts, one file does not tell how sure it is."""
    return mode != "rates" and (mode != "mixed" or "space" in view)


def check(mode, view, profiles):
    sizes = TRUTHS[mode]
    truth = sum((n if "alloc" in view else live) * (k if "space" in view else 1) for k, n, live in sizes)
    found = [sum(p.total(view, k) for k, _, _ in sizes) for p in profiles]
    mean = sum(found) / len(found)
    error = math.sqrt(sum((x - mean) ** 2 for x in found) / (len(found) - 1) / len(found))
    off = abs(mean - truth) / error if error else math.inf if mean != truth else 0
    covered = sum(abs(x - truth) <= half_width(p, view, sizes) for x, p in zip(found, profiles)) / len(found)
    print(f"{mode} {view}: mean {mean:.0f}, truth {truth}, {off:.2f} standard errors, {covered:.1%} covered")
    # Intervals of so few samples cover somewhat less than 95%.
    return off < 4 and (not has_interval(mode, view) or 0.86 <= covered <= 0.995)


def main():
    good = True
    for mode in sys.argv[2:]:
        profiles = [Profile(f"{sys.argv[1]}/{mode}.{seed}.pb.gz") for seed in range(1, SEEDS + 1)]
        good &= all([check(mode, view, profiles) for view in VIEWS])
    sys.exit(0 if good else 3)


main()
