#!/bin/sh
# A service that started at rate 0 is switched on while it serves, and off again: redis-server's own stacks are in the dump,
# nothing is sampled before and after, and the process is the same.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
need redis-server redis-cli redis-benchmark
heaptap=$HEAPTAP_BUILD/heaptap
socket=$work/redis.sock
cli() { redis-cli -s "$socket" "$@"; }
load() { redis-benchmark -s "$socket" -q -c 20 -n 40000 -d 400 -r 20000 -P 8 -t set,lpush >"$work/load" 2>&1 || fail "load"; }
samples() { "$heaptap" ps | awk -v pid="$server" '$1 == pid { print $6 }'; }

exec_started env LD_PRELOAD="$library" HEAPTAP_MEMPROFILERATE=0 redis-server --port 0 --unixsocket "$socket" --dir "$work" \
    --save '' --appendonly no
server=$started_pid
wait_until cli ping || fail "redis-server does not answer"
sleep 1
load
wait_until "$heaptap" rate "$server" || fail "no control socket under load: $("$heaptap" rate "$server" 2>&1)"
[ "$("$heaptap" rate "$server")" = 0B ] || fail "the rate at start"
[ "$(samples)" = 0 ] || fail "$(samples) samples at rate 0"

"$heaptap" dump -o "$work/before.pb.gz" "$server" >/dev/null || fail "a dump at rate 0"
[ "$("$heaptap" rate "$server" 64KiB)" = '0B -> 64KiB' ] || fail "switching on"
load
"$heaptap" dump -o "$work/during.pb.gz" "$server" >/dev/null || fail "a dump under way"
[ "$("$heaptap" rate "$server" 0)" = '64KiB -> 0B' ] || fail "switching off"
taken=$(samples)
[ "$taken" -gt 50 ] || fail "only $taken samples were taken"
load
[ "$(samples)" = "$taken" ] || fail "samples are taken at rate 0 again"
"$heaptap" dump -o "$work/after.pb.gz" "$server" >/dev/null || fail "a dump after"

for name in before during after; do
    "$HEAPTAP_BUILD/heapdiff" --no-symbolize --sample alloc_space --format json "$work/$name.pb.gz" >"$work/$name.json" ||
        fail "heapdiff $name"
done
grep -q '"total": 0,' "$work/before.json" || fail "something was sampled at rate 0"
"$HEAPTAP_BUILD/heapdiff" --sample alloc_space --cum -n 0 "$work/during.pb.gz" >"$work/during.txt" || fail "heapdiff"
for function in zmalloc processInputBuffer aeMain main; do
    grep -q "$function" "$work/during.txt" || fail "no $function in the profile: $(head -n 30 "$work/during.txt")"
done
[ "$(cli info server | tr -d '\r' | sed -n 's/^process_id://p')" = "$server" ] || fail "redis-server is another process"
cli shutdown nosave >/dev/null 2>&1
wait "$started_pid" || fail "redis-server ended with $?"
started_pid=
