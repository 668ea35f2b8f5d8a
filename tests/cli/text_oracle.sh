#!/bin/sh
# Trees, callers and callees, stacks and views side by side as heapdiff prints them, against a few lines of Python that add
# the same samples up; and that at every width from 40 to 200 columns no line is longer than the terminal.
set -eu
command -v python3 >/dev/null || exit 77
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export PYTHONDONTWRITEBYTECODE=1 TERM=xterm
unset NO_COLOR COLUMNS PPROF_BINARY_PATH DEBUGINFOD_URLS || true
python3 "$HEAPTAP_SOURCE/tests/golden/heapdiff/make_data.py" "$tmp"
cd "$tmp"
python3 "$HEAPTAP_SOURCE/tests/cli/text_oracle_check.py" "$HEAPTAP_BUILD/heapdiff"
