#!/bin/sh
# Outputs in the README and in docs/ are what the programs print. A fenced block behind the comment
#
#     <!-- output: COMMAND -->      is what the command prints
#     <!-- session -->              is lines "$ COMMAND", each followed by what it prints
#     <!-- form -->                 is the same but for its numbers, times and blanks: process 5063 is a service that runs
#                                   under the library, its folder /home/me, and the rest of /run/user/1000 as it says
#
# Process ids in the names of profiles are 4711. Commands run in the directory of the golden data. UPDATE=1 writes the blocks anew. Blocks that look like heapdiff's output
# and have no such comment fail.
set -eu
command -v python3 >/dev/null || exit 77
tmp=$(mktemp -d)
service=
finish() {
    [ -z "$service" ] || kill "$service" 2>/dev/null || true
    rm -rf "$tmp"
}
trap finish EXIT
mkdir "$tmp/data" "$tmp/bin" "$tmp/planted"
ln -s "$HEAPTAP_BUILD/heapdiff" "$HEAPTAP_BUILD/heaptap" "$tmp/bin"
export PYTHONDONTWRITEBYTECODE=1 TERM=xterm HEAPTAP_LIB="$HEAPTAP_BUILD/libheaptap.so"
python3 "$HEAPTAP_SOURCE/tests/golden/heapdiff/make_data.py" "$tmp/data"
python3 "$HEAPTAP_SOURCE/tests/cli/trend_data.py" "$tmp/data"
ln -s /bin/true "$tmp/data/my-service"
cd "$tmp/data"
unset NO_COLOR COLUMNS PPROF_BINARY_PATH DEBUGINFOD_URLS || true
PATH=$tmp/bin:$PATH
ln -s /bin/sleep redis-server
mkdir -m 700 "$tmp/run" "$tmp/run/heaptap"
export XDG_RUNTIME_DIR="$tmp/run"
HEAPTAP_CONTROL="$tmp/run/heaptap/%p.sock" HEAPTAP_MEMPROFILERATE=0 LD_PRELOAD="$HEAPTAP_LIB" ./redis-server 100 >/dev/null 2>&1 &
service=$!
export DOCS_SERVICE=$service
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    [ ! -S "$tmp/run/heaptap/$service.sock" ] || break
    sleep 0.5
done
check="python3 $HEAPTAP_SOURCE/tests/cli/docs_golden.py"
$check "$HEAPTAP_SOURCE/README.md" "$HEAPTAP_SOURCE"/docs/*.md

# The picture in docs/heapdiff.md.
heapdiff --format svg before.pb.gz after.pb.gz >"$tmp/picture.svg"
[ "${UPDATE:-}" != 1 ] || cp "$tmp/picture.svg" "$HEAPTAP_SOURCE/docs/heapdiff.svg"
cmp "$tmp/picture.svg" "$HEAPTAP_SOURCE/docs/heapdiff.svg" || { echo "docs/heapdiff.svg is another picture; UPDATE=1 draws it anew"; exit 1; }

# Wrong pages must be found out.
expect_mistake() {
    if UPDATE='' $check "$tmp/planted/page.md" >"$tmp/answer" 2>&1; then
        echo "a planted mistake is not found: $1"
        exit 1
    fi
}
fence='```'
printf '<!-- output: echo right -->\n%s\nwrong\n%s\n' "$fence" "$fence" >"$tmp/planted/page.md"
expect_mistake 'another line'
printf '<!-- output: echo right -->\ntext\n' >"$tmp/planted/page.md"
expect_mistake 'a comment without a block'
printf '%s\n  OLD   NEW  DELTA  %%  FUNCTION\n%s\n' "$fence" "$fence" >"$tmp/planted/page.md"
expect_mistake 'output without a comment'
printf '<!-- session -->\n%s\n$ echo a\na\n$ false\n%s\n' "$fence" "$fence" >"$tmp/planted/page.md"
expect_mistake 'a command that fails'
printf '<!-- session -->\n%s\n$ echo a\na\nb\n%s\n' "$fence" "$fence" >"$tmp/planted/page.md"
expect_mistake 'a line too many in a session'
printf '<!-- form -->\n%s\n$ echo a 12 b\na 7 c\n%s\n' "$fence" "$fence" >"$tmp/planted/page.md"
expect_mistake 'another word in a form'
printf '<!-- session -->\n%s\n$ echo a\na\n%s\n' "$fence" "$fence" >"$tmp/planted/page.md"
$check "$tmp/planted/page.md" >/dev/null || { echo "a right page is refused"; exit 1; }
