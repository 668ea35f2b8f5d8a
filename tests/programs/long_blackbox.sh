#!/bin/sh
# blackbox.sh with two thousand kills.
BLACKBOX_TESTS="kills=2000 forking=200" exec "$HEAPTAP_SOURCE/tests/programs/blackbox.sh"
