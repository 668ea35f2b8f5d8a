#!/bin/sh
# Profiling at 512KiB costs at most 1% of the instructions of a program that does little but allocate, against rate 0.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
need python3 valgrind cc c++
exec "$HEAPTAP_SOURCE/bench/instructions" --library "$HEAPTAP_BUILD/libheaptap.so"
