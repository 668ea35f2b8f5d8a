#!/bin/sh
# A library that was unloaded without a call of our dlclose, and another one at its address: the rules of the first are not
# used for the second.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
need gcc python3
here=$HEAPTAP_SOURCE/tests/programs
for room in 16 96; do
    gcc -D_GNU_SOURCE -DROOM=$room -DPADDING=$room -O1 -fomit-frame-pointer -fno-builtin -shared -fPIC \
        -o "$work/plugin.$room.so" "$here/storm_plugin.c" || fail "cannot compile storm_plugin.c"
done
gcc -D_GNU_SOURCE -O1 -fno-builtin -o "$work/unload" "$here/unwind_unload.c" -ldl || fail "cannot compile unwind_unload.c"
HEAPTAP_MEMPROFILERATE=1 HEAPTAP_DUMP="$work/profile.pb.gz" LD_PRELOAD=$library \
    "$work/unload" "$work"/plugin.*.so >"$work/out" || fail "unwind_unload: $?"
[ "$(cat "$work/out")" -gt 0 ] || skip "the libraries never came to the same address"
cd "$here" && PYTHONDONTWRITEBYTECODE=1 python3 - "$work/profile.pb.gz" <<'PYTHON' || fail "stacks through the second library are cut"
import sys
from profile_reader import Profile
profile = Profile(sys.argv[1])
main, seen = profile.mappings[0][1], 0
for sample in profile.samples:
    if sample.values[0] >= 20:
        places = [profile.addresses[location][1] for location in sample.locations]
        seen += 1

        assert places.count(main) >= 3 and len(places) >= 6, places
assert seen
PYTHON
