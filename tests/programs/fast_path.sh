#!/bin/sh
# The fast paths of malloc and free are golden: what they execute is counted in the library's code and compared with
# tests/golden/fast_path.txt, so that a longer path is seen in review. Whatever the compiler, neither calls anything and neither
# holds a locked instruction. The exact counts belong to one compiler; with another only that is asked.
#
#   UPDATE=1 fast_path.sh    writes the file anew
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
need objdump python3
golden=$HEAPTAP_SOURCE/tests/golden/fast_path.txt
cache() { sed -n "s/^$1:[A-Z]*=//p" "$HEAPTAP_BUILD/CMakeCache.txt"; }

[ "$(cache CMAKE_BUILD_TYPE)" = Release ] || skip "not a release build"
objdump -f "$library" | grep -q 'file format elf64-x86-64' || skip "not for x86-64"
compiler=$("$(cache CMAKE_C_COMPILER)" --version | sed -n '1s/^[^ ]* *//p') flags=$(cache CMAKE_C_FLAGS_RELEASE)

python3 "$HEAPTAP_SOURCE/tests/programs/fast_path.py" "$library" >"$work/counts" || fail "cannot walk the fast paths"
{
    echo "# The most that a hot way of each executes. Compiler: $compiler; flags: $flags"
    cat "$work/counts"
} >"$work/now"
cat "$work/now"
if [ "${UPDATE:-0}" != 0 ]; then
    cp "$work/now" "$golden"
    exit
fi

if grep -v ' calls=0 locked=0$' "$work/counts"; then
    fail "a fast path calls or locks"
fi
if [ "$(head -n 1 "$golden")" != "$(head -n 1 "$work/now")" ]; then
    echo "the golden counts are of another compiler; only calls and locks were compared"
    exit 0
fi
must_be_same "the fast path" "$golden" "$work/now"
