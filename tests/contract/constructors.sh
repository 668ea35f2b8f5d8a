#!/bin/sh
# malloc before main: before all constructors, from those of a library that is initialised before or after ours, from the threads
# that they start; and after main. Not from an ifunc resolver: that runs before the loader has given the first thread
# its thread-local variables, and the fast path begins with one.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
need cc
early=$HEAPTAP_SOURCE/tests/contract/early
cc -O1 -fPIC -fno-builtin -shared -o "$work/libearly.so" "$early/early_library.c" -pthread || fail "cannot build the library"
for flags in '-Wl,-z,now' '-Wl,-z,lazy -no-pie'; do
    # shellcheck disable=SC2086
    cc -O1 -fno-builtin $flags -o "$work/early" "$early/early_program.c" -L"$work" -learly -Wl,-rpath,"$work" -pthread ||
        fail "cannot build the program with $flags"
    for rate in 0 1 512KiB; do
        out=$(HEAPTAP_MEMPROFILERATE=$rate preloaded "$work/early" 2>&1) || fail "with $flags at rate $rate: status $?, $out"
        [ "$out" = well ] || fail "with $flags at rate $rate: $out"
    done
    # Loaded before ours, so that its constructors run at another time.
    out=$(env LD_PRELOAD="$work/libearly.so $library" "$work/early" 2>&1) || fail "preloaded before, $flags: status $?, $out"
done
# shellcheck disable=SC2086
out=$(sampled "$work/early" 2>&1) || fail "with a dump: status $?, $out"
must_have_profile early
