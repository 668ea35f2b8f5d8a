#!/bin/sh
# More threads than processors do not slow the allocator down, and a thread that waits costs little. At the default rate.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
export HEAPTAP_EXPECT_PRELOAD=1
preloaded "$HEAPTAP_BUILD/tests/stress/thread_idle" || fail "memory of idle threads"
# Measured where others compute too: one more try before it counts.
preloaded "$HEAPTAP_BUILD/tests/stress/scaling" 0.7 ||
    preloaded "$HEAPTAP_BUILD/tests/stress/scaling" 0.7 || fail "throughput of many threads"
