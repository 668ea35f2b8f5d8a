#!/bin/sh
# A program that makes a million distinct stacks, by several threads, with every allocation recorded and 16 MiB of tables:
# the tables stay under the ceiling, what is left out is counted in the profile and told once on stderr, and the program
# is none the wiser.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
need cc python3
cc -std=gnu17 -O1 -D_GNU_SOURCE -fno-builtin -fno-crossjumping -fno-optimize-sibling-calls -pthread -I"$HEAPTAP_SOURCE" \
    -o "$work/many_stacks" "$HEAPTAP_SOURCE/bench/lib/many_stacks.c" || fail "cannot compile"

LIMIT=16
export HEAPTAP_DUMP_ON=exit HEAPTAP_DUMP="$work/full.pb.gz" HEAPTAP_TABLE_MAX=${LIMIT}MiB HEAPTAP_MEMPROFILERATE=1
preloaded "$work/many_stacks" make 1000000 4 1 >"$work/out" 2>"$work/err" || fail "status $?: $(cat "$work/err")"

# shellcheck disable=SC2046 # three numbers
set -- $(cat "$work/out")
echo "tables: at most $3 bytes; resident: $1 KiB before, $2 KiB after"
[ "$3" -le $((LIMIT * 1024 * 1024)) ] || fail "tables of $3 bytes"
[ "$3" -ge $((LIMIT * 1024 * 1024 / 2)) ] || fail "tables of $3 bytes: the ceiling was not put to the test"
[ "$(wc -l <"$work/err")" = 1 ] || fail "expected one line on stderr: $(head -n 5 "$work/err")"
grep -q "^heaptap: .*tables are full at $LIMIT MiB (HEAPTAP_TABLE_MAX)" "$work/err" || fail "stderr: $(cat "$work/err")"

python3 - "$HEAPTAP_SOURCE/tests/programs" "$work/full.pb.gz" <<'PYTHON' || fail "the profile is wrong"
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import profile_reader
profile = profile_reader.Profile(sys.argv[2])
mallocs, samples, dropped = (int(profile.comment(key)) for key in ("mallocs", "samples", "dropped_memory"))
recorded = profile.total("alloc_objects")
print(f"{mallocs} allocations, {samples} recorded, {dropped} left out, {recorded} in the profile")
assert recorded == samples, "the profile does not hold what was recorded"
assert mallocs == samples + dropped, "what was left out is not what is missing"
assert dropped > 900000 - samples and samples > 10000
PYTHON
