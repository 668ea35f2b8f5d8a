#!/bin/sh
# heapdiff's answers, word for word: tests/golden/heapdiff.
set -eu
command -v python3 >/dev/null || exit 77
. "$HEAPTAP_SOURCE/tests/cli/golden_common.sh"
golden=$HEAPTAP_SOURCE/tests/golden/heapdiff
cat >"$tmp/bin/in_terminal" <<EOF
#!/bin/sh
exec python3 "$golden/in_terminal.py" "\$@"
EOF
chmod +x "$tmp/bin/in_terminal"
python3 "$golden/make_data.py" "$tmp/data"
golden_answers "$golden"
