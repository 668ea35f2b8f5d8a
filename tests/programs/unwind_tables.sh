#!/bin/sh
# The rules that the unwinder reads in the tables of the C and C++ libraries, redis-server, python3 and more are those that
# elfutils reads there: no row differs.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
need gcc
gcc -D_GNU_SOURCE -O2 -I"$HEAPTAP_SOURCE" -o "$work/tables" "$HEAPTAP_SOURCE/tests/programs/unwind_tables.c" \
    "$HEAPTAP_SOURCE"/profiler/eh_frame.c "$HEAPTAP_SOURCE"/profiler/unwind_*.c -ldw -lelf 2>"$work/errors" || {
    grep -q 'dwarf.h\|libdw\|-ldw\|-lelf' "$work/errors" && skip "elfutils' headers are not here"
    cat "$work/errors" >&2
    fail "cannot compile unwind_tables.c"
}
files=
for name in libc.so.6 libm.so.6 libstdc++.so.6 libgcc_s.so.1 libcrypto.so.3; do
    path=$(gcc -print-file-name="$name")
    case $path in /*) files="$files $path" ;; esac
done
for path in /usr/bin/redis-server /usr/bin/python3 "$library" /lib64/ld-linux-x86-64.so.2 /lib/ld-linux-aarch64.so.1; do
    [ -e "$path" ] && files="$files $path"
done
# shellcheck disable=SC2086 # a list of paths without blanks
"$work/tables" $files >"$work/out" || { cat "$work/out"; fail "the unwinder reads something else than elfutils"; }
cat "$work/out"
