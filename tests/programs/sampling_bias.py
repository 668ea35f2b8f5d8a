"""Compares the profiles that sampling_bias.sh has made of known_amounts.c with the truth.

usage: sampling_bias.py DIR RATE MODE...

Exits 3 when anything is off, so that another error of this program is told from that."""
import glob
import math
import sys

from profile_reader import Profile

VIEWS = "alloc_objects", "inuse_objects", "alloc_space", "inuse_space"
# Slot size, objects allocated, objects in use at the end. Other allocations of the process have other sizes.
TRUTHS = {"one": [(1024, 16384, 8192)], "mixed": [(16, 100000, 50000), (4096, 2000, 1000), (65536, 100, 50)],
          "rates": [(512, 4 * 8192, 2 * 8192)],
          "realloc": [(1024, 16000, 0), (4096, 8000, 0), (2048, 8000, 4000)], "threads": [(2048, 16384, 8192)]}


def half_width(profile, view, rate, sizes):
    """Of the 95% interval: v objects of k bytes at weight w have the variance v (w - 1)."""
    variance = 0
    for k, _, _ in sizes:
        weight = 1 / -math.expm1(-k / rate)
        factor = k if "space" in view else 1
        variance += profile.total(view.replace("space", "objects"), k) * (weight - 1) * factor ** 2
    return 1.96 * math.sqrt(variance)


def has_interval(mode, view, rate):
    """Where the rate changed, or a few samples of 16 bytes are all that counts, one file does not tell how sure it is."""
    return mode != "rates" and (mode != "mixed" or "space" in view or rate < 65536)


def limit(mode, rate):
    """In standard errors, of which one comparison in 370 is off by more than 3. The twelve first ones keep that; the others
    have more room, since there are many of them."""
    return 3 if mode in ("one", "mixed", "rates") and rate == 524288 else 4


def check(mode, view, rate, profiles):
    sizes = TRUTHS[mode]
    truth = sum((n if "alloc" in view else live) * (k if "space" in view else 1) for k, n, live in sizes)
    found = [sum(p.total(view, k) for k, _, _ in sizes) for p in profiles]
    mean = sum(found) / len(found)
    error = math.sqrt(sum((x - mean) ** 2 for x in found) / (len(found) - 1) / len(found))
    off = abs(mean - truth) / error if error else math.inf if mean != truth else 0
    covered = sum(abs(x - truth) <= half_width(p, view, rate, sizes) for x, p in zip(found, profiles)) / len(found)
    print(f"{mode} at {rate}, {view}: mean {mean:.0f}, truth {truth}, {off:.2f} standard errors, {covered:.1%} covered")
    if not has_interval(mode, view, rate):
        return off < limit(mode, rate)
    # Intervals of so few samples cover somewhat less than 95%; that 200 miss the truth nowhere is no accident.
    return off < limit(mode, rate) and covered >= 0.86 and (covered < 1 or len(found) < 200)


def main():
    good, rate = True, int(sys.argv[2])
    for mode in sys.argv[3:]:
        profiles = [Profile(path) for path in glob.glob(f"{sys.argv[1]}/{mode}.*.pb.gz")]
        good &= all([check(mode, view, rate, profiles) for view in VIEWS])
    sys.exit(0 if good else 3)


main()
