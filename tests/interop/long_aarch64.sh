#!/bin/sh
# The whole tree cross-built for aarch64; its unit, model and contract tests run under qemu. Left out are tests of what
# qemu's emulation of a process does not have, each with the reason.
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
