#!/bin/sh
# A preloaded program finds its world unchanged: environment, signals, timers, descriptors, threads, fork, exec, the
# libraries it is linked with and its exceptions; nothing is written unless asked for; and starting up costs little.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
need gcc g++ ldd
here=$HEAPTAP_SOURCE/tests/programs

# What the library needs is the C library alone.
others=$(ldd "$library" | awk '{ print $1 }' | grep -Ev '^(linux-vdso\.so|libc\.so|libpthread\.so|libdl\.so|librt\.so|/lib.*/ld-linux)')
[ -z "$others" ] || fail "libheaptap.so needs more than the C library: $others"

# Environment, signals, timers, descriptors, threads; own handlers; fork and exec. The environment itself holds LD_PRELOAD,
# the same in both runs: a library that does nothing where ours is not wanted.
gcc -O1 -o "$work/probe" "$here/manners_probe.c" || fail "cannot compile manners_probe.c"
echo 'int manners_nothing;' >"$work/nothing.c"
gcc -shared -fPIC -o "$work/libnothing.so" "$work/nothing.c" || fail "cannot compile a library"
cp "$work/libnothing.so" "$work/libpreload.so"
LD_PRELOAD=$work/libpreload.so "$work/probe" again >"$work/plain.out" 2>"$work/plain.err" </dev/null
plain_status=$?
[ $plain_status = 5 ] || fail "the probe itself ended with $plain_status"
cp "$library" "$work/libpreload.so"
for rate in '' 1 0; do
    LD_PRELOAD=$work/libpreload.so ${rate:+env HEAPTAP_MEMPROFILERATE=$rate} "$work/probe" again \
        >"$work/ours.out" 2>"$work/ours.err" </dev/null
    status=$?
    [ $status = $plain_status ] || fail "a preloaded program ended with $status, alone with $plain_status"
    grep -v '^HEAPTAP_MEMPROFILERATE=' "$work/ours.out" >"$work/ours.world"
    must_be_same "what a program sees of itself" "$work/plain.out" "$work/ours.world"
    must_be_same "standard error" "$work/plain.err" "$work/ours.err"
done

# The unwinder of exceptions stays the program's.
g++ -O1 -o "$work/throw" "$here/manners_throw.cc" -ldl || fail "cannot compile manners_throw.cc"
"$work/throw" >"$work/plain.out" || fail "the throwing program fails by itself"
grep -q '^_Unwind_RaiseException is of libgcc_s' "$work/plain.out" || fail "the throwing program is not linked with libgcc_s"
preloaded env HEAPTAP_MEMPROFILERATE=1 "$work/throw" >"$work/ours.out" 2>"$work/ours.err" || fail "throwing fails preloaded"
must_be_same "exception handling" "$work/plain.out" "$work/ours.out"
[ ! -s "$work/ours.err" ] || fail "output on stderr: $(cat "$work/ours.err")"

# No thread, no socket, no file opened to write.
if command -v strace >/dev/null 2>&1 && strace -o /dev/null true 2>/dev/null; then
    strace -f -o "$work/trace" -E LD_PRELOAD="$library" -E HEAPTAP_MEMPROFILERATE=1 \
        -e trace=clone,clone3,fork,vfork,socket,socketpair,open,openat,creat,memfd_create,write,writev,kill,tgkill,timer_create,setitimer,rt_sigaction \
        /bin/ls / >/dev/null 2>"$work/ours.err" </dev/null || fail "ls fails under strace: $(cat "$work/ours.err")"
    strace -f -o "$work/trace.plain" -e trace=rt_sigaction /bin/ls / >/dev/null </dev/null
    bad=$(grep -E 'clone|fork|socket|creat\(|memfd|timer|kill\(|O_WRONLY|O_RDWR|O_CREAT' "$work/trace")
    [ -z "$bad" ] || fail "unasked for: $bad"
    bad=$(grep -E ' writev?\(' "$work/trace" | grep -v ' write(1,')
    [ -z "$bad" ] || fail "unasked for: $bad"
    [ "$(grep -c rt_sigaction "$work/trace")" = "$(grep -c rt_sigaction "$work/trace.plain")" ] ||
        fail "a signal's disposition was changed: $(grep rt_sigaction "$work/trace")"
else
    echo "no strace that works here: system calls were not looked at"
fi

# A thousand runs of `true`: at most twice the time. A busy machine may spoil one try.
gcc -O2 -o "$work/spawn" "$here/manners_spawn.c" || fail "cannot compile manners_spawn.c"
for try in 1 2 3; do
    medians=$("$work/spawn" /bin/true "$library" 1000) || fail "true does not run"
    echo "true: ${medians% *} us alone, ${medians#* } us preloaded"
    [ "${medians#* }" -le $((2 * ${medians% *})) ] && exit 0
done
fail "a preloaded start costs more than twice: ${medians% *} us alone, ${medians#* } us preloaded, try $try of 3"
