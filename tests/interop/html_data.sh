#!/bin/sh
# What is in heapdiff's HTML, read without a browser: see html_data.py.
set -eu
command -v python3 >/dev/null || { echo "no python3"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
python3 "$HEAPTAP_SOURCE/tests/interop/html_data.py" "$HEAPTAP_BUILD/heapdiff" "$work"
