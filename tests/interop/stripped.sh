#!/bin/sh
# What has no name is shown as `program+0xaddress`, with the address in the file where the code really is, and never by the
# name of a neighbour.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
need gcc strip nm
cd "$work" || exit 1
gcc -O1 -rdynamic -fno-toplevel-reorder -o whole "$HEAPTAP_SOURCE/tests/interop/stripped.c" || fail "cannot compile"
strip -s -o nameless whole || fail "cannot strip"
nm -D --defined-only nameless | grep -q named_neighbour || fail "the neighbour has lost its name"

# The function's place: value and size, in hexadecimal.
# shellcheck disable=SC2046 # several words
set -- $(nm -S whole | awk '$4 == "nameless_allocate" { print $1, $2 }')
first=$(printf '%d' "0x$1")
end=$((first + $(printf '%d' "0x$2")))

sampled env HEAPTAP_MEMPROFILERATE=1 ./nameless >out 2>err || fail "the program fails: $(cat err)"
profile=$(echo profiles/nameless.*.pb.gz)
"$HEAPTAP_BUILD/heapdiff" -n 0 --by function --format json "$profile" >rows.json || fail "heapdiff fails"
if grep -E 'named_neighbour|nameless_allocate' rows.json; then fail "a name that is wrong or cannot be known"; fi
address=$(sed -n 's/.*"name": "nameless+0x\([0-9a-f]*\)".*"flat": 1[0-9]\{6\},.*/\1/p' rows.json)
[ -n "$address" ] || fail "no row nameless+0x... with the million bytes: $(cat rows.json)"
address=$(printf '%d' "0x$address")
[ "$address" -ge "$first" ] && [ "$address" -lt "$end" ] ||
    fail "nameless+$address is not between $first and $end"

# With its names the same program has them.
sampled env HEAPTAP_MEMPROFILERATE=1 ./whole >out 2>err || fail "the program fails: $(cat err)"
"$HEAPTAP_BUILD/heapdiff" profiles/whole.*.pb.gz >rows || fail "heapdiff fails"
grep -q nameless_allocate rows || fail "no name where there is one: $(cat rows)"
