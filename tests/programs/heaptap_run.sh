#!/bin/sh
# heaptap run: the environment that it sets, the status that it returns, the signals that it passes on, the line at the
# end; nothing on standard output that is not the program's.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
heaptap=$HEAPTAP_BUILD/heaptap
cd "$work" || exit 1

# run STATUS ARGS: heaptap run ARGS, stdout and stderr in out and err.
run() {
    wanted=$1
    shift
    "$heaptap" run "$@" >out 2>err </dev/null
    status=$?
    [ $status = "$wanted" ] || fail "'run $*' ended with $status, not $wanted: $(cat err)"
}

out_is() { [ "$(cat out)" = "$1" ] || fail "stdout is '$(cat out)', not '$1'"; }
err_is() { [ "$(cat err)" = "$1" ] || fail "stderr is '$(cat err)', not '$1'"; }

# Status.
run 0 true
out_is ''
run 7 -- sh -c 'echo hello; exit 7'
out_is hello
run 127 no-such-program
err_is "heaptap: cannot run 'no-such-program': No such file or directory"
run 126 /etc/passwd
err_is "heaptap: cannot run '/etc/passwd': Permission denied"
run 125 --rate much true
err_is "heaptap run: bad value 'much' for '--rate': a size such as 512KiB is needed; see 'heaptap run --help'"
run 125 --depth 1025 true
run 125 --labels thread,colour true
run 125 --table-max 1 true
run 125 --memlimit lots true
run 125 --seed seven true
run 125 --keep 0 true
run 125 --interval 30 true
run 125 --unwinder magic true
run 125 --control here true
run 125 --no-such-option true
run 125
err_is "heaptap run: no command to run; see 'heaptap run --help'"
run 125 --rate
HEAPTAP_LIB=$work/none "$heaptap" run true 2>err && fail "a wrong HEAPTAP_LIB was accepted"
err_is "heaptap: cannot find the library HEAPTAP_LIB='$work/none': No such file or directory"
"$heaptap" >out 2>err
[ $? = 2 ] || fail "no command at all is not a usage error"
[ "$("$heaptap" --version)" ] || fail "no version"
"$heaptap" --help >/dev/full 2>err
[ $? = 2 ] || fail "help that cannot be written is no error"
err_is "heaptap: cannot write 'standard output': No space left on device"
"$heaptap" dmup 1 >out 2>err
err_is "heaptap: unknown command 'dmup' (did you mean 'dump'?); see 'heaptap --help'"
"$heaptap" --rate 1 >out 2>err
err_is "heaptap: option '--rate' belongs to 'heaptap run'; see 'heaptap --help'"
"$heaptap" run --help | grep -q -- '--rate BYTES' || fail "the help does not name --rate"

# Killed by a signal: so is heaptap, and the shell sees 128 and the number. Without a core of its own.
for pair in KILL:137 TERM:143 ABRT:134; do
    (ulimit -c 0 && exec "$heaptap" run sh -c "kill -${pair%:*} \$\$" 2>err) >out 2>err
    status=$?
    [ $status = "${pair#*:}" ] || fail "killed by ${pair%:*}: the status is $status, not ${pair#*:}"
done

# A killed program with a black box: one line, whose command works.
( ulimit -c 0 && exec "$heaptap" run --rate 1 --blackbox "$work/killed.%p.box" sh -c 'kill -KILL $$' 2>err ) >out 2>/dev/null
grep -q "^heaptap: the program was killed; next: heaptap recover -o heap.pb.gz .*killed\.[0-9]*\.box$" err || fail "no black box named: $(cat err)"
[ "$(wc -l <err)" = 1 ] || fail "more than one line: $(cat err)"
eval "\"\$heaptap\" $(sed 's/.*next: heaptap //' err)" || fail "the command named does not work"
[ -s heap.pb.gz ] || fail "no profile from the black box"

# Environment: what is asked for, and nothing else; an older LD_PRELOAD stays behind ours.
run 0 --rate 64KiB --dump '%e.%p.pb.gz' --interval 5m --on exit --keep 3 --unwinder fp --depth 40 --control off \
    --labels thread,age --blackbox "$work/%p.box" --table-max 8MiB --memlimit 1GiB --seed 7 -- /usr/bin/env
for line in HEAPTAP_MEMPROFILERATE=64KiB "HEAPTAP_DUMP=$work/%e.%p.pb.gz" HEAPTAP_DUMP_INTERVAL=5m HEAPTAP_DUMP_ON=exit \
    HEAPTAP_DUMP_KEEP=3 HEAPTAP_UNWINDER=fp HEAPTAP_DEPTH=40 HEAPTAP_CONTROL=off \
    HEAPTAP_LABELS=thread,age "HEAPTAP_BLACKBOX=$work/%p.box" HEAPTAP_TABLE_MAX=8MiB HEAPTAP_MEMLIMIT=1GiB HEAPTAP_SEED=7 "LD_PRELOAD=$(readlink -f "$library")"; do
    grep -qxF "$line" out || fail "no $line in the environment"
done
run 0 /usr/bin/env
others=$(grep '^HEAPTAP_' out | grep -Ev '^HEAPTAP_(SOURCE|BUILD|DUMP|CONTROL)=')
[ -z "$others" ] || fail "variables that nobody asked for: $others"
LD_PRELOAD=libc.so.6 "$heaptap" run /usr/bin/env >out 2>err || fail "with an LD_PRELOAD"
grep -qxF "LD_PRELOAD=$(readlink -f "$library"):libc.so.6" out || fail "the older LD_PRELOAD is lost"
HEAPTAP_DUMP="$work/mine.%p.pb.gz" "$heaptap" run /usr/bin/env >out 2>err
grep -qxF "HEAPTAP_DUMP=$work/mine.%p.pb.gz" out || fail "HEAPTAP_DUMP of the environment was not taken"

# The control socket: in the place of the user, or where the environment says, from the start; gone at the end.
"$heaptap" run -- sh -c 'env; sleep 0.5; ls -l "$XDG_RUNTIME_DIR/heaptap"' >out 2>err
grep -qxF "HEAPTAP_CONTROL=$work/runtime/heaptap/%p.sock" out || fail "no HEAPTAP_CONTROL in the environment"
grep -Eq '^srw------- .*[0-9]\.sock' out || fail "no socket: $(cat out err)"
XDG_RUNTIME_DIR=$work/none "$heaptap" run /usr/bin/env >out 2>err
grep -qxF "HEAPTAP_CONTROL=/tmp/heaptap-$(id -u)/%p.sock" out || fail "no HEAPTAP_CONTROL without a runtime directory"
HEAPTAP_CONTROL=off XDG_RUNTIME_DIR=$work/runtime "$heaptap" run /usr/bin/env >out 2>err
grep -qxF HEAPTAP_CONTROL=off out || fail "HEAPTAP_CONTROL of the environment was not taken"
[ "$(wc -l <err)" = 1 ] || fail "not one line on stderr: $(cat err)"

# The last line names the file, and its command works. A program that changes its directory writes to the same place.
# (Not with sh as the program: dash ends by _exit, where nothing can be written.)
rm -f ./*.pb.gz
run 3 -- sh -c 'cd / && exec awk "BEGIN { exit 3 }"'
file=$(sed -n "s/^heaptap: wrote '\(heaptap\.[0-9]*\.1\.pb\.gz\)'; next: heapdiff \1\$/\1/p" err)
[ "$(wc -l <err)" = 1 ] || fail "not one line on stderr: $(cat err)"
[ -s "$file" ] || fail "the line does not name a file that is there: $(cat err)"
"$HEAPTAP_BUILD/heapdiff" "$file" >out || fail "heapdiff $file"
# Children: the program's own file is named, the others are counted.
run 0 -- bash -c '/bin/true; /bin/true; echo end'
grep -Eq "^heaptap: wrote 'heaptap\.[0-9]+\.1\.pb\.gz' and 2 more; next: heapdiff heaptap\.[0-9]+\.1\.pb\.gz\$" err ||
    fail "the line with children is: $(cat err)"
# Several dumps of one program: the next command compares first and last.
run 0 --rate 1 --dump 'two.%n.pb.gz' --on exit,signal:USR2 -- bash -c 'kill -USR2 $$; read -t 0.5 <> <(:); exit 0'
grep -qxF "heaptap: wrote 'two.2.pb.gz' and 1 more; next: heapdiff two.1.pb.gz two.2.pb.gz" err ||
    { ls -l >&2 && fail "the line with two files is: $(cat err)"; }
# What cannot be written is said, and the status stays.
run 4 --dump "$work/none/p.pb.gz" -- awk 'BEGIN { exit 4 }'
tail -n 1 err | grep -q '^heaptap: no profile was written: nothing matches ' || fail "no line about no file: $(cat err)"

# A signal that somebody sends reaches the program, once.
"$heaptap" run sh -c 'trap "echo got; exit 9" TERM; echo ready; for i in $(seq 200); do sleep 0.05; done' >out 2>err &
started_pid=$!
wait_until grep -q ready out || fail "the program does not start"
kill -TERM "$started_pid"
wait "$started_pid"
status=$?
started_pid=
[ $status = 9 ] || fail "after SIGTERM the status is $status, not the program's 9"
out_is "$(printf 'ready\ngot')"
# One that is ignored from outside (nohup) stays ignored, for the program too.
(trap '' HUP && exec "$heaptap" run sh -c 'kill -HUP $$; echo alive') >out 2>err || fail "an ignored SIGHUP kills"
out_is alive
