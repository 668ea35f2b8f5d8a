#!/bin/sh
# ./demo names its leak, from what is built already.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
[ "$HEAPTAP_BUILD" = "$HEAPTAP_SOURCE/build/release" ] || skip "demo is about the release build"
"$HEAPTAP_SOURCE/demo" >"$work/out" 2>&1 </dev/null || fail "demo: $(tail -n 12 "$work/out")"
grep -q '^The first row is the leak: session_cache_insert' "$work/out" || fail "demo says: $(tail -n 12 "$work/out")"
grep -q 'session_cache_insert examples/session_cache.c' "$work/out" || fail "the table does not name the leak"
