#!/bin/sh
# A dump that cannot be written: one line on stderr, the program goes on to the same end, nothing that was there is
# overwritten, and no temporary file stays.
if [ "${1:-}" != in-namespace ]; then
    # File systems that are full or read-only are mounted in a namespace of our own, where that is possible.
    for way in 'unshare -m' 'unshare -r -m'; do
        # shellcheck disable=SC2086 # two words
        if $way mount -t tmpfs -o size=64k none /mnt 2>/dev/null; then
            exec $way "$0" in-namespace mounts
        fi
    done
    exec "$0" in-namespace no-mounts
fi
mounts=$2
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
need gcc
gcc -O1 -o "$work/probe" "$HEAPTAP_SOURCE/tests/programs/dump_probe.c" || fail "cannot compile dump_probe.c"

run_probe() {
    env LD_PRELOAD="$library" HEAPTAP_MEMPROFILERATE=1 "$@" "$work/probe" >"$work/out" 2>"$work/err" </dev/null
    status=$?
    [ $status = 7 ] || fail "$case: the program ended with $status: $(cat "$work/err")"
    [ "$(cat "$work/out")" = "$(printf 'ready\ndone')" ] || fail "$case: the program printed: $(cat "$work/out")"
}

# must_refuse CASE FILE REASON: the dump at exit to FILE fails with one line that names FILE and REASON.
must_refuse() {
    case=$1
    run_probe HEAPTAP_DUMP="$2"
    [ "$(wc -l <"$work/err")" = 1 ] || fail "$case: not one line on stderr: $(cat "$work/err")"
    grep -q "^heaptap: .*'$2': $3" "$work/err" || fail "$case: the line is: $(cat "$work/err")"
}

# must_be_alone FOLDER NAMES: nothing else is in it.
must_be_alone() {
    [ "$(ls -A "$1" | tr '\n' ' ')" = "$2" ] || fail "$case: there is now $(ls -A "$1" | tr '\n' ' ')"
}

# That the very same way works, so that what fails below fails for its reason.
case='a good folder'
mkdir "$work/good"
run_probe HEAPTAP_DUMP="$work/good/p.%n.pb.gz"
[ ! -s "$work/err" ] || fail "$case: $(cat "$work/err")"
must_be_alone "$work/good" 'p.1.pb.gz '

must_refuse 'missing folder' "$work/none/p.pb.gz" 'No such file or directory'
[ ! -e "$work/none" ] || fail "$case: it was made"

echo 'a file' >"$work/file"
must_refuse 'a file as folder' "$work/file/p.pb.gz" 'Not a directory'
[ "$(cat "$work/file")" = 'a file' ] || fail "$case: the file was changed"

mkdir "$work/links" "$work/victims"
echo 'precious' >"$work/victims/file"
ln -s "$work/victims/file" "$work/links/p.pb.gz"
must_refuse 'a symlink to a file' "$work/links/p.pb.gz" ''
[ -L "$work/links/p.pb.gz" ] || fail "$case: the link was replaced"
[ "$(cat "$work/victims/file")" = precious ] || fail "$case: its target was overwritten"
must_be_alone "$work/links" 'p.pb.gz '

ln -s "$work/victims/new" "$work/links/dangling.pb.gz"
must_refuse 'a symlink to nothing' "$work/links/dangling.pb.gz" ''
must_be_alone "$work/links" 'dangling.pb.gz p.pb.gz '
must_be_alone "$work/victims" 'file '

mkdir "$work/odd" "$work/odd/folder.pb.gz"
must_refuse 'a folder of that name' "$work/odd/folder.pb.gz" ''
mkfifo "$work/odd/fifo.pb.gz"
must_refuse 'a fifo of that name' "$work/odd/fifo.pb.gz" ''
[ -p "$work/odd/fifo.pb.gz" ] || fail "$case: it was replaced"
must_be_alone "$work/odd" 'fifo.pb.gz folder.pb.gz '

# The program goes on, and so does the profiler: once the cause is gone, the next dump is written.
case='a cause that goes away'
mkfifo "$work/input"
env LD_PRELOAD="$library" HEAPTAP_MEMPROFILERATE=1 HEAPTAP_DUMP="$work/later/p.%n.pb.gz" HEAPTAP_DUMP_ON=signal:USR2 \
    "$work/probe" >"$work/out" 2>"$work/err" <"$work/input" &
started_pid=$!
exec 9>"$work/input"
wait_until grep -q ready "$work/out" || fail "$case: the program does not start"
kill -USR2 "$started_pid"
wait_until test -s "$work/err" || fail "$case: no line on stderr"
mkdir "$work/later"
kill -USR2 "$started_pid"
wait_until sh -c "ls '$work'/later/p.*.pb.gz" || fail "$case: no profile after the folder is there"
exec 9>&-
wait "$started_pid"
status=$?
started_pid=
[ $status = 7 ] || fail "$case: the program ended with $status"
[ "$(wc -l <"$work/err")" = 1 ] || fail "$case: not one line on stderr: $(cat "$work/err")"

# Many failures are not many lines.
case='many failures'
mkfifo "$work/input2"
env LD_PRELOAD="$library" HEAPTAP_DUMP="$work/none/p.%n.pb.gz" HEAPTAP_DUMP_INTERVAL=20ms \
    "$work/probe" >"$work/out" 2>"$work/err" <"$work/input2" &
started_pid=$!
exec 9>"$work/input2"
sleep 1
exec 9>&-
wait "$started_pid" && fail "$case: the program ended with 0"
started_pid=
lines=$(wc -l <"$work/err")
[ "$lines" -ge 1 ] && [ "$lines" -le 3 ] || fail "$case: $lines lines on stderr within a second"

if [ "$mounts" = no-mounts ]; then
    echo "no mounts here: a full and a read-only file system were not tried"
    exit 0
fi
mkdir "$work/full" "$work/readonly"
mount -t tmpfs -o size=64k none "$work/full" || fail "cannot mount a small tmpfs"
mount -t tmpfs -o size=64k,ro none "$work/readonly" || fail "cannot mount a read-only tmpfs"
umount_both() { umount "$work/full" "$work/readonly" 2>/dev/null; }
trap 'umount_both; clean_up' EXIT

dd if=/dev/zero of="$work/full/filler" bs=4k count=64 2>/dev/null
must_refuse 'a full disk' "$work/full/p.pb.gz" 'No space left on device'
must_be_alone "$work/full" 'filler '
must_refuse 'a read-only file system' "$work/readonly/p.pb.gz" 'Read-only file system'
must_be_alone "$work/readonly" ''
