#!/bin/sh
# The same program twice, every allocation sampled: once with our own unwinder, once with libunwind. The stacks are the same,
# from the leaf to the outermost frame: an interpreter, a shell, a compiler, C++ with exceptions and without frame pointers,
# and whatever else of these is installed.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
need python3 g++
here=$HEAPTAP_SOURCE/tests/programs
export PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0 PERL_HASH_SEED=0 HEAPTAP_DEPTH=400

# same NAME CMD...
same() {
    name=$1
    shift
    for unwinder in eh libunwind; do
        timeout 100 env HEAPTAP_UNWINDER=$unwinder HEAPTAP_MEMPROFILERATE=1 LD_PRELOAD="$library" \
            HEAPTAP_DUMP="$work/$name.$unwinder.%e.pb.gz" "$@" >"$work/out" 2>&1 </dev/null || {
            cat "$work/out"
            fail "$name with $unwinder: $?"
        }
    done
    for profile in "$work/$name".eh.*.pb.gz; do
        other=$(echo "$profile" | sed "s/$name\.eh\./$name.libunwind./")
        printf '%s: ' "$name"
        python3 "$here/unwind_same.py" "$profile" "$other" 0.1 || fail "$name: other stacks"
    done
}

for flags in '-O2 -fomit-frame-pointer' '-O0' '-O2 -fno-omit-frame-pointer -fno-plt' '-O2 -static-libstdc++ -static-libgcc'; do
    # shellcheck disable=SC2086 # flags are words
    g++ $flags -o "$work/cxx" "$here/unwind_cxx.cc" || fail "cannot compile unwind_cxx.cc"
    same cxx "$work/cxx"
    rm -f "$work"/cxx.*
done
[ ! -x /usr/bin/python3 ] || same python /usr/bin/python3 -c 'import json, re, decimal; json.dumps(json.loads("[1, 2, {\"a\": 3.5}]")); re.sub("(a+)b", r"\1", "aab" * 50)'
[ ! -x /usr/bin/perl ] || same perl /usr/bin/perl -e 'my %h; $h{$_ % 17} .= "x" x $_ for 1 .. 300; print sort map { s/x+/y/r } values %h'
[ ! -x /usr/bin/git ] || same git /usr/bin/git --version
same ls /bin/ls -l "$here"
if command -v rustc >/dev/null 2>&1; then
    echo 'fn main() { let mut v: Vec<String> = (0..99).map(|i| format!("{:>40}", i)).collect(); v.sort(); println!("{}", v.concat().len()); }' >"$work/r.rs"
    rustc -O -o "$work/rust" "$work/r.rs" 2>"$work/err" && same rust "$work/rust"
fi
exit 0
