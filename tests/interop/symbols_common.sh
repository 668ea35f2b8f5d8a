# Sourced by the tests of symbol files, in a folder of their own.
#
#   build OUT VARIANT ARGUMENTS...
#                            symbol_files.c, with a build id
#   sites ARGUMENTS...       symbol_sites.py
#   expect WHAT [ARGUMENTS...] -- PROFILE
#                            WHAT is `inlined` (all names), `outer` (the symbol alone), `none` (addresses) or `warned`
#                            (addresses, and one warning); heapdiff gets the arguments
set -eu
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
trap 'stop_started KILL || :; rm -rf "$work"' EXIT
need python3 gcc readelf nm objcopy strip
here=$HEAPTAP_SOURCE/tests/interop
heapdiff=$HEAPTAP_BUILD/heapdiff
export PYTHONDONTWRITEBYTECODE=1
unset DEBUGINFOD_URLS PPROF_BINARY_PATH
cd "$work"

build() {
    out_=$1 variant_=$2
    shift 2
    gcc -O2 -g -DVARIANT="$variant_" -Wl,--build-id=sha1 "$@" -o "$out_" "$here/symbol_files.c"
}

sites() {
    python3 "$here/symbol_sites.py" "$@" outer_work
}

id_of() {
    readelf -n "$1" | awk '/Build ID/ { print $3 }'
}

# The place of a file below a directory of debug files.
by_id() {
    id_=$(id_of "$1")
    echo "$2/.build-id/$(echo "$id_" | cut -c 1-2)/$(echo "$id_" | cut -c 3-).debug"
}

expect() {
    what_=$1
    shift
    HOME=$work "$heapdiff" --by line -n 0 "$@" >shown.txt 2>warnings.txt || fail "heapdiff $*: $(cat warnings.txt)"
    case $what_ in
    inlined)
        grep -q ' inlined_work .*symbol_files.c:[67]$' shown.txt && grep -q ' outer_work .*symbol_files.c:1[0-9]$' shown.txt
        ;;
    outer) grep -q ' outer_work' shown.txt && ! grep -q inlined_work shown.txt ;;
    none | warned) grep -q '+0x' shown.txt && ! grep -Eq 'outer_work|inlined_work|main' shown.txt ;;
    esac || fail "not '$what_': heapdiff $*: $(cat shown.txt warnings.txt)"
    [ "$what_" != inlined ] || ! grep -q '+0x' shown.txt || fail "some frame has no name: $(cat shown.txt)"
    case $what_ in
    warned) [ "$(wc -l <warnings.txt)" = 1 ] || fail "not one warning: heapdiff $*: $(cat warnings.txt)" ;;
    esac
}

quiet() {
    [ ! -s warnings.txt ] || fail "a warning: $(cat warnings.txt)"
}

says() {
    grep -q "$1" warnings.txt || fail "no '$1' in: $(cat warnings.txt)"
}

# probe NAME STEP COMPILER ARGUMENTS...: symbol_probe.cc, every STEP-th byte of it compared with llvm-symbolizer
probe() {
    name_=$1 step_=$2
    shift 2
    "$@" -Wl,--build-id=sha1 -o "$name_" "$here/symbol_probe.cc" || fail "cannot compile: $*"
    python3 "$here/compare_symbols.py" "$heapdiff" "$name_" llvm "$step_" >figures || :
    tail -n 1 figures
    grep -q ' 0 differ, 0 only heapdiff, 0 only the reference' figures || fail "$*: $(cat figures)"
}
# can COMPILER ARGUMENTS...: the compiler can make this form at all.
can() {
    echo 'int main() {}' | "$@" -x c++ - -o can.out 2>/dev/null
}
