#!/bin/sh
# Every fuzz target, ten minutes each (FUZZ_SECONDS), as many at once as there are processors: first its corpus, which
# has each past finding, then new inputs. A finding stays in build/fuzz/findings.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
need cmake ninja clang
seconds=${FUZZ_SECONDS:-600}
cd "$HEAPTAP_SOURCE" || exit 1
targets=$(cd tests/fuzz && for file in fuzz_*.c; do echo "${file%.c}"; done)
# shellcheck disable=SC2086 # words
{ cmake --preset fuzz && cmake --build --preset fuzz -j "$(nproc)" --target $targets; } >"$work/log" 2>&1 || {
    grep -E 'error: |FAILED: ' "$work/log" || tail -n 20 "$work/log"
    fail "cannot build with fuzz"
}
findings=$HEAPTAP_SOURCE/build/fuzz/findings
mkdir -p "$findings"

# run_target NAME: its report in $work/NAME.log, its verdict in $work/NAME.status.
run_target() {
    mkdir "$work/$1.new"
    timeout $((seconds + 300)) "build/fuzz/$1" -max_total_time="$seconds" -timeout=25 -rss_limit_mb=3000 -print_final_stats=1 \
        -artifact_prefix="$findings/$1." "$work/$1.new" "tests/fuzz/corpus/${1#fuzz_}" >"$work/$1.log" 2>&1
    echo $? >"$work/$1.status"
}

running=0
for target in $targets; do
    [ -d "tests/fuzz/corpus/${target#fuzz_}" ] || fail "no corpus of $target"
    run_target "$target" &
    running=$((running + 1))
    if [ $running -ge "$(nproc)" ]; then
        wait
        running=0
    fi
done
wait
for target in $targets; do
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/$target.log")
    echo "$target: ${runs:-no} inputs, status $(cat "$work/$target.status")"
    [ "$(cat "$work/$target.status")" = 0 ] || {
        tail -n 60 "$work/$target.log"
        failed=yes
    }
    [ "${runs:-0}" -ge $((seconds * 10)) ] || failed=yes
done
[ -z "${failed:-}" ] || fail "a fuzz target found something, or hardly ran"
