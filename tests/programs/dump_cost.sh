#!/bin/sh
# A dump of 100,000 live stacks takes at most twice the time of `gzip -1` on the same bytes, and 8 MiB of memory.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
need python3 cc gzip
exec "$HEAPTAP_SOURCE/bench/dump" --library "$HEAPTAP_BUILD/libheaptap.so" --kinds heap peak ages -n 7 \
    --seconds 0 --limit-time 2 --limit-memory 8
