#!/bin/sh
# heapdiff trend's answers, word for word: tests/golden/trend. Then tables in terminals, and JSON against the schema of
# docs/trend.md (trend_check.py).
set -eu
python=
for candidate in python3 /usr/bin/python3; do
    [ -n "$python" ] || ! "$candidate" -c 'import jsonschema; jsonschema.Draft202012Validator' 2>/dev/null || python=$candidate
done
[ -n "$python" ] || { echo "no python3-jsonschema here"; exit 77; }
. "$HEAPTAP_SOURCE/tests/cli/golden_common.sh"
export LC_ALL=C
"$python" "$HEAPTAP_SOURCE/tests/cli/trend_data.py" "$tmp/data"
golden_answers "$HEAPTAP_SOURCE/tests/golden/trend"
"$python" "$HEAPTAP_SOURCE/tests/cli/trend_check.py" "$HEAPTAP_SOURCE/docs/trend.md"
