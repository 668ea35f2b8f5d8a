#!/bin/sh
# python3 has its names in .dynsym alone. Two profiles of it at 64KiB, on a signal: heapdiff names Python's own functions; so
# does go tool pprof, in all four views; and the numbers of both are equal to the unit, for one file and for the difference.
#
# The pprof that comes with Go reads DWARF but no symbol tables of programs that are not Go's, so it is given what
# `heapdiff symbolize` wrote.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
python=/usr/bin/python3
[ -x $python ] || skip "no $python here"
need go nm
go tool pprof -h >/dev/null 2>&1 || [ $? -le 2 ] || skip "no go tool pprof here"
export HOME="$work" PPROF_TMPDIR="$work"

mkfifo "$work/input"
env LD_PRELOAD="$library" HEAPTAP_MEMPROFILERATE=64KiB HEAPTAP_DUMP="$work/p.%n.pb.gz" HEAPTAP_DUMP_ON=signal:USR2 \
    PYTHONMALLOC=malloc $python "$HEAPTAP_SOURCE/tests/interop/allocating.py" >"$work/out" 2>"$work/err" <"$work/input" &
started_pid=$!
exec 9>"$work/input"
for number in 1 2; do
    wait_until grep -q "ready $number" "$work/out" || fail "python3 does not come to point $number: $(cat "$work/err")"
    kill -USR2 "$started_pid"
    wait_until test -s "$work/p.$number.pb.gz" || fail "no profile $number: $(cat "$work/err")"
    echo >&9
done
exec 9>&-
wait "$started_pid" || fail "python3 ended with $?: $(cat "$work/err")"
started_pid=
[ ! -s "$work/err" ] || fail "on stderr: $(cat "$work/err")"

for number in 1 2; do
    "$HEAPTAP_BUILD/heapdiff" symbolize "$work/p.$number.pb.gz" -o "$work/s.$number.pb.gz" || fail "heapdiff symbolize"
done
for view in alloc_space alloc_objects inuse_space inuse_objects; do
    go tool pprof -top -nodecount=0 -sample_index=$view "$work/s.2.pb.gz" >"$work/top" 2>"$work/err" ||
        fail "go tool pprof $view: $(cat "$work/err")"
    names=$(grep -cE ' _?Py[A-Z][A-Za-z]*_[A-Za-z]+' "$work/top")
    [ "$names" -ge 8 ] || fail "$view: pprof names $names functions of Python: $(grep -v '^heaptap' "$work/top")"
    "$HEAPTAP_BUILD/heapdiff" --sample $view "$work/p.2.pb.gz" >"$work/top" || fail "heapdiff $view"
    grep -qE ' _?Py[A-Z]' "$work/top" || fail "$view: heapdiff names nothing of Python: $(cat "$work/top")"
done
compare() { $python "$HEAPTAP_SOURCE/tests/interop/compare_with_pprof.py" "$HEAPTAP_BUILD/heapdiff" "$@" || fail "unequal numbers"; }
compare "$work/s.1.pb.gz"
compare "$work/s.2.pb.gz"
compare "$work/s.2.pb.gz" "$work/s.1.pb.gz" # new, old
