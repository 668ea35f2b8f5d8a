#!/bin/sh
# A preloaded program at the default rate, over 200 seeds: the mean of the estimate is within 4 standard errors of the
# truth, and the interval of 95% that a reader computes from one file covers the truth about as often. One size, sizes
# mixed on one stack, across changes of the rate, objects that are resized, and objects that other threads free. Then
# the same with libraries that have a mistake each (tests/biased), which must be seen.
set -eu
command -v python3 >/dev/null && command -v cc >/dev/null || exit 77
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc -g -O1 -fno-builtin -pthread -I"$HEAPTAP_SOURCE/include" "$HEAPTAP_SOURCE/tests/programs/known_amounts.c" -o "$work/amounts"

# holds LIBRARY MODE...
holds() {
    library=$HEAPTAP_BUILD/$1
    shift
    rm -rf "$work/profiles"
    mkdir "$work/profiles"
    for mode in "$@"; do
        seed=0
        while [ $seed -lt 200 ]; do
            seed=$((seed + 1))
            HEAPTAP_SEED=$seed HEAPTAP_DUMP="$work/profiles/$mode.$seed.pb.gz" LD_PRELOAD="$library" "$work/amounts" "$mode"
        done
    done
    PYTHONDONTWRITEBYTECODE=1 python3 "$HEAPTAP_SOURCE/tests/programs/sampling_bias.py" "$work/profiles" "$@"
}

holds libheaptap.so one mixed rates realloc threads
while read -r fault mode; do
    echo "with biased_$fault:"
    status=0
    holds "tests/biased/biased_$fault.so" "$mode" || status=$?
    [ $status = 3 ] || { echo "biased_$fault is not seen"; exit 1; }
done <<'FAULTS'
log_base one
period one
weight rates
remote_free threads
FAULTS
