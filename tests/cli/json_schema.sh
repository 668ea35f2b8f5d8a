#!/bin/sh
# What heapdiff prints as JSON against the schema of docs/heapdiff-json.md, and its numbers against each other.
set -eu
python=
for candidate in python3 /usr/bin/python3; do
    if [ -z "$python" ] && "$candidate" -c 'import jsonschema; jsonschema.Draft202012Validator' 2>/dev/null; then
        python=$candidate
    fi
done
if [ -z "$python" ]; then
    echo "no python3-jsonschema here"
    exit 77
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export PYTHONDONTWRITEBYTECODE=1
"$python" "$HEAPTAP_SOURCE/tests/golden/heapdiff/make_data.py" "$tmp"
cp "$HEAPTAP_SOURCE"/tests/golden/data/*.pb.gz "$tmp"
cd "$tmp"
unset PPROF_BINARY_PATH DEBUGINFOD_URLS || true
"$python" "$HEAPTAP_SOURCE/tests/cli/json_schema_check.py" "$HEAPTAP_BUILD/heapdiff" \
    "$HEAPTAP_SOURCE/docs/heapdiff-json.md"
