#!/bin/sh
# Rust, whichever way this compiler mangles: inlined calls, and names without the hash.
. "$HEAPTAP_SOURCE/tests/interop/symbols_common.sh"
need rustc llvm-symbolizer

check() {
    rustc -g -O "$@" -C link-arg=-Wl,--build-id=sha1 -o rust "$here/symbol_probe.rs" || fail "cannot compile Rust"
    python3 "$here/compare_symbols.py" "$heapdiff" rust llvm 97 || fail "Rust"
    nm rust | awk '$3 ~ /closure_user|insert|grow/ && $3 ~ /probe/ { print $3 }' >functions
    # shellcheck disable=SC2046 # several names
    python3 "$here/symbol_sites.py" rust in.pb.gz $(cat functions)
    "$heapdiff" --cum -n 0 in.pb.gz >shown.txt || fail "heapdiff"
    for name in '<symbol_probe::store::Big as symbol_probe::store::Grow>::grow' 'symbol_probe::closure_user' \
        'symbol_probe::store::Cache<.*>::insert'; do
        grep -q "$name" shown.txt || fail "no $name: $(cat shown.txt)"
    done
    ! grep -E '::h[0-9a-f]{16}|_ZN|_R[A-Z]' shown.txt || fail "linker's names are shown"
}
check
check -C symbol-mangling-version=v0
