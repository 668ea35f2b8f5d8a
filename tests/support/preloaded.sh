#!/bin/sh
# preloaded.sh PROGRAM ARGS: runs it with the library, at the default rate, with every allocation sampled, and under the checks of
# HEAPTAP_CHECK=1.
set -eu
library=$HEAPTAP_BUILD/libheaptap.so
[ -e "$library" ] || { echo "no '$library'"; exit 1; }
export HEAPTAP_EXPECT_PRELOAD=1
unset HEAPTAP_DUMP HEAPTAP_MEMPROFILERATE
env LD_PRELOAD="$library" "$@" || { echo "exit $? at the default rate"; exit 1; }
env LD_PRELOAD="$library" HEAPTAP_MEMPROFILERATE=1 "$@" || { echo "exit $? at rate 1"; exit 1; }
env LD_PRELOAD="$library" HEAPTAP_CHECK=1 "$@" || { echo "exit $? under HEAPTAP_CHECK=1"; exit 1; }
