#!/bin/sh
# Between the moment at which a library is unloaded and the one at which the profiler has noticed, another thread allocates in
# a library that has come to the same place. No stack of the one is said to be of the other, nor unwound by its rules; what is
# not kept is counted. Once by each unwinder.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
need gcc python3
here=$HEAPTAP_SOURCE/tests/programs
for room in 1000 2000; do # code and tables of one size, frames of another
    gcc -DROOM=$room -O1 -fomit-frame-pointer -fno-builtin -shared -fPIC -o "$work/plugin.$room.so" \
        "$here/storm_plugin.c" || fail "cannot compile storm_plugin.c"
done
gcc -D_GNU_SOURCE -O1 -fno-builtin -fno-omit-frame-pointer -rdynamic -pthread -o "$work/window" "$here/unwind_window.c" -ldl &&
    gcc -D_GNU_SOURCE -O1 -shared -fPIC -o "$work/shim.so" "$here/unwind_window_shim.c" -ldl ||
    fail "cannot compile unwind_window.c"
for unwinder in libunwind eh; do
    HEAPTAP_UNWINDER=$unwinder HEAPTAP_MEMPROFILERATE=1 HEAPTAP_DUMP="$work/profile.pb.gz" LD_PRELOAD="$library $work/shim.so" \
        "$work/window" "$work/plugin.1000.so" "$work/plugin.2000.so" >"$work/out" || fail "$unwinder: status $?"
    read -r was_there is_same places <"$work/out"
    [ "$was_there" = 1 ] || fail "the library did not ask for the objects after the unload"
    [ "$is_same" = 1 ] || skip "the libraries never came to the same address"
    # shellcheck disable=SC2086 # three words
    (cd "$here" && PYTHONDONTWRITEBYTECODE=1 python3 - "$work/profile.pb.gz" $places) <<'PYTHON' || fail "$unwinder: a stack is wrong"
import sys
from profile_reader import Profile

profile = Profile(sys.argv[1])
first, in_window, later = (int(place, 16) for place in sys.argv[2:5])
names = {m[1]: profile.strings[m[5]].rsplit("/", 1)[-1] for m in profile.mappings}
main = profile.mappings[0][1]
counts = {}
for sample in profile.samples:
    frames = [profile.addresses[location] for location in sample.locations]
    if not names.get(frames[0][1], "").startswith("plugin.") or sample.values[0] < 20:
        continue
    caller = frames[1][0] if len(frames) > 1 else 0
    who = [name for name, start in (("first", first), ("in_window", in_window), ("later", later)) if start < caller < start + 60]
    library, places = names[frames[0][1]], [mapping for _, mapping in frames]
    print(who, library, sample.values[0], [names.get(place) for place in places])
    assert len(who) == 1, "the caller is none of the three"
    assert library == ("plugin.1000.so" if who == ["first"] else "plugin.2000.so"), "the wrong library"
    assert main in places and len(places) >= 4 and not names[places[-1]].startswith("plugin."), "not whole"
    counts[who[0]] = sample.values[0]
assert counts.get("first") == 20 and counts.get("later") == 20, counts
assert "in_window" in counts or int(profile.comment("dropped_unwind")) >= 20, "neither kept nor counted"
PYTHON
done
