#!/bin/sh
# memcached keeps what it is told under the library: four clients at once set, get, append, increment and delete, and
# check each value; the counts are the same as without.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
need memcached python3
socket=$work/memcached.sock

for mode in $modes; do
    start "$mode" memcached -u "$(id -un)" -s "$socket" -m 256 -t 4 -I 2m
    wait_until test -S "$socket" || fail "memcached $mode does not start: $(cat "$work/started.err")"
    python3 "$HEAPTAP_SOURCE/tests/programs/memcached_client.py" "$socket" >"$work/$mode.out" || fail "the client of memcached $mode"
    stop_started TERM || fail "memcached $mode ended with $?: $(cat "$work/started.err")"
    rm -f "$socket"
    must_be_same "what the client counted" "$work/plain.out" "$work/$mode.out"
done
must_have_profile memcached
