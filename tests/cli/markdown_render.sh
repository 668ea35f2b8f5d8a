#!/bin/sh
# heapdiff's markdown through GitHub's own renderer: tables of the right shape, each name as it is in JSON, and nothing of a
# name that became markup.
set -eu
command -v python3 >/dev/null || exit 77
if ! command -v cmark-gfm >/dev/null; then
    echo "no cmark-gfm here"
    exit 77
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export PYTHONDONTWRITEBYTECODE=1
python3 "$HEAPTAP_SOURCE/tests/golden/heapdiff/make_data.py" "$tmp"
cd "$tmp"
unset PPROF_BINARY_PATH DEBUGINFOD_URLS || true
python3 "$HEAPTAP_SOURCE/tests/cli/markdown_render_check.py" "$HEAPTAP_BUILD/heapdiff"
