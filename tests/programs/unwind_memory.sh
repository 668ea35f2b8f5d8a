#!/bin/sh
# What unwinding costs in memory, at rate 1: at most 64 KiB for the process, and for a thread that records much the 8 KiB of
# what it remembers, beyond what the frame-pointer walk costs, which keeps nothing. libunwind is loaded where it was asked for,
# and only there.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
need gcc
gcc -O1 -fno-builtin -pthread -o "$work/memory" "$HEAPTAP_SOURCE/tests/programs/unwind_memory.c" || fail "cannot compile unwind_memory.c"

# measured UNWINDER: process thread loaded
measured() {
    HEAPTAP_UNWINDER=$1 HEAPTAP_MEMPROFILERATE=1 LD_PRELOAD=$library "$work/memory" || fail "unwind_memory with $1"
}
set -- $(measured fp) $(measured auto) $(measured libunwind)
[ $# = 9 ] || fail "unwind_memory printed $*"
echo "KiB of the process: fp $1, auto $4, libunwind $7; bytes of a thread: fp $2, auto $5, libunwind $8"
[ "$3" = none ] && [ "$6" = none ] || fail "libunwind is loaded though nobody asked for it"
[ "$4" -le $(($1 + 64)) ] || fail "unwinding takes $(($4 - $1)) KiB of the process"
[ "$5" -le $(($2 + 8192)) ] || fail "unwinding takes $(($5 - $2)) bytes of each thread"
