#!/bin/sh
# Dropped memory goes back to the system: by itself, when asked, and before a soft limit is exceeded.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT INT TERM
${CC:-cc} -O1 -I "$HEAPTAP_SOURCE/include" -o "$dir/program" "$HEAPTAP_SOURCE/tests/programs/returns_memory.c"

run() {
    LD_PRELOAD=$HEAPTAP_BUILD/libheaptap.so "$dir/program" "$1" 2>"$dir/stderr" || {
        echo "FAILED: $1"
        cat "$dir/stderr"
        exit 1
    }
}

run quiet
run forced
run limit
HEAPTAP_SCAVTRACE=1 run background
grep -Eq '^heaptap: scav [0-9]+ KiB work \(bg\), [0-9]+ KiB work \(eager\), [0-9]+ KiB now, [0-9]+% util$' "$dir/stderr" || {
    echo "FAILED: no line of trace"
    cat "$dir/stderr"
    exit 1
}
HEAPTAP_SCAVTRACE=1 run forced
grep -q ' (forced)$' "$dir/stderr"
