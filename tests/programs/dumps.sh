#!/bin/sh
# Dumps: none unless asked for; at exit, by interval, by signal, in a forked child; rotation; and every way to fail, each
# one line on stderr with the program's own status and output untouched.
set -eu
command -v cc >/dev/null && command -v python3 >/dev/null || exit 77
work=$(mktemp -d)
trap 'chmod -R u+w "$work" 2>/dev/null; rm -rf "$work"' EXIT
subject=$work/subject
cc -g -O1 -fno-builtin -pthread "$HEAPTAP_SOURCE/tests/programs/dump_subject.c" -o "$subject"
export HEAPTAP_MEMPROFILERATE=1

fail() {
    echo "$*"
    ls -la "$work" "$work/d" 2>/dev/null
    cat "$work/err"
    exit 1
}
run() { env LD_PRELOAD="$HEAPTAP_BUILD/libheaptap.so" "$@" 2>"$work/err"; }
expect_files() { # pattern, count
    set -- "$1" "$2" $(find "$work/d" -type f -name "$1" | wc -l)
    [ "$2" = "$3" ] || fail "expected $2 files '$1', found $3"
}
expect_quiet() { [ ! -s "$work/err" ] || fail "unexpected output"; }
expect_line() {
    [ "$(wc -l <"$work/err")" = 1 ] || fail "expected one line"
    grep -qF "$1" "$work/err" || fail "expected '$1'"
}
fresh() { rm -rf "$work/d"; mkdir "$work/d"; }

fresh # nothing unless asked for
(cd "$work/d" && run "$subject" && run "$subject" threads && run "$subject" fork)
expect_quiet
expect_files '*' 0
[ "$(run "$subject" own-signal)" = 1 ] || fail "the program's own SIGUSR2 was touched"

export HEAPTAP_DUMP="$work/d/%e.%p.%n.%r.pb.gz"
fresh # exit, with other threads running; not after _exit; a child of its own
run "$subject" threads
run "$subject" _exit
expect_quiet
expect_files 'subject.*.1.exit.pb.gz' 1
fresh
run "$subject" fork
expect_files 'subject.*.1.exit.pb.gz' 2
fresh
HEAPTAP_FOLLOW_FORK=0 run "$subject" fork
expect_files '*' 1
expect_quiet

fresh # interval and signal, by a thread of the library
mkfifo "$work/in"
HEAPTAP_DUMP_INTERVAL=50ms HEAPTAP_DUMP_ON=signal:USR2 run "$subject" wait <"$work/in" &
job=$!
exec 3>"$work/in"
tries=0
while [ "$(find "$work/d" -name '*.interval.pb.gz' | wc -l)" -lt 3 ]; do
    tries=$((tries + 1))
    [ $tries -lt 200 ] || fail "no dumps by interval"
    sleep 0.05
done
pid=$(find "$work/d" -name '*.1.*.pb.gz' | sed 's/.*subject\.\([0-9]*\)\..*/\1/')
kill -USR2 "$pid"
tries=0
while [ "$(find "$work/d" -name '*.signal.pb.gz' | wc -l)" -lt 1 ]; do
    tries=$((tries + 1))
    [ $tries -lt 200 ] || fail "no dump by signal"
    sleep 0.05
done
exec 3>&-
wait $job || fail "status $?"
expect_quiet
expect_files '.heaptap*' 0
expect_files '*.exit.pb.gz' 0
[ "$(HEAPTAP_DUMP_ON=signal:USR2 run "$subject" own-signal)" = 1 ] || fail "the program's own handler must win"

fresh # rotation: only our own files, the newest stay
echo mine >"$work/d/subject.0.1.interval.pb.gz"
rm "$work/in"
mkfifo "$work/in"
HEAPTAP_DUMP_INTERVAL=20ms HEAPTAP_DUMP_KEEP=3 run "$subject" wait <"$work/in" &
job=$!
exec 3>"$work/in"
tries=0
while [ -z "$(find "$work/d" -name '*.interval.pb.gz' | grep -E '\.([89]|[0-9]{2,})\.interval')" ]; do
    tries=$((tries + 1))
    [ $tries -lt 300 ] || fail "no eighth dump"
    sleep 0.02
done
exec 3>&-
wait $job || fail "status $?"
expect_files '*.pb.gz' 4
expect_files '*.exit.pb.gz' 1
[ "$(cat "$work/d/subject.0.1.interval.pb.gz")" = mine ] || fail "another's file was touched"

fresh # what cannot be written
echo old >"$work/d/target"
ln -s target "$work/d/link"
HEAPTAP_DUMP="$work/d/link" run "$subject" || fail "status $?"
expect_line "cannot write profile '$work/d/link': it is a symbolic link"
[ "$(cat "$work/d/target")" = old ] || fail "overwritten through a link"
[ -L "$work/d/link" ] || fail "the link was replaced"
HEAPTAP_DUMP="$work/none/x" run "$subject" || fail "status $?"
expect_line "cannot write profile '$work/none/x': No such file or directory"
HEAPTAP_DUMP="$work/d" run "$subject" || fail "status $?"
expect_line "it exists and is not a regular file"
HEAPTAP_DUMP=/proc/heaptap.pb.gz run "$subject" || fail "status $?"
expect_line "cannot write profile '/proc/heaptap.pb.gz'"
(ulimit -f 0 && HEAPTAP_DUMP="$work/d/big" run "$subject") || fail "status $? at a size limit"
expect_files '*' 1
if mount -t tmpfs -o size=4k none "$work/d" 2>/dev/null; then
    head -c 4096 /dev/zero >"$work/d/filler"
    HEAPTAP_DUMP="$work/d/full" run "$subject" || fail "status $?"
    expect_line "cannot write profile '$work/d/full': No space left on device"
    [ "$(ls -A "$work/d")" = filler ] || fail "something was left on the full disk"
    rm "$work/d/filler"
    mount -o remount,ro "$work/d"
    HEAPTAP_DUMP="$work/d/ro" run "$subject" || fail "status $?"
    umount "$work/d"
    expect_line "cannot write profile '$work/d/ro': Read-only file system"
fi
