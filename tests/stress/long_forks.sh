#!/bin/sh
FORKS=10000 exec "$HEAPTAP_SOURCE/tests/stress/forks.sh"
