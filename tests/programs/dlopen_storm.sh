#!/bin/sh
# Loading and unloading twenty libraries, throwing, forking, signals and sampling every allocation at once, with a profile
# each 50 ms: no deadlock, no crash, and a profile that names the library that has gone. HEAPTAP_STORM_SECONDS of it, 30
# where it is not set; a third as long by libunwind, and less by frame pointers.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
need gcc g++ python3
here=$HEAPTAP_SOURCE/tests/programs
gcc -D_GNU_SOURCE -g -O1 -w -fno-builtin -pthread -c "$here/dlopen_storm.c" -o "$work/storm.o" &&
    g++ -g -O1 -pthread -o "$work/storm" "$work/storm.o" "$here/storm_throw.cc" -ldl || fail "cannot compile dlopen_storm.c"
room=16
while [ $room -le 3200 ]; do
    gcc -D_GNU_SOURCE -DROOM=$room -g -O1 -fomit-frame-pointer -fno-builtin -shared -fPIC "$here/storm_plugin.c" \
        -o "$work/plugin.$room.so" || fail "cannot compile storm_plugin.c"
    room=$((room + 160))
done

# storm UNWINDER SECONDS TABLE: a small table is full before the end, and the time is not spent in large profiles.
storm() {
    env HEAPTAP_MEMPROFILERATE=1 HEAPTAP_UNWINDER="$1" HEAPTAP_DUMP="$work/profiles/$1.$3.%p.%n.pb.gz" \
        HEAPTAP_DUMP_INTERVAL=50ms HEAPTAP_DUMP_KEEP=4 HEAPTAP_TABLE_MAX="$3" LD_PRELOAD="$library" \
        "$work/storm" "$2" "$work"/plugin.*.so >"$work/out" 2>"$work/err"
    status=$?
    [ $status = 0 ] || {
        cat "$work/out" "$work/err" >&2
        fail "$1: status $status"
    }
    echo "$1: $(cat "$work/out")"
}

seconds=${HEAPTAP_STORM_SECONDS:-30}
storm eh "$seconds" 1MiB
storm eh 3 64MiB
storm libunwind $((seconds / 3)) 1MiB
storm fp $((seconds / 10)) 1MiB
cd "$here" && PYTHONDONTWRITEBYTECODE=1 python3 - "$work/profiles" "$seconds" <<'PYTHON' || fail "a profile is wrong"
import glob, sys
from profile_reader import Profile

seconds = int(sys.argv[2])
for run, least in ("eh.1MiB", seconds * 2), ("eh.64MiB", 3), ("libunwind.1MiB", seconds // 3), ("fp.1MiB", seconds // 10):
    files = {f: Profile(f) for f in glob.glob(f"{sys.argv[1]}/{run}.*.pb.gz")}
    path = max(files, key=lambda f: len(files[f].samples))
    profile, number = files[path], int(path.split(".")[-3])
    plugins = [m[1] for m in profile.mappings if profile.strings[m[5]].rsplit("/", 1)[-1].startswith("plugin.")]
    names = {profile.strings[m[5]] for m in profile.mappings if m[1] in plugins}
    print(f"{run}: {number} profiles, {len(profile.samples)} samples, {len(names)} libraries, "
          f"{profile.comment('samples')} sampled, {profile.comment('dropped_memory')} dropped")
    assert number >= least, "few profiles"
    assert len(names) == 20, "a library is not among the mappings"
    leaves = [profile.addresses[s.locations[0]][1] for s in profile.samples if s.locations]
    assert any(leaf in plugins for leaf in leaves), "no sample in the library"
    # Complete, though the library was another one before at the same place. Its constructor runs inside the loader.
    # libunwind's stacks of threads that are in it while another thread unloads are not held to that.
    main = profile.mappings[0][1]
    for sample in profile.samples if run.startswith("eh") else []:
        places = [profile.addresses[l][1] for l in sample.locations]
        if places and places[0] in plugins:
            assert main in places and places[-1] not in plugins + [main], f"cut: {places}"
    assert all(v >= 0 for s in profile.samples for v in s.values)
PYTHON
