#!/bin/sh
# heapdiff's HTML and SVG in a real browser: see html_chromium.py.
set -eu
python=/usr/bin/python3
[ -x "$python" ] || python=$(command -v python3) || { echo "no python3"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
"$python" "$HEAPTAP_SOURCE/tests/interop/html_chromium.py" "$HEAPTAP_BUILD/heapdiff" "$work" "$@"
