#!/bin/sh
# Every program of this folder does one thing wrong. Under the library it must die of the signal that its first lines
# name, after exactly the one line that they name (`*` stands for an address or a slot size), and print nothing else.
set -u
here=$HEAPTAP_SOURCE/tests/misuse
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck disable=SC3045
ulimit -c 0 2>/dev/null # not in POSIX; dash and bash have it
failed=0

# Fails unless the text is one line that matches the pattern.
matches() { # TEXT PATTERN
    [ "$(printf '%s\n' "$1" | wc -l)" -eq 1 ] || return 1
    # shellcheck disable=SC2254
    case $1 in
    $2) return 0 ;;
    esac
    return 1
}

for source in "$here"/*.c "$here"/*.cc; do
    name=$(basename "${source%.*}")
    expected=$(sed -n 's,^// expect: ,,p' "$source")
    signal=$(sed -n 's,^// signal: ,,p' "$source")
    case "$expected:$signal" in
    :* | *:) echo "$name: says not what it expects"; failed=1 ;;
    esac
    for rate in 0 1 512KiB; do
        # The braces: the shell's own word about a signal goes where their standard error goes.
        {
            (
                export LD_PRELOAD="$HEAPTAP_BUILD/libheaptap.so" HEAPTAP_MEMPROFILERATE=$rate
                exec timeout -s KILL 20 "$HEAPTAP_BUILD/tests/misuse/$name" >"$work/out" 2>"$work/err"
            )
            status=$?
        } 2>/dev/null
        if [ "$status" -le 128 ] || [ "$(kill -l "$status")" != "$signal" ] || [ -s "$work/out" ] ||
            ! matches "$(cat "$work/err")" "$expected"; then
            echo "$name at rate $rate: status $status, wanted $signal and '$expected', got:"
            cat "$work/out" "$work/err"
            failed=1
        fi
    done
done
exit $failed
