#!/bin/sh
# heapdiff trend's answers, word for word: each line of tests/golden/trend/commands is "name: command line", its answer is
# tests/golden/trend/name.txt, and UPDATE=1 writes them anew. Then tables in terminals, and JSON against the schema of
# docs/trend.md (trend_check.py).
set -eu
python=
for candidate in python3 /usr/bin/python3; do
    [ -n "$python" ] || ! "$candidate" -c 'import jsonschema; jsonschema.Draft202012Validator' 2>/dev/null || python=$candidate
done
[ -n "$python" ] || { echo "no python3-jsonschema here"; exit 77; }
golden=$HEAPTAP_SOURCE/tests/golden/trend
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/data" "$tmp/bin"
ln -s "$HEAPTAP_BUILD/heapdiff" "$tmp/bin/heapdiff"
export PYTHONDONTWRITEBYTECODE=1 LC_ALL=C TERM=xterm
"$python" "$HEAPTAP_SOURCE/tests/cli/trend_data.py" "$tmp/data"
cd "$tmp/data"
unset NO_COLOR COLUMNS PPROF_BINARY_PATH DEBUGINFOD_URLS || true
PATH=$tmp/bin:$PATH
failed=0 count=0
while IFS= read -r line; do
    case $line in '' | '#'*) continue ;; esac
    name=${line%%:*}
    status=0
    sh -c "${line#*: }" >"$tmp/out" 2>"$tmp/err" </dev/null || status=$?
    {
        echo "\$ ${line#*: }"
        cat "$tmp/out"
        echo "-- stderr"
        cat "$tmp/err"
        echo "-- exit $status"
    } >"$tmp/answer"
    count=$((count + 1))
    if [ "${UPDATE:-}" = 1 ]; then
        cp "$tmp/answer" "$golden/$name.txt"
    elif ! diff -u "$golden/$name.txt" "$tmp/answer"; then
        failed=$((failed + 1))
    fi
done <"$golden/commands"
echo "$count commands, $failed differ"
test "$failed" = 0 && test "$count" -gt 0
"$python" "$HEAPTAP_SOURCE/tests/cli/trend_check.py" "$HEAPTAP_SOURCE/docs/trend.md"
