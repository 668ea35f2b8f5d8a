#!/bin/sh
# Every program of this folder does one thing wrong. Under the library it must die of the signal that its first lines
# name, after exactly the one line that they name (`*` stands for an address or a slot size), and print nothing else.
#
# A line `with: NAME=value` is set for the program. Every other program must end the same way under HEAPTAP_CHECK=1: its
# slots are larger, so sizes are not compared there, and a bad write may be found by another check; a line `checked:` says
# what to expect where it is something else again.
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

# A pattern for the same misuse under the checks.
with_checks() { # PATTERN
    case $1 in
    *' was written to: its link is broken') echo 'heaptap: * was written *' ;;
    *) printf '%s\n' "$1" | sed 's/ of [0-9]* bytes/ of * bytes/' ;;
    esac
}

# Runs one program and compares its end.
run() { # NAME RATE SETTING PATTERN SIGNAL
    # The braces: the shell's own word about a signal goes where their standard error goes.
    {
        (
            export LD_PRELOAD="$HEAPTAP_BUILD/libheaptap.so" HEAPTAP_MEMPROFILERATE="$2" "$3"
            exec timeout -s KILL 20 "$HEAPTAP_BUILD/tests/misuse/$1" >"$work/out" 2>"$work/err"
        )
        status=$?
    } 2>/dev/null
    if [ "$status" -le 128 ] || [ "$(kill -l "$status")" != "$5" ] || [ -s "$work/out" ] ||
        ! matches "$(cat "$work/err")" "$4"; then
        echo "$1 at rate $2 with $3: status $status, wanted $5 and '$4', got:"
        cat "$work/out" "$work/err"
        failed=1
    fi
}

for source in "$here"/*.c "$here"/*.cc; do
    name=$(basename "${source%.*}")
    expected=$(sed -n 's,^// expect: ,,p' "$source")
    signal=$(sed -n 's,^// signal: ,,p' "$source")
    setting=$(sed -n 's,^// with: ,,p' "$source")
    case "$expected:$signal" in
    :* | *:) echo "$name: says not what it expects"; failed=1 ;;
    esac
    for rate in 0 1 512KiB; do
        run "$name" $rate "${setting:-HEAPTAP_CHECK=0}" "$expected" "$signal"
    done
    checked=$(sed -n 's,^// checked: ,,p' "$source")
    [ -n "$setting" ] || run "$name" 512KiB HEAPTAP_CHECK=1 "${checked:-$(with_checks "$expected")}" "$signal"
done
exit $failed
