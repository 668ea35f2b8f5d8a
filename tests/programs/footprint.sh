#!/bin/sh
# What the library adds to a process that hardly allocates, and what the first samples add to that.
#
# Pages of files come in windows of 64 KiB that begin where chance puts the file in memory, so what is said of all
# resident memory is a mean of many runs. The library is copied a page at a time: a file that was written in larger
# pieces is mapped in larger pieces.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
need cc dd
[ "$(getconf PAGESIZE)" = 4096 ] || skip "bounds are for pages of 4 KiB"
dd if="$library" of="$work/libheaptap.so" bs=4096 2>/dev/null || fail "cannot copy the library"
library=$work/libheaptap.so
cc -O1 -o "$work/subject" "$HEAPTAP_SOURCE/tests/programs/footprint_subject.c" || fail "cannot compile"

RUNS=20

# mean PRELOAD RATE COUNT [SETTING]: sets $resident, $anonymous and $library_pages.
mean() {
    i=0
    while [ $i -lt $RUNS ]; do
        env ${1:+LD_PRELOAD="$1"} ${4:+"$4"} HEAPTAP_MEMPROFILERATE="$2" "$work/subject" "$3" || exit 1
        i=$((i + 1))
    done >"$work/runs" || fail "the program ended badly"
    # shellcheck disable=SC2046 # three numbers
    set -- $(awk '{ r += $1; a += $2; l += $3 } END { printf "%d %d %d\n", r / NR, a / NR, l / NR }' "$work/runs")
    resident=$1 anonymous=$2 library_pages=$3
}

# at_most WHAT VALUE BOUND
at_most() {
    echo "$1: $2 KiB, at most $3"
    [ "$2" -le "$3" ] || fail "$1: $2 KiB, more than $3"
}

mean "" 0 1
plain_resident=$resident plain_anonymous=$anonymous

mean "$library" 0 1
at_most "the library's pages" "$library_pages" 96
at_most "memory of its own, not sampling" $((anonymous - plain_anonymous)) 92
at_most "all that it adds, not sampling" $((resident - plain_resident)) 340
quiet_anonymous=$anonymous quiet_resident=$resident

mean "$library" 512KiB 1 HEAPTAP_UNWINDER=fp
at_most "memory that readiness to sample adds" $((anonymous - quiet_anonymous)) 16

mean "$library" 0 40
few_anonymous=$anonymous
mean "$library" 1 40 HEAPTAP_UNWINDER=fp
at_most "memory that 40 samples add" $((anonymous - few_anonymous)) 32

mean "$library" 0 2000
many_anonymous=$anonymous
mean "$library" 1 2000 HEAPTAP_UNWINDER=fp
at_most "memory that 2000 samples add" $((anonymous - many_anonymous)) 120

for peer in /usr/lib/*/libmimalloc.so.2*; do
    [ -e "$peer" ] || continue
    mean "$peer" 0 1
    peer_resident=$resident
    at_most "resident, not sampling, against that with ${peer##*/}" "$quiet_resident" "$peer_resident"
    mean "$library" 512KiB 1
    at_most "resident, ready to sample, against that with ${peer##*/}" "$resident" "$peer_resident"
    break
done
