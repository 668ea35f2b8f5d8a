#!/bin/sh
HEAPTAP_STORM_SECONDS=600 exec "$HEAPTAP_SOURCE/tests/programs/dlopen_storm.sh"
