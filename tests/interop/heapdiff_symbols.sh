#!/bin/sh
# Every byte of a C++ program, symbolized by heapdiff and by llvm-symbolizer: equal chains of inlined calls, files and
# lines. The same from a separate debug file. A stripped program and another build of it never give a wrong name.
set -eu
command -v llvm-symbolizer >/dev/null && command -v python3 >/dev/null && command -v g++ >/dev/null || exit 77
here=$HEAPTAP_SOURCE/tests/interop
heapdiff=$HEAPTAP_BUILD/heapdiff
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export PYTHONDONTWRITEBYTECODE=1
cd "$tmp"

compare() {
    python3 "$here/compare_symbols.py" "$heapdiff" "$@"
}
build() {
    out=$1
    shift
    "$@" -Wl,--build-id=sha1 -o "$out" "$here/symbol_probe.cc"
}

build probe g++ -O2 -g
compare probe llvm 1
build probe_fixed g++ -O2 -gdwarf-4 -fno-pie -no-pie
compare probe_fixed llvm 3
build probe_split g++ -O2 -gsplit-dwarf
compare probe_split llvm 7
if command -v clang++ >/dev/null; then
    build probe_clang clang++ -O2 -g
    compare probe_clang llvm 3
fi
compare "$(readlink -f /usr/bin/python3)" llvm 997

# Names from the debug file that its debug link names, from a directory, and from none.
cp probe whole
objcopy --only-keep-debug probe probe.debug
strip probe
objcopy --add-gnu-debuglink=probe.debug probe
compare probe llvm 11 whole
mkdir away
mv probe.debug away/
compare probe llvm 11 whole away

# Stripped: file and link address, never a name.
cat > sites.py <<'END'
import sys
sys.path.insert(0, sys.argv[1])
import compare_symbols
compare_symbols.make_profile(sys.argv[2], [int(a, 16) for a in sys.argv[4:]], 0x550000000000, sys.argv[3])
END
site=$(nm whole | awk '$3 == "main" {print $1}')
python3 sites.py "$here" probe in.pb.gz "$site"
"$heapdiff" in.pb.gz > stripped.txt
grep -q " probe+0x$(echo "$site" | sed 's/^0*//')$" stripped.txt || { cat stripped.txt; exit 1; }
if grep -q main stripped.txt; then exit 1; fi

# Only the debug file is left, filed by build id: its one executable segment tells where addresses belong.
id=$(readelf -n whole | awk '/Build ID/ {print $3}')
rest=${id#??}
mkdir -p "byid/.build-id/${id%"$rest"}"
objcopy --only-keep-debug whole "byid/.build-id/${id%"$rest"}/$rest.debug"
python3 sites.py "$here" whole in.pb.gz "$site"
mv whole hidden
"$heapdiff" --debug-dir byid --by line in.pb.gz > alone.txt
grep -q " main .*symbol_probe.cc:4[0-9]$" alone.txt || { cat alone.txt; exit 1; }
mv hidden whole

# Another build at the same path: one warning, no name.
python3 sites.py "$here" whole in.pb.gz "$site"
"$heapdiff" in.pb.gz > named.txt 2> warnings.txt
grep -q " main " named.txt
test ! -s warnings.txt
build whole g++ -O1 -g
"$heapdiff" in.pb.gz > other.txt 2> warnings.txt
grep -q "whole+0x" other.txt
if grep -q main other.txt; then exit 1; fi
test "$(wc -l < warnings.txt)" = 1
grep -q "'.*/whole' is another build than the one in the profile" warnings.txt
rm whole
"$heapdiff" in.pb.gz > gone.txt 2> warnings.txt
grep -q "whole+0x" gone.txt
grep -q "is not here" warnings.txt
