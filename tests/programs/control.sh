#!/bin/sh
# The control socket: when it is there and when not, what it answers, what hostile clients cost, and what is left of
# processes that are killed. `heaptap ps`, `dump` and `rate` on it.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
. "$HEAPTAP_SOURCE/tests/programs/control_common.sh"

# By default: nothing in the first second, then a socket and a thread; gone at the end.
begin env LD_PRELOAD="$library" HEAPTAP_MEMPROFILERATE=0 "$subject"
sleep 0.3
[ "$(threads)" = 1 ] && [ ! -e "$sockets" ] || fail "a thread or a socket in the first second"
heaptap_fails "process $pid has no control socket yet" dump "$pid"
"$heaptap" ps | grep -Eq "^ *$pid  subject +- +- +- +-  \(none yet, or off\)\$" || fail "ps: $("$heaptap" ps)"
wait_until test -S "$sockets/$pid.sock" || fail "no socket after a second"
[ "$(threads)" = 2 ] || fail "$(threads) threads"
ls -ld "$sockets" | grep -q '^drwx------' || fail "the folder: $(ls -ld "$sockets")"
ls -l "$sockets/$pid.sock" | grep -q '^srw-------' || fail "the socket: $(ls -l "$sockets")"
ls -l "/proc/$pid/fd" | grep -q socket && fail "the program has a descriptor of ours"

# The words.
client ask "$sockets/$pid.sock" ping 'rate 64KiB' 'rate 0' info 'rate' 'rate much' 'dump' 'dump x' 'dump /none/x' nonsense '' 'ping x' >"$work/answers"
sed 's/^\(ok version=\)[^ ]* pid=[0-9]* uptime_ms=[0-9]* rate=\([0-9]*\) heap_alloc=[1-9][0-9]* heap_sys=[1-9][0-9]* samples=[0-9]* /\1 rate=\2 /; s/heaptap [0-9.]*/heaptap V/' \
    "$work/answers" >"$work/answers.same"
cat >"$work/wanted" <<'END'
ok heaptap V
ok 0 65536
ok 65536 0
ok version= rate=0 dumps=0 has_pattern=0 program=subject
error bad rate '': want a size such as 64KiB
error bad rate 'much': want a size such as 64KiB
error no path was given, and HEAPTAP_DUMP is not set
error not an absolute path: 'x'
error cannot write profile '/none/x': No such file or directory
error unknown command 'nonsense': want dump, rate, info or ping
error unknown command '': want dump, rate, info or ping
error unexpected argument 'x'
END
must_be_same "what is answered" "$work/wanted" "$work/answers.same"
[ "$(client raw "$sockets/$pid.sock" 'pi\x00ng\n')" = 'error the line has a NUL in it' ] || fail "a NUL in the line"
client raw "$sockets/$pid.sock" 'ping\nrate 1\n' | grep -q '^ok heaptap' || fail "two lines at once"
[ "$(client ask "$sockets/$pid.sock" info | grep -c 'rate=0 ')" = 1 ] || fail "a second line was read"

# Hostile clients.
client hostile "$sockets/$pid.sock" 100 || fail "hostile clients"
[ "$(ls "/proc/$pid/task/"*/fd | grep -c '^[0-9]')" -le 14 ] || fail "descriptors are left: $(ls -l "/proc/$pid/task/"*/fd)"
used() { awk '{ print $14 + $15 }' "/proc/$pid/task/$(ls "/proc/$pid/task" | tail -n 1)/stat"; }
before=$(used)
sleep 0.5
[ $(($(used) - before)) -le 2 ] || fail "the thread does not come to rest"
client ask "$sockets/$pid.sock" ping | grep -q '^ok' || fail "no answer after hostile clients"
kill -STOP "$pid"
"$heaptap" ps >"$work/ps" &
ps_pid=$!
sleep 3.5
kill -CONT "$pid"
wait $ps_pid
grep -Eq "^ *$pid  subject .*$pid.sock \(no answer\)\$" "$work/ps" || fail "a stopped process: $(cat "$work/ps")"
end
quiet
[ ! -e "$sockets/$pid.sock" ] || fail "the socket is left at exit"

# Wrong operands and processes.
sleep 60 &
other=$!
heaptap_fails "process $other does not run under libheaptap.so" dump "$other"
kill "$other"
wait "$other" 2>/dev/null
heaptap_fails "no process $other" rate "$other" 1
heaptap_fails "bad PID 'x'" dump x
heaptap_fails "bad PID '0'" dump 0
heaptap_fails 'no PID given' rate
heaptap_fails "bad value 'much' of BYTES" rate 1 much
heaptap_fails 'too many operands' dump 1 2
heaptap_fails 'unknown option' ps --what
begin env HEAPTAP_CONTROL=off LD_PRELOAD="$library" "$subject"
sleep 1.5
[ "$(threads)" = 1 ] && [ ! -e "$sockets/$pid.sock" ] || fail "HEAPTAP_CONTROL=off has no effect"
heaptap_fails "process $pid was started with HEAPTAP_CONTROL=off" dump "$pid"
end

# Asked for: from the start, at the place that is named; with the pattern of HEAPTAP_DUMP.
mkdir "$work/place" "$work/d"
begin env HEAPTAP_CONTROL="$work/place/%e.%p.ctl" HEAPTAP_DUMP="$work/d/%n.%r.pb.gz" LD_PRELOAD="$library" "$subject"
wait_until test -S "$work/place/subject.$pid.ctl" || fail "no socket at the place that was named"
[ "$("$heaptap" dump "$pid")" = "$work/d/1.control.pb.gz" ] || fail "heaptap dump: $("$heaptap" dump "$pid" 2>&1)"
(cd "$work/d" && "$heaptap" dump -o mine.pb.gz "$pid" && "$heaptap" dump "$pid" --output="$work/d/too.pb.gz") >"$work/ht.out" ||
    fail "heaptap dump -o"
for name in 1.control mine too; do
    "$HEAPTAP_BUILD/heapdiff" --no-symbolize "$work/d/$name.pb.gz" >/dev/null || fail "no profile $name"
done
heaptap_fails "cannot write profile '$work/none/x': No such file or directory" dump -o "$work/none/x" "$pid"
end
rm "$work/d/"*
begin env LD_PRELOAD="$library" HEAPTAP_CONTROL="$work/place/%p.sock" "$subject"
wait_until "$heaptap" rate "$pid" 4KiB || fail "heaptap rate"
[ "$("$heaptap" rate "$pid")" = 4KiB ] || fail "heaptap rate without a size"
(cd "$work/d" && "$heaptap" dump "$pid") >"$work/ht.out" || fail "heaptap dump without a pattern"
[ -s "$(cat "$work/ht.out")" ] && [ "$(find "$work/d" -name "heaptap.$pid.*Z.pb.gz" | wc -l)" = 1 ] || fail "the name: $(ls "$work/d")"

# Killed: the socket is left, and ps removes it. One that lives stays.
first=$pid
kill -9 "$first"
wait "$started_pid" 2>/dev/null
exec 3>&-
begin env LD_PRELOAD="$library" HEAPTAP_CONTROL="$work/place/%p.sock" "$subject"
wait_until test -S "$work/place/$pid.sock" || fail "no second socket"
[ -S "$work/place/$first.sock" ] || fail "nothing is left of a process that was killed"
HEAPTAP_CONTROL=$work/place/%p.sock "$heaptap" ps >"$work/ps" || fail "heaptap ps"
grep -Eq "^ *$pid  subject +[0-9.]+m?s +512Ki +[0-9.]+[KM]i +[0-9]+  $work/place/$pid.sock$" "$work/ps" || fail "ps: $(cat "$work/ps")"
grep -q "$first" "$work/ps" && fail "ps shows a process that is gone"
[ ! -e "$work/place/$first.sock" ] && [ -S "$work/place/$pid.sock" ] || fail "ps does not clean: $(ls "$work/place")"
# A name proves nothing: the socket of another process under the pid of this one.
ln "$work/place/$pid.sock" "$work/place/$$.sock"
HEAPTAP_CONTROL=$work/place/%p.sock heaptap_fails "process $$ does not run under libheaptap.so" dump "$$"
rm "$work/place/$$.sock"
# The same place is taken.
sleep 0.5 | env LD_PRELOAD="$library" HEAPTAP_CONTROL="$work/place/$pid.sock" "$subject" >/dev/null 2>"$work/taken.err"
grep -qF "cannot make control socket '$work/place/$pid.sock': Address already in use" "$work/taken.err" || fail "taken: $(cat "$work/taken.err")"
client ask "$work/place/$pid.sock" ping | grep -q '^ok' || fail "the socket was taken away"
end
# What nobody listens to any more is replaced.
begin env LD_PRELOAD="$library" HEAPTAP_CONTROL="$work/place/one.sock" "$subject"
kill -9 "$pid"
wait "$started_pid" 2>/dev/null
exec 3>&-
begin env LD_PRELOAD="$library" HEAPTAP_CONTROL="$work/place/one.sock" "$subject"
wait_until "$heaptap" rate "$pid" 0 || fail "a stale socket is not replaced"
end
