#!/bin/sh
# The help texts, word for word, on terminals of several widths and in a pipe: tests/golden/help/cases, a width and a
# command each. No line is wider than the terminal. UPDATE=1 writes them anew.
set -u
command -v python3 >/dev/null || { echo "skipped: no python3 here"; exit 77; }
golden=$HEAPTAP_SOURCE/tests/golden/help
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
PATH=$HEAPTAP_BUILD:$PATH
export PYTHONDONTWRITEBYTECODE=1
unset COLUMNS || true
failed=0
while read -r width words; do
    # shellcheck disable=SC2086 # a command line
    if [ "$width" = pipe ]; then
        $words </dev/null >"$work/out" || { echo "'$words' fails"; exit 1; }
        most=80
    else
        python3 "$HEAPTAP_SOURCE/tests/cli/help_terminal.py" "$width" $words </dev/null >"$work/out" || { echo "'$words' fails"; exit 1; }
        most=$width
    fi
    awk -v most="$most" 'length($0) > most { print "wider than " most ": " $0; bad = 1 } END { exit bad || !NR }' "$work/out" ||
        { echo "'$words' at $width columns"; failed=1; }
    name=$(echo "$width $words" | tr -cs 'a-z0-9\n' _)
    [ "${UPDATE:-}" != 1 ] || cp "$work/out" "$golden/$name.txt"
    diff -u "$golden/$name.txt" "$work/out" || failed=1
done <"$golden/cases"
exit $failed
