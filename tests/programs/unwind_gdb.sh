#!/bin/sh
# Every stack that is captured, of programs that allocate in all the surroundings of unwind_subject.c and unwind_cxx.cc, is
# the one that gdb sees at that moment, or its beginning; and where it is only the beginning is known. Built with and without
# frame pointers and unwind tables. The long tier adds Rust, another compiler, and programs as they are installed.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
need gdb gcc g++
here=$HEAPTAP_SOURCE/tests/programs
gdb -nx -batch -ex run /bin/true 2>&1 | grep -q 'exited normally' || skip "gdb cannot run a program here"
export PYTHONDONTWRITEBYTECODE=1
processor=$(uname -m)

# by_gdb NAME LEAST CUTS CMD...: at least so many whole stacks; what is cut, is cut at a place that matches CUTS.
by_gdb() {
    name=$1 wanted=$2 places=$3
    shift 3
    rm -f "$work/verdict" "$work"/profiles/*
    UNWIND_OUT=$work/verdict UNWIND_ENVIRONMENT="LD_PRELOAD=$library HEAPTAP_MEMPROFILERATE=1 HEAPTAP_DEPTH=400
        HEAPTAP_UNWINDER=eh HEAPTAP_DUMP=$work/profiles/%e.pb.gz" \
        timeout 100 gdb -nx -batch -iex 'set debuginfod enabled off' -x "$here/unwind_gdb.py" --args "$@" \
        >"$work/gdb.out" 2>&1 </dev/null
    [ -s "$work/verdict" ] || {
        tail -n 20 "$work/gdb.out" >&2
        fail "$name: no verdict of gdb"
    }
    printf '%s: ' "$name"
    read -r verdict <"$work/verdict"
    echo "$verdict"
    case $verdict in
    'exit=[0] '*' farther=0 wrong=0 '*) ;;
    *)
        cat "$work/verdict" >&2
        fail "$name: a stack is not gdb's"
        ;;
    esac
    same=$(expr "$verdict" : '.* same=\([0-9]*\)')
    [ "$same" -ge "$wanted" ] || fail "$name: only $same whole stacks"
    case $processor:$wanted:$verdict in
    x86_64:???*:*' remembered=0') fail "$name: no stack was remembered" ;;
    esac
    sed -n 's/^cut at //p' "$work/verdict" | grep -vE "^($places)( \+ [0-9]+)?: " >"$work/more_cuts" && {
        cat "$work/verdict" >&2
        fail "$name: cut at $(head -n 1 "$work/more_cuts")"
    }
    # What the profile says of cut stacks is what was seen; gdb too may end where it knows nothing.
    cut=$(expr "$verdict" : '.* cut=\([0-9]*\)')
    program=${1##*/}
    told=$(python3 -c 'import sys; sys.path.insert(0, sys.argv[1]); from profile_reader import Profile
print(Profile(sys.argv[2]).comment("cut_stacks"))' "$here" "$work/profiles/$program.pb.gz") ||
        fail "$name: no count of cut stacks"
    [ "$told" -ge $((cut - 3)) ] && [ "$told" -le $((cut + 3)) ] || fail "$name: $told cut stacks are told of, $cut were seen"
}

# c_subject COMPILER CUTS FLAGS
c_subject() {
    compiler=$1 cuts=$2
    shift 2
    hand=
    [ ! -e "$here/unwind_hand_$processor.S" ] || hand="-DHAND $here/unwind_hand_$processor.S"
    # shellcheck disable=SC2086 # words
    "$compiler" -D_GNU_SOURCE -w -fno-builtin "$@" -o "$work/subject" "$here/unwind_subject.c" $hand -ldl -pthread &&
        "$compiler" -w -fno-builtin "$@" -fplt -Wl,-z,lazy -shared -fPIC -o "$work/lazy.so" "$here/unwind_lazy.c" ||
        fail "cannot compile unwind_subject.c with $compiler"
    by_gdb "C $compiler $*" "${least:-1000}" "$cuts" "$work/subject" "$work/lazy.so"
}

# What cannot be known by an unwinder that follows no other register than the frame pointer: the loader's way to bind a function
# at its first call, hand-written code of that kind, whoever calls it with a frame pointer, and data that is called as
# if it were code.
known='_dl_runtime_resolve[a-z_]*|hand_by_other_register|hand_without_tables|use_hand|data_as_code'

if [ -z "${UNWIND_LONG:-}" ]; then
    c_subject gcc "$known" -O2 -fomit-frame-pointer -Wl,-z,lazy
    c_subject gcc "$known" -O2 -fno-omit-frame-pointer -fno-plt
    c_subject gcc "$known" -O0 -g -Wl,-z,lazy
    # Without the tables in memory, but gdb reads others, in the file: the beginnings alone.
    least=1
    c_subject gcc '[A-Za-z_].*' -O2 -g -fno-asynchronous-unwind-tables -fno-unwind-tables -fomit-frame-pointer
    for flags in '-O2 -fomit-frame-pointer' '-O0' '-O2 -static-libstdc++ -static-libgcc -fno-omit-frame-pointer'; do
        # shellcheck disable=SC2086 # flags are words
        g++ -w $flags -pthread -o "$work/cxx" "$here/unwind_cxx.cc" || fail "cannot compile unwind_cxx.cc"
        by_gdb "C++ $flags" 2000 - "$work/cxx"
    done
    exit 0
fi

need rustc
for flags in '-O' '-C opt-level=0' '-O -C force-frame-pointers=yes -C lto'; do
    # shellcheck disable=SC2086 # flags are words
    rustc $flags -o "$work/rust" "$here/unwind_rust.rs" 2>"$work/errors" || {
        cat "$work/errors" >&2
        fail "cannot compile unwind_rust.rs"
    }
    by_gdb "Rust $flags" 1500 - "$work/rust"
done
c_subject gcc "$known" -Os -fstack-protector-all -fstack-clash-protection -fcf-protection
c_subject gcc "$known" -O3 -march=native -fno-omit-frame-pointer -Wl,-z,lazy
if command -v clang >/dev/null 2>&1; then
    c_subject clang "$known" -O2 -fomit-frame-pointer
    c_subject clang "$known" -O2 -fno-omit-frame-pointer -Wl,-z,lazy
fi
export UNWIND_MOST=20000
by_gdb ls 100 - /bin/ls -l "$here"
[ ! -x /usr/bin/git ] || by_gdb git 30 - /usr/bin/git --version
# gdb would quote the scripts for a shell that is not there.
cat >"$work/s.pl" <<'PERL'
$h{$_ % 17} .= "x" x $_ for 1 .. 300;
$_ = join "", sort keys %h;
s/(\d)/$1 + 1/ge;
PERL
cat >"$work/s.py" <<'PYTHON'
import json, re
json.dumps(json.loads('[1, 2, {"a": 3.5}]'))
re.sub("(a+)b", r"\1", "aab" * 50)
PYTHON
[ ! -x /usr/bin/perl ] || by_gdb perl 500 - /usr/bin/perl "$work/s.pl"
[ ! -x /usr/bin/python3 ] || by_gdb python 1000 - /usr/bin/python3 "$work/s.py"
