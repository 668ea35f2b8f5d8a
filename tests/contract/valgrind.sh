#!/bin/sh
# Valgrind and the library in one process. As valgrind is called mostly, it puts its own malloc in front of every other: then
# the library must be quiet. Told to leave malloc alone (--soname-synonyms=somalloc=nouserintercepts), it must learn of our blocks: it
# finds what is wrong in valgrind_faults.c, by the name of the function, and nothing in valgrind_clean.c.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
need valgrind
programs=$HEAPTAP_BUILD/tests/contract
grep -q 'HEAPTAP_HAVE_VALGRIND_H:INTERNAL=1' "$HEAPTAP_BUILD/CMakeCache.txt" || skip "built without valgrind's header"

# under NAME PROGRAM ARGUMENTS: valgrind's report is $work/NAME.
under() {
    name=$1 program=$2
    shift 2
    LD_PRELOAD=$library valgrind --leak-check=full --show-leak-kinds=definite,possible --error-exitcode=9 \
        --log-file="$work/$name" "$@" "$programs/$program" >"$work/$name.out" 2>"$work/$name.err"
}

ours=--soname-synonyms=somalloc=nouserintercepts
for rate in 512KiB 4096; do
    export HEAPTAP_MEMPROFILERATE=$rate
    under plain valgrind_clean || fail "plain, at rate $rate: $(cat "$work/plain")"
    under quiet valgrind_clean $ours || fail "ours, at rate $rate: $(cat "$work/quiet")"
    for name in plain quiet; do
        [ ! -s "$work/$name.err" ] || fail "$name prints at rate $rate: $(cat "$work/$name.err")"
    done
done

export HEAPTAP_MEMPROFILERATE=0
under found valgrind_faults $ours && fail "valgrind found nothing"
[ ! -s "$work/found.err" ] || fail "the library prints: $(cat "$work/found.err")"
# finds KIND FUNCTION: the report has a paragraph that begins so and names the function.
finds() {
    sed 's/^==[0-9]*== //; s/^ *$//' "$work/found" | awk -v RS= -v kind="$1" -v where=" $2 (" \
        'index($0, kind) && index($0, where) { found = 1 } END { exit !found }' || fail "not found: $1 in $2: $(cat "$work/found")"
}
finds 'Invalid write of size 1' writes_past_end
finds 'is 0 bytes after a block of size 40 alloc' writes_past_end
finds 'Invalid write of size 1' writes_past_large_end
finds 'Invalid read of size 1' reads_after_free
finds 'Conditional jump or move depends on uninitialised' uses_uninitialised
finds 'are definitely lost' leaks
! grep -q 'is_right' "$work/found" || fail "an error where there is none: $(cat "$work/found")"
grep -q 'ERROR SUMMARY: 5 errors from 5 contexts' "$work/found" || fail "other errors too: $(cat "$work/found")"
