#!/bin/sh
# A thousand children of a process of several threads; ten thousand in the long tier.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
export HEAPTAP_EXPECT_PRELOAD=1
preloaded "$HEAPTAP_BUILD/tests/stress/fork_many" "${FORKS:-1000}" || fail "forks at the default rate"
HEAPTAP_MEMPROFILERATE=4096 preloaded "$HEAPTAP_BUILD/tests/stress/fork_many" $((${FORKS:-1000} / 4)) || fail "forks, sampled"
