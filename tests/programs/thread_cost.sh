#!/bin/sh
# What the profiler needs for each of a thousand threads that are alive and have been sampled: at most 16 KiB each, and
# much less by the unwinder that is used where nothing else is said. Resident memory with every allocation sampled is
# compared with that of the same program with none, both as preloaded; and the tables' own count with the same bound.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
need cc
cc -O1 -D_GNU_SOURCE -fno-builtin -pthread -I"$HEAPTAP_SOURCE" -o "$work/subject" \
    "$HEAPTAP_SOURCE/tests/programs/thread_cost.c" || fail "cannot compile"

THREADS=1000

# measure RATE OBJECTS: sets $resident and $tables, in KiB.
measure() {
    env LD_PRELOAD="$library" HEAPTAP_MEMPROFILERATE="$1" "$work/subject" $THREADS "$2" >"$work/out"
    status=$?
    [ $status != 77 ] || skip "a thousand threads, or /proc/self/smaps_rollup"
    [ $status = 0 ] || fail "status $status at rate $1"
    # shellcheck disable=SC2046 # two numbers
    set -- $(head -n 1 "$work/out")
    resident=$1 tables=$(($2 / 1024))
}

# each OBJECTS BOUND: of a thread that made so many objects, in bytes.
each() {
    measure 0 "$1"
    quiet_resident=$resident quiet_tables=$tables
    measure 1 "$1"
    more=$(((resident - quiet_resident) * 1024 / THREADS))
    more_tables=$(((tables - quiet_tables) * 1024 / THREADS))
    echo "threads with $1 samples: $more bytes each, $more_tables of them by the tables' count; at most $2"
    [ $more -le "$2" ] || fail "$more bytes for each thread"
    [ $more_tables -le "$2" ] || fail "the tables count $more_tables bytes for each thread"
}

each 1 1024
each 10 1536
each 50 4096
HEAPTAP_LABELS=thread
export HEAPTAP_LABELS
echo "with the threads' names as labels:"
each 1 1536
