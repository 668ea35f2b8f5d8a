#!/bin/sh
# heapdiff's answers, word for word. Each line of tests/golden/heapdiff/commands is "name: command line"; what it printed
# (standard output, standard error, exit status) is kept in tests/golden/heapdiff/name.txt. UPDATE=1 writes them anew.
set -eu
command -v python3 >/dev/null || exit 77
golden=$HEAPTAP_SOURCE/tests/golden/heapdiff
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/data" "$tmp/bin"
ln -s "$HEAPTAP_BUILD/heapdiff" "$tmp/bin/heapdiff"
cat >"$tmp/bin/in_terminal" <<EOF
#!/bin/sh
PYTHONDONTWRITEBYTECODE=1 exec python3 "$golden/in_terminal.py" "\$@"
EOF
chmod +x "$tmp/bin/in_terminal"
PYTHONDONTWRITEBYTECODE=1 python3 "$golden/make_data.py" "$tmp/data"
cd "$tmp/data"
export TERM=xterm
unset NO_COLOR COLUMNS PPROF_BINARY_PATH DEBUGINFOD_URLS || true
PATH=$tmp/bin:$PATH
failed=0 count=0
while IFS= read -r line; do
    case $line in '' | '#'*) continue ;; esac
    name=${line%%:*}
    status=0
    sh -c "${line#*: }" > "$tmp/out" 2> "$tmp/err" < /dev/null || status=$?
    {
        echo "\$ ${line#*: }"
        cat "$tmp/out"
        echo "-- stderr"
        cat "$tmp/err"
        echo "-- exit $status"
    } > "$tmp/answer"
    count=$((count + 1))
    if [ "${UPDATE:-}" = 1 ]; then
        cp "$tmp/answer" "$golden/$name.txt"
    elif ! diff -u "$golden/$name.txt" "$tmp/answer"; then
        failed=$((failed + 1))
    fi
done < "$golden/commands"
echo "$count commands, $failed differ"
test "$failed" = 0 && test "$count" -gt 0
