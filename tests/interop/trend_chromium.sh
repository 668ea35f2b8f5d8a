#!/bin/sh
# heapdiff trend's HTML in a real browser: see trend_chromium.py.
set -eu
python=/usr/bin/python3
[ -x "$python" ] || python=$(command -v python3) || { echo "no python3"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
PYTHONDONTWRITEBYTECODE=1 "$python" "$HEAPTAP_SOURCE/tests/cli/trend_data.py" "$work" 1500
"$python" "$HEAPTAP_SOURCE/tests/interop/trend_chromium.py" "$HEAPTAP_BUILD/heapdiff" "$work" "$@"
