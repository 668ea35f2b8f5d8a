#!/bin/sh
# The asan, ubsan and tsan presets: configured, built, and their unit, model and stress tests run; the latter with the
# allocator under its inner names, as they are and under HEAPTAP_CHECK=1.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
need cmake ninja ctest
cd "$HEAPTAP_SOURCE" || exit 1
for preset in ${SANITIZERS:-asan ubsan tsan}; do
    { cmake --preset "$preset" && cmake --build --preset "$preset" -j "$(nproc)"; } >"$work/log" 2>&1 || {
        grep -E 'error: |FAILED: ' "$work/log" || tail -n 20 "$work/log"
        fail "cannot build with $preset"
    }
    ctest --test-dir "build/$preset" -L 'unit|model|stress' -LE long --output-on-failure >"$work/log" 2>&1 || {
        tail -n 100 "$work/log"
        fail "tests with $preset"
    }
    ran=$(sed -n 's/.*tests passed.* out of \([0-9]*\)$/\1/p' "$work/log")
    [ "${ran:-0}" -ge 40 ] || fail "only ${ran:-no} tests with $preset"
    echo "$preset: $ran tests"
done
