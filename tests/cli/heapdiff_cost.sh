#!/bin/sh
# What heapdiff costs on large files, by numbers that a busy machine does not change: the memory that it has on a pair of
# 200,000 samples of 40 frames, the size of the page that shows it, and the instructions that each frame more takes,
# counted by callgrind. bench/heapdiff measures the time.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
heapdiff=$HEAPTAP_BUILD/heapdiff
most_mib=300
most_page_mib=20
most_instructions=200 # a frame of the pair: inflated, decoded, added up; it is 142 with gcc 12

cc -std=gnu17 -O2 "$HEAPTAP_SOURCE/bench/lib/heap_pair.c" -o "$work/heap_pair" -lz || fail "cannot build the generator"
cc -std=gnu17 -O2 -D_GNU_SOURCE -static "$HEAPTAP_SOURCE/bench/lib/launch.c" -o "$work/launch" || fail "cannot build the launcher"

# peak WORDS...: the most that heapdiff had, in MiB.
peak() {
    "$work/launch" "$work/result" - - "$heapdiff" "$@" >"$work/printed" || fail "heapdiff $*"
    # shellcheck disable=SC2046
    set -- $(cat "$work/result")
    [ "$5" = 0 ] || fail "heapdiff ended with $5"
    echo $(($4 / 1024))
}

for shape in calls random; do
    "$work/heap_pair" $shape 200000 40 20000 "$work/old" "$work/new" || fail "cannot make the pair"
    mib=$(peak "$work/old" "$work/new") || exit 1
    grep -q TOTAL "$work/printed" || fail "no total in what was printed"
    echo "$shape: $mib MiB"
    [ "$mib" -le $most_mib ] || fail "$shape: $mib MiB, more than $most_mib"
done
mib=$(peak --format html -o "$work/page" "$work/old" "$work/new") || exit 1
page=$(($(wc -c <"$work/page") / 1048576))
echo "$shape, html: $mib MiB, a page of $page MiB"
[ "$mib" -le $most_mib ] || fail "html: $mib MiB, more than $most_mib"
[ "$page" -lt $most_page_mib ] || fail "html: a page of $page MiB"

command -v valgrind >/dev/null || { echo "no valgrind: instructions were not counted"; exit 0; }
count() { # SAMPLES
    "$work/heap_pair" calls "$1" 40 2000 "$work/old" "$work/new" || fail "cannot make the pair"
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$heapdiff" "$work/old" "$work/new" 2>&1 >/dev/null |
        sed -n 's/.*Collected : //p'
}
fewer=$(count 4000) more=$(count 12000)
if [ -z "$fewer" ] || [ -z "$more" ]; then
    fail "callgrind counted nothing"
fi
each=$(((more - fewer) / (2 * 8000 * 40)))
echo "$each instructions a frame"
[ $each -le $most_instructions ] || fail "$each instructions a frame, more than $most_instructions"
