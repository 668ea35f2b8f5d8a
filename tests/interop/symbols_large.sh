#!/bin/sh
# One unit of 2500 functions in namespaces, each asked for: as fast as it grows, not as its square. What reads the unit
# anew for each function takes many times as long.
. "$HEAPTAP_SOURCE/tests/interop/symbols_common.sh"
need g++ llvm-symbolizer

awk 'BEGIN {
    print "namespace outer { namespace {"
    for (i = 0; i < 2500; i++) {
        printf "struct local%d { int n; int twice() const { return n * 2; } };\n", i
        printf "__attribute__((noinline)) int work%d(int n) { local%d x{n}; return x.twice() + %d; }\n", i, i, i
    }
    print "} int all(int n) {"
    for (i = 0; i < 2500; i++) printf "n += work%d(n);\n", i
    print "return n; } }\nint main(int argc, char **) { return outer::all(argc); }"
}' >large.cc
g++ -O1 -g -fno-var-tracking -Wl,--build-id=sha1 -o large large.cc || fail "cannot compile"
python3 "$here/compare_symbols.py" "$heapdiff" large llvm 5 >figures || fail "$(cat figures)"
cat figures
awk '/ addresses in / { exit !($4 < 1.5) }' figures || fail "too slow: $(cat figures)"
