#!/bin/sh
# A row whose name is written from right to left, laid out as terminals with bidirectional text do it (Unicode's algorithm, by
# fribidi): the place behind the name and the numbers before it stay whole. On a dumb terminal, which gets no isolates, the
# place is torn apart: that is what would happen otherwise.
set -eu
command -v python3 >/dev/null || exit 77
if ! command -v fribidi >/dev/null; then
    echo "no fribidi here"
    exit 77
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export PYTHONDONTWRITEBYTECODE=1
golden=$HEAPTAP_SOURCE/tests/golden/heapdiff
python3 "$golden/make_data.py" "$tmp"
cd "$tmp"
unset NO_COLOR COLUMNS PPROF_BINARY_PATH DEBUGINFOD_URLS || true
show() { # TERM -> the rows that have a place that begins with a digit, as they are seen
    TERM=$1 python3 "$golden/in_terminal.py" 120 "$HEAPTAP_BUILD/heapdiff" --color never hostile_before.pb.gz \
        hostile_after.pb.gz >"$tmp/raw"
    grep '1\.c' "$tmp/raw" >"$tmp/row" || { echo "no such row: $(cat "$tmp/raw")"; exit 1; }
    fribidi --ltr --nopad --nobreak <"$tmp/row"
}
show xterm >seen
for part in '7z/1.c:88' '+600%' '11.7Mi'; do
    grep -qF "$part" seen || { echo "'$part' is not whole: $(cat seen)"; exit 1; }
done
show dumb >seen
if grep -qF '7z/1.c:88' seen; then
    echo "the place is whole without isolates too: this test cannot fail"
    exit 1
fi
