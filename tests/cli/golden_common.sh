# Sourced by the tests of answers word for word. Each line of DIRECTORY/commands is "name: command line"; what it prints
# (standard output, standard error, exit status) is kept in DIRECTORY/name.txt, and UPDATE=1 writes it anew. Commands run in
# $tmp/data, which the caller fills, with heapdiff on the path.

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/data" "$tmp/bin"
ln -s "$HEAPTAP_BUILD/heapdiff" "$tmp/bin/heapdiff"
export PYTHONDONTWRITEBYTECODE=1 TERM=xterm
unset NO_COLOR COLUMNS PPROF_BINARY_PATH DEBUGINFOD_URLS || true

# golden_answers DIRECTORY: fails where one differs.
golden_answers() {
    cd "$tmp/data"
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
            cp "$tmp/answer" "$1/$name.txt"
        elif ! diff -u "$1/$name.txt" "$tmp/answer"; then
            failed=$((failed + 1))
        fi
    done <"$1/commands"
    echo "$count commands, $failed differ"
    test "$failed" = 0 && test "$count" -gt 0
}
