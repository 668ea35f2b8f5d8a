#!/bin/sh
# A preloaded program at three rates, over many seeds: the mean of the estimate is within 3 or 4 standard errors
# of the truth, and the interval of 95% that a reader computes from one file covers the truth about as often. One size, sizes
# mixed on one stack, across changes of the rate, objects that are resized, and objects that other threads free. Then
# the same with libraries that have a mistake each (tests/biased), which must be seen.
set -eu
command -v python3 >/dev/null && command -v cc >/dev/null || exit 77
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc -g -O1 -fno-builtin -pthread -I"$HEAPTAP_SOURCE/include" "$HEAPTAP_SOURCE/tests/programs/known_amounts.c" -o "$work/amounts"

# holds LIBRARY RATE MODE...
holds() {
    library=$HEAPTAP_BUILD/$1
    rate=$2
    shift 2
    rm -rf "$work/profiles"
    mkdir "$work/profiles"
    for mode in "$@"; do
        seed=0
        while [ $seed -lt "$seeds" ]; do
            seed=$((seed + 1))
            HEAPTAP_MEMPROFILERATE=$rate HEAPTAP_SEED=$seed HEAPTAP_DUMP="$work/profiles/$mode.$seed.pb.gz" \
                LD_PRELOAD="$library" "$work/amounts" "$mode"
        done
    done
    PYTHONDONTWRITEBYTECODE=1 python3 "$HEAPTAP_SOURCE/tests/programs/sampling_bias.py" "$work/profiles" "$rate" "$@"
}

seeds=200
holds libheaptap.so 524288 one mixed rates realloc threads
seeds=100
holds libheaptap.so 4096 mixed realloc threads
holds libheaptap.so 128 mixed
seeds=50
while read -r fault mode; do
    echo "with biased_$fault:"
    status=0
    holds "tests/biased/biased_$fault.so" 524288 "$mode" || status=$?
    [ $status = 3 ] || { echo "biased_$fault is not seen"; exit 1; }
done <<'FAULTS'
log_base one
period one
weight rates
remote_free threads
FAULTS
