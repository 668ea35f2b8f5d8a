"""Two profiles of the same program: whether they hold the same stacks, as places in files, with the same values.

Usage: unwind_same.py OURS THEIRS CUT  (CUT: how many of ours may be shorter, in percent)

Exit 1 where a stack of ours is not one of theirs, or the beginning of one.
"""
import collections
import sys

from profile_reader import Profile


def stacks(path):
    """(frames, bytes) -> allocations; a frame is (file, offset in it)."""
    profile, out = Profile(path), collections.Counter()
    rows = {m[1]: m for m in profile.mappings}

    def place(location):
        address, mapping = profile.addresses[location]
        row = rows.get(mapping)
        return (profile.strings[row[5]], address - row[2] + row.get(4, 0)) if row else ("?", 0)

    for sample in profile.samples:
        frames = tuple(place(location) for location in sample.locations)
        out[frames, sample.labels.get("bytes", 0) or sample.values[1] // max(sample.values[0], 1)] += sample.values[0]
    return profile, out


ours_profile, ours = stacks(sys.argv[1])
theirs_profile, theirs = stacks(sys.argv[2])
for profile, name in ((ours_profile, "eh"), (theirs_profile, "libunwind")):
    words = [profile.strings[c] if isinstance(c, int) else c for c in profile.comments]
    assert any(word == f"heaptap_unwinder={name}" for word in words), (name, words)
same = sum((ours & theirs).values())
total = sum(theirs.values())
left, missing = ours - theirs, theirs - ours
shorter = 0
for (frames, size), count in list(left.items()):
    for (whole, other_size), other_count in list(missing.items()):
        if size == other_size and whole[:len(frames)] == frames and other_count:
            taken = min(count, other_count)
            shorter += taken
            count -= taken
            missing[whole, other_size] -= taken
            if not count:
                break
    left[frames, size] = count
left += collections.Counter()
print(f"{total} samples, {len(theirs)} stacks: {same} the same, {shorter} cut, {sum(left.values())} else")
for (frames, size), count in list(left.items())[:3]:
    print(f"  not theirs: {count} of {size} bytes")
    for frame in frames:
        print("     ", frame)
# What a program does may depend on the time and on addresses: a few allocations of one run are not in the other.
if sum(left.values()) > 3 + total // 1000 or shorter * 100 > float(sys.argv[3]) * total or total < 20:
    sys.exit(1)
