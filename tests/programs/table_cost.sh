#!/bin/sh
# The memory of the profiler's tables, by stack and by live sample, is what docs/profiling.md says, and no memory is used
# that they do not count. Arrays double, so several sizes are tried.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
need cc
cc -std=gnu17 -O1 -D_GNU_SOURCE -fno-builtin -fno-crossjumping -fno-optimize-sibling-calls -pthread -I"$HEAPTAP_SOURCE" \
    -o "$work/many_stacks" "$HEAPTAP_SOURCE/bench/lib/many_stacks.c" || fail "cannot compile"
export HEAPTAP_TABLE_MAX=1GiB HEAPTAP_MEMPROFILERATE=1

# Bytes. A stack of 34.5 frames in the mean, as the program's are, and the stack's bucket and live sample. What the
# program itself keeps for each object is less than OBJECT.
STACK=540 LIVE=37 OBJECT=290

# measure STACKS OBJECTS: sets $tables and $grown, in bytes.
measure() {
    preloaded "$work/many_stacks" make "$1" 1 "$2" >"$work/out" || fail "status $?"
    # shellcheck disable=SC2046 # three numbers
    set -- $(cat "$work/out")
    tables=$3 grown=$((($2 - $1) * 1024))
}

for stacks in 20000 30000 60000 100000; do
    measure $stacks 1
    of_one=$tables
    echo "$stacks stacks: $((of_one / stacks)) bytes each, with one live object"
    [ $((of_one / stacks)) -le $STACK ] || fail "$((of_one / stacks)) bytes a stack, more than $STACK"
    [ $grown -le $((of_one + stacks * OBJECT)) ] || fail "$grown bytes resident, where the tables count $of_one"
    measure $stacks 9
    live=$(((tables - of_one) / stacks / 8))
    echo "$stacks stacks: $live bytes for each further live object"
    [ $live -le $LIVE ] || fail "$live bytes a live sample, more than $LIVE"
    [ $grown -le $((tables + 9 * stacks * OBJECT)) ] || fail "$grown bytes resident, where the tables count $tables"
done
