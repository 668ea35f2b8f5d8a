#!/bin/sh
# Labels, thread names, ages, the table as of the high-water mark and work counters, as go tool pprof shows them.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
need cc go python3
cc -g -O1 -fno-builtin -pthread -D_GNU_SOURCE -I "$HEAPTAP_SOURCE/include" "$HEAPTAP_SOURCE/tests/programs/labelled.c" -o "$work/labelled" ||
    fail "cannot compile"

run() {
    mkdir "$work/$1"
    shift_=$1
    shift
    env LD_PRELOAD="$library" HEAPTAP_MEMPROFILERATE=1 "$@" "$work/labelled" "$work/$shift_" || fail "labelled, $*"
}
run plain HEAPTAP_LABELS=
run names HEAPTAP_LABELS=thread NAMES=1
run dumped HEAPTAP_LABELS=age,thread NAMES=1 HEAPTAP_DUMP="$work/dumped/exit.pb.gz"

# sum PROFILE FOCUS: inuse objects at `allocate` with this tag.
sum() {
    go tool pprof -sample_index=inuse_objects -traces ${2:+"-tagfocus=$2"} "$work/labelled" "$work/$1.pb.gz" 2>/dev/null |
        python3 -c '
import re, sys
total = 0
for part in sys.stdin.read().split("-----------+")[1:]:
    value = re.search(r"^ +(\d+)   allocate$", part, re.M)
    total += int(value[1]) if value else 0
print(total)'
}

# is PROFILE FOCUS OBJECTS
is() {
    found=$(sum "$1" "$2")
    [ "$found" = "$3" ] || fail "$1 with '$2': $found objects, want $3"
}

is plain/heap '' 117
is plain/heap 'tenant=red' 50
is plain/heap 'tenant=blue' 5
is plain/heap 'kind=Größe' 20
is plain/heap 'bytes=1kb' 100
is names/heap 'thread=^worker-7$' 8
is names/heap 'thread=^renamed$' 2
is names/heap 'thread=^labelled$' 107
is names/heap 'tenant=red' 50
is plain/ages 'age=1s:' 110
is plain/ages 'age=:0s' 7
is plain/ages 'age=1hr:' 0
is plain/ages '' 117
is plain/ages 'tenant=red' 50
is dumped/exit 'age=1s:' 110
is dumped/exit 'thread=^worker-7$' 8

# At the summit: what lived then, with the objects that are gone, without those that came later.
python3 - "$HEAPTAP_SOURCE/tests/programs" "$work/plain" <<'PYTHON' || fail "the high-water mark"
import sys
sys.path.insert(0, sys.argv[1])
from profile_reader import Profile
heap, peak, ages = (Profile(f"{sys.argv[2]}/{name}.pb.gz") for name in ("heap", "peak", "ages"))



def inuse(profile, size):
    return profile.total("inuse_objects", size)


assert inuse(heap, 4096) == 0 and inuse(heap, 512) >= 7, (inuse(heap, 4096), inuse(heap, 512))
assert inuse(peak, 4096) == 100 and inuse(heap, 512) - inuse(peak, 512) == 7, (inuse(peak, 4096), inuse(peak, 512))
assert inuse(peak, 1024) == inuse(heap, 1024)
assert peak.total("inuse_space") == int(heap.comment("peak_inuse_bytes"))
for view in heap.types:
    assert heap.total(view) == ages.total(view), view
assert heap.comment("work_requests") == "42" and heap.comment("dropped_work") == "1"
PYTHON
