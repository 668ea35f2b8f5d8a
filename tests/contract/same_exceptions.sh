#!/bin/sh
# A program that throws across threads prints the same with the library as without, also when every allocation is
# sampled and so every throw is met by the profiler's own unwinding.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
program=$HEAPTAP_BUILD/tests/contract/throw_across_threads
"$program" >"$work/plain"
[ "$(wc -l <"$work/plain")" -eq 1601 ] || { echo "without the library: wrong output"; exit 1; }
for rate in '' 1 64KiB; do
    LD_PRELOAD=$HEAPTAP_BUILD/libheaptap.so HEAPTAP_MEMPROFILERATE=${rate:-512KiB} "$program" >"$work/preloaded"
    cmp "$work/plain" "$work/preloaded"
done
