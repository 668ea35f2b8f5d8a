#!/bin/sh
# The same with 100,000 stacks of up to 40 frames: it opens, and every step takes less than a tenth of a second.
set -eu
exec "$HEAPTAP_SOURCE/tests/interop/html_chromium.sh" 100000
