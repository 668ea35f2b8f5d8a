#!/bin/sh
# The forms that debug information comes in: each gives what llvm-symbolizer says, from the first byte of the code to the
# last, and a part that is missing or of another build takes names away and never gives a wrong one.
. "$HEAPTAP_SOURCE/tests/interop/symbols_common.sh"
need llvm-symbolizer g++

probe lto 7 g++ -O2 -g -flto
probe lines 7 g++ -O2 -g1
probe unoptimized 17 g++ -g
probe typed 7 g++ -O2 -g -fdebug-types-section
probe zlib 7 g++ -O2 -g -gz=zlib
probe split4 7 g++ -O2 -gdwarf-4 -gsplit-dwarf

# An inlined call in a function that stands inside another one.
cat >nested.c <<'END'
#include <stdlib.h>
static inline int *inlined(int n) { int *p = malloc(n); if (p) *p = n; return p; }
int *outside(int n) {
    __attribute__((noinline)) int *inside(int k) { return inlined(k + n) + (n > k); }
    return inside(n * 3);
}
int main(int argc, char **argv) { (void)argv; return !outside(argc); }
END
gcc -O2 -g -Wl,--build-id=sha1 -o nested nested.c
python3 "$here/compare_symbols.py" "$heapdiff" nested llvm 1 >figures || :
grep -q ' 0 differ, 0 only heapdiff, 0 only the reference' figures || fail "nested functions: $(cat figures)"

# A compression that the library may not know yet: the symbol table is still there.
build compressed 0
sites compressed in.pb.gz
if objcopy --compress-debug-sections=zstd compressed zstd 2>/dev/null; then
    mv zstd compressed
    "$heapdiff" in.pb.gz >shown.txt 2>&1 || fail "heapdiff: $(cat shown.txt)"
    [ "$(awk '/ outer_work/ { print $3 }' shown.txt)" -gt 30 ] || fail "no name: $(cat shown.txt)"
    ! grep -q +0x shown.txt || fail "some frame has no name: $(cat shown.txt)"
fi

# Split: without its .dwo files, and with those of another build, the function's name and line stay.
gcc -O2 -g -gsplit-dwarf -DVARIANT=0 -c -o unit.o "$here/symbol_files.c"
gcc -Wl,--build-id=sha1 -o program unit.o
sites program in.pb.gz
expect inlined in.pb.gz
quiet
mv unit.dwo kept.dwo
expect outer in.pb.gz
says "program' has debug information in .dwo files that are not here"
gcc -O1 -g -gsplit-dwarf -DVARIANT=1 -c -o unit.o "$here/symbol_files.c"
expect outer in.pb.gz
says "program' has debug information in .dwo files that are not here"
mv kept.dwo unit.dwo
expect inlined in.pb.gz
