#!/bin/sh
# redis-server answers, keeps and saves the same under the library: a fixed set of data has the same digest, also after
# a save by a forked child and a reload; a load by many clients sees no error.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
need redis-server redis-cli redis-benchmark
socket=$work/redis.sock
cli() { redis-cli -s "$socket" "$@"; }

# Every type, small and large encodings, growth, overwriting and deletion.
commands() {
    awk 'BEGIN {
        for (i = 0; i < 20000; i++) {
            printf "SET string:%d %0*d\r\n", i % 9000, 1 + i % 700, i
            printf "APPEND string:%d tail%d\r\n", i * 7 % 9000, i
            printf "LPUSH list:%d %0*d\r\n", i % 50, 1 + i % 90, i
            printf "HSET hash:%d field%d value%d\r\n", i % 300, i % 211, i
            printf "SADD set:%d member%d\r\n", i % 40, i
            printf "ZADD zset:%d %d member%d\r\n", i % 30, i * 31 % 1009, i % 977
            if (i % 5 == 0) printf "DEL string:%d\r\n", i * 3 % 9000
            if (i % 9 == 0) printf "RPOP list:%d\r\n", i % 50
        }
    }'
}

# The redis of before version 7 has no such option, and needs none.
debug_option=
redis-server --version | grep -q 'v=[0-6]\.' || debug_option='--enable-debug-command yes'

serve() {
    # shellcheck disable=SC2086 # two words
    start "$1" redis-server --port 0 --unixsocket "$socket" --dir "$work" --save '' --appendonly no \
        --dbfilename "$1.rdb" $debug_option
    wait_until cli ping || fail "redis-server $1 does not answer: $(tail -n 3 "$work/started.out" "$work/started.err")"
}

exercise() {
    commands >"$work/commands"
    cli --pipe <"$work/commands" >"$work/pipe.out" 2>&1
    grep -q 'errors: 0,' "$work/pipe.out" || fail "loading $1: $(tail -n 2 "$work/pipe.out")"
    {
        cli debug digest
        cli dbsize
        cli get string:8998
        cli lrange list:7 0 5
        cli sort list:9 limit 0 5
    } >"$work/$1.digest"
    cli bgsave >/dev/null
    wait_until sh -c "redis-cli -s '$socket' info persistence | tr -d '\r' |
        grep -Eq 'rdb_bgsave_in_progress:0' && test -s '$work/$1.rdb'" || fail "bgsave $1 does not end"
    [ "$(cli info persistence | tr -d '\r' | sed -n 's/^rdb_last_bgsave_status://p')" = ok ] || fail "bgsave $1"
    cli debug reload >/dev/null || fail "reload $1"
    cli debug digest >>"$work/$1.digest"
}

put_under_load() {
    redis-benchmark -s "$socket" -q -c 30 -n 20000 -d 300 -r 5000 -P 8 -t set,get,lpush,sadd,hset,zadd,lrange_100 \
        >"$work/benchmark.out" 2>&1 || fail "redis-benchmark $1: $(tail -n 3 "$work/benchmark.out")"
    if cli info stats | grep 'total_error_replies:[1-9]'; then fail "errors were answered $1"; fi
    cli flushall >/dev/null
    [ "$(cli dbsize)" = 0 ] || fail "flushall $1"
}

for mode in $modes; do
    serve "$mode"
    exercise "$mode"
    put_under_load "$mode"
    cli shutdown nosave >/dev/null 2>&1
    wait "$started_pid" || fail "redis-server $mode ended with $?: $(tail -n 5 "$work/started.out" "$work/started.err")"
    started_pid=
    must_be_same "the data" "$work/plain.digest" "$work/$mode.digest"
done
must_have_profile redis-server
