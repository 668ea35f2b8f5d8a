#!/bin/sh
# Loading, unloading, forking and sampling every allocation at once: no deadlock, no crash, and a profile that names
# the library that has gone.
set -eu
command -v cc >/dev/null && command -v c++ >/dev/null && command -v python3 >/dev/null || exit 77
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
programs=$HEAPTAP_SOURCE/tests/programs
cc -D_GNU_SOURCE -g -O1 -fno-builtin -pthread -c "$programs/dlopen_storm.c" -o "$work/storm.o"
c++ -g -O1 -pthread -o "$work/storm" "$work/storm.o" "$programs/storm_throw.cc" -ldl
for room in 16 64 160 400 1000 2400 32 96; do
    cc -D_GNU_SOURCE -DROOM=$room -g -O1 -fomit-frame-pointer -fno-builtin -shared -fPIC "$programs/storm_plugin.c" \
        -o "$work/plugin.$room.so"
done
seconds=${HEAPTAP_STORM_SECONDS:-3}
for unwinder in eh libunwind fp; do
    HEAPTAP_MEMPROFILERATE=1 HEAPTAP_UNWINDER=$unwinder HEAPTAP_DUMP="$work/$unwinder.%p.pb.gz" HEAPTAP_DUMP_INTERVAL=200ms \
        LD_PRELOAD="$HEAPTAP_BUILD/libheaptap.so" timeout $((seconds + 60)) "$work/storm" "$seconds" "$work"/plugin.*.so >"$work/out" 2>&1 || {
        echo "$unwinder: exit $?"
        cat "$work/out"
        exit 1
    }
done
cd "$programs" && PYTHONDONTWRITEBYTECODE=1 python3 - "$work" <<'PYTHON'
import glob, sys
from profile_reader import Profile
for unwinder in ("eh", "libunwind", "fp"):
    files = [Profile(f) for f in glob.glob(f"{sys.argv[1]}/{unwinder}.*.pb.gz")]
    profile = max(files, key=lambda p: len(p.samples))
    plugins = [m[1] for m in profile.mappings if profile.strings[m[5]].rsplit("/", 1)[-1].startswith("plugin.")]
    assert plugins, "the library is not among the mappings"
    leaves = [profile.addresses[s.locations[0]][1] for s in profile.samples if s.locations]
    assert any(leaf in plugins for leaf in leaves), "no sample in the library"
    # Complete, though the library was another one before at the same place. Its constructor runs inside the loader.
    # libunwind's stacks of threads that are in it while another thread unloads are not held to that.
    main = profile.mappings[0][1]
    for sample in profile.samples if unwinder == "eh" else []:
        places = [profile.addresses[l][1] for l in sample.locations]
        if places and places[0] in plugins:
            assert main in places and places[-1] not in plugins + [main], f"cut: {places}"
    assert all(v >= 0 for s in profile.samples for v in s.values)
PYTHON
