#!/bin/sh
# --align finds renamed functions by who calls them and whom they call: nearly all where nothing else changed, most where
# functions were removed and added around them, and next to none is matched with another. Numbers move and none is lost;
# without the option nothing is matched.
set -eu
command -v python3 >/dev/null || exit 77
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export PYTHONDONTWRITEBYTECODE=1
cd "$tmp"

# compare CHURN LEAST: at least LEAST per cent of what the stacks show are found.
compare() {
    total_right=0 total_wrong=0 total=0
    for seed in 1 2 3 4 5; do
        python3 "$HEAPTAP_SOURCE/tests/interop/align_profiles.py" $seed "$1" old.pb.gz new.pb.gz >renamed
        "$HEAPTAP_BUILD/heapdiff" --cum -n 0 old.pb.gz new.pb.gz >plain
        "$HEAPTAP_BUILD/heapdiff" --cum -n 0 --align old.pb.gz new.pb.gz >aligned
        # What no stack shows cannot be found.
        while read -r old new; do
            if grep -q " $old " plain && grep -q " $new " plain; then echo "$old $new"; fi
        done <renamed | sort >truth
        if grep -q ' (was ' plain; then
            echo "FAILED: matched without being asked"
            exit 1
        fi
        [ "$(tail -n 1 plain)" = "$(tail -n 1 aligned)" ] || { echo "FAILED: the total changed"; exit 1; }
        sed -n 's/.* \([a-z_0-9]*\) (was \([a-z_0-9]*\)? [0-9]*% alike).*/\2 \1/p' aligned | sort >found
        right=$(comm -12 truth found | wc -l) wrong=$(comm -13 truth found | wc -l)
        # Each match makes one row of two.
        [ $(($(wc -l <plain) - $(wc -l <aligned))) = $((right + wrong)) ] || { echo "FAILED: rows were lost"; exit 1; }
        total_right=$((total_right + right)) total_wrong=$((total_wrong + wrong)) total=$((total + $(wc -l <truth)))
    done
    echo "$1 removed and added: $total_right of $total right, $total_wrong wrong"
    test $((total_right * 100)) -ge $((total * $2)) && test $((total_wrong * 100)) -le $((total * 3))
}

compare 0 90
compare 15 60
