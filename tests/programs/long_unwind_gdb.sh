#!/bin/sh
UNWIND_LONG=1 exec "$HEAPTAP_SOURCE/tests/programs/unwind_gdb.sh"
