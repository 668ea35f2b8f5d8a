#!/bin/sh
# The whole tree cross-built for aarch64; its unit, model and contract tests run under qemu, and captured stacks are compared
# with gdb's. Left out are tests of what qemu's emulation of a process does not have, each with the reason.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
need aarch64-linux-gnu-gcc aarch64-linux-gnu-g++ qemu-aarch64 cmake ninja ctest
root=$HEAPTAP_SOURCE/build/aarch64-root
build=$HEAPTAP_SOURCE/build/aarch64
libraries=$root/usr/lib/aarch64-linux-gnu:$root/lib/aarch64-linux-gnu

"$HEAPTAP_SOURCE/cmake/aarch64_root.sh" "$root"
case $? in
0) ;;
77) skip "no packages for aarch64" ;;
*) fail "cannot unpack the packages for aarch64" ;;
esac
cd "$HEAPTAP_SOURCE" || exit 1
{ cmake --preset aarch64 && cmake --build --preset aarch64 -j2; } >"$work/build.log" 2>&1 || {
    tail -n 40 "$work/build.log"
    fail "cannot build for aarch64"
}

# test_log: qemu adds a line of its own when a program aborts. test_sampling_truth: hundreds of millions of allocations; what
# depends on the machine in it, the arithmetic, is in test_sampler and test_elementary.
ctest --test-dir "$build" -L 'unit|model' -E '^(test_log|test_sampling_truth|layers)$' --output-on-failure >"$work/ctest.log" 2>&1 || {
    tail -n 60 "$work/ctest.log"
    fail "unit or model tests on aarch64"
}
grep 'tests passed' "$work/ctest.log"

ran=0
# run_at STATUS RATE PROGRAM ARGS
run_at() {
    wanted=$1 rate=$2
    shift 2
    timeout 300 qemu-aarch64 -L /usr/aarch64-linux-gnu -E LD_LIBRARY_PATH="$libraries" -E HEAPTAP_EXPECT_PRELOAD=1 \
        -E LD_PRELOAD="$build/libheaptap.so" -E HEAPTAP_MEMPROFILERATE="$rate" "$@" >"$work/out" 2>&1
    status=$?
    [ $status -eq "$wanted" ] || {
        tail -n 20 "$work/out"
        fail "${1##*/} on aarch64 at rate $rate: status $status"
    }
    ran=$((ran + 1))
}

for program in "$build"/tests/contract/contract_*; do
    for rate in 1 512KiB; do
        case ${program##*/} in
        contract_fork) ;;   # a child of qemu lacks the threads of qemu itself
        contract_limits) ;; # RLIMIT_AS is the host's affair
        contract_spawn) ;;  # exec of an aarch64 program needs a kernel set up for it
        contract_last_seconds)
            # It starts itself for each way to end; here each is started for it.
            for way in exit quick_exit leave_main load; do
                run_at 42 "$rate" "$program" $way
            done
            ;;
        *) run_at 0 "$rate" "$program" ;;
        esac
    done
done
[ "$ran" -ge 20 ] || fail "only $ran runs of contract tests"
echo "$ran runs of contract tests passed"

# Stacks against gdb's, as in tests/programs/unwind_gdb.sh. A processor without SVE: of its signal frames gdb 13 knows nothing.
command -v gdb-multiarch >/dev/null 2>&1 || skip "no gdb-multiarch here"
programs=$HEAPTAP_SOURCE/tests/programs

# by_gdb LEAST CUTS PROGRAM ARGS
by_gdb() {
    least=$1 cuts=$2 program=$3
    shift 2
    rm -f "$work/verdict" "$work/socket"
    timeout 600 qemu-aarch64 -cpu cortex-a72 -g "$work/socket" -L /usr/aarch64-linux-gnu -E LD_LIBRARY_PATH="$libraries" \
        -E UNWIND_EMULATED=1 -E HEAPTAP_MEMPROFILERATE=1 -E HEAPTAP_DEPTH=400 -E LD_PRELOAD="$build/libheaptap.so" "$@" \
        >"$work/out" 2>&1 &
    started_pid=$!
    wait_until test -S "$work/socket" || fail "qemu does not wait for gdb"
    PYTHONDONTWRITEBYTECODE=1 UNWIND_REMOTE=$work/socket UNWIND_OUT=$work/verdict timeout 600 gdb-multiarch -nx -batch \
        -iex 'set debuginfod enabled off' -iex 'set sysroot /usr/aarch64-linux-gnu' \
        -iex "set solib-search-path $build:$libraries:$work" -x "$programs/unwind_gdb.py" "$program" \
        >"$work/gdb.out" 2>&1 </dev/null
    [ -s "$work/verdict" ] || {
        tail -n 20 "$work/gdb.out" >&2
        fail "${program##*/}: no verdict of gdb"
    }
    wait "$started_pid" || fail "${program##*/} under gdb: status $?"
    started_pid=
    read -r verdict <"$work/verdict"
    echo "${program##*/} on aarch64: $verdict"
    case $verdict in
    'exit=[0] same='*' farther=0 wrong=0 '*) ;;
    *)
        cat "$work/verdict" >&2
        fail "${program##*/}: a stack is not gdb's"
        ;;
    esac
    [ "$(expr "$verdict" : '.* same=\([0-9]*\)')" -ge "$least" ] || fail "${program##*/}: few whole stacks"
    sed -n 's/^cut at //p' "$work/verdict" | grep -vE "^($cuts)( \+ [0-9]+)?: " && { cat "$work/verdict" >&2; fail "${program##*/}: cut elsewhere"; }
    return 0
}

for flags in '-O2 -fomit-frame-pointer -Wl,-z,lazy' '-O0' '-O2 -fno-omit-frame-pointer -mbranch-protection=standard'; do
    # shellcheck disable=SC2086 # words
    aarch64-linux-gnu-gcc -D_GNU_SOURCE -w -fno-builtin $flags -o "$work/subject" "$programs/unwind_subject.c" -ldl -pthread &&
        aarch64-linux-gnu-gcc -w -fno-builtin $flags -Wl,-z,lazy -shared -fPIC -o "$work/lazy.so" "$programs/unwind_lazy.c" &&
        aarch64-linux-gnu-g++ -w $flags -pthread -o "$work/cxx" "$programs/unwind_cxx.cc" ||
        fail "cannot compile unwind_subject.c for aarch64"
    by_gdb 1000 'data_as_code|somewhere in ld-linux-aarch64.so.1' "$work/subject" "$work/lazy.so"
    by_gdb 2000 - "$work/cxx"
done
