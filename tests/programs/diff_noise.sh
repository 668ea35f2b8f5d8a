#!/bin/sh
# What heapdiff says of real profiles is true as often as it says: two hundred sites of known amounts, in pairs of processes that
# did the same, that did not, and of one process in which half of everything was replaced. Then the same answers at a
# confidence of 50%, and against another truth, which must be found out.
set -eu
command -v python3 >/dev/null && command -v cc >/dev/null || exit 77
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc -g -O1 -fno-builtin -I"$HEAPTAP_SOURCE/include" "$HEAPTAP_SOURCE/tests/programs/diff_amounts.c" -o "$work/amounts" -lm
pairs='1 2 3 4 5 6 7 8'

# run NAME SEED FACTOR: the profiles NAME.SEED.1 and .2, and the truth in NAME.
run() {
    HEAPTAP_MEMPROFILERATE=16384 HEAPTAP_SEED=$2 LD_PRELOAD="$HEAPTAP_BUILD/libheaptap.so" \
        "$work/amounts" "$work/$1.$2" "$3" >"$work/$1"
}

# compare NAME OLD NEW CONFIDENCE: for each pair I the answer NAME.I.json; I in OLD and NEW is the seed.
compare() {
    for i in $pairs; do
        old=$(echo "$2" | sed "s/I/$i/")
        new=$(echo "$3" | sed "s/I/$i/")
        "$HEAPTAP_BUILD/heapdiff" --sample inuse_space --format json --confidence "$4" \
            "$work/$old.pb.gz" "$work/$new.pb.gz" >"$work/$1.$i.json" 2>"$work/errors" || { cat "$work/errors"; exit 1; }
    done
}

# judge NAME OLD COLUMN NEW COLUMN
judge() {
    PYTHONDONTWRITEBYTECODE=1 python3 "$HEAPTAP_SOURCE/tests/programs/diff_noise.py" \
        "$work/$2" "$3" "$work/$4" "$5" "$work/$1".*.json
}

expect_seen() {
    status=0
    judge "$@" || status=$?
    [ $status = 3 ] || { echo "a mistake is not seen"; exit 1; }
}

for i in $pairs; do
    run base "$i" 1
    run same "10$i" 1
    run more "20$i" 2
done
compare two "base.I.1" "same.10I.1" 0.95
judge two base 1 same 1
compare changed "base.I.1" "more.20I.1" 0.95
judge changed base 1 more 1
compare process "base.I.1" "base.I.2" 0.95
judge process base 1 base 2
compare narrow "base.I.1" "more.20I.1" 0.5
expect_seen narrow base 1 more 1
expect_seen two base 1 more 1
