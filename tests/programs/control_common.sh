# Sourced by the tests of the control socket, after common.sh.
#
#   begin COMMAND    in the background with a pipe as its input; $pid is the program's
#   end              closes the pipe and waits; the program must end well
#   client ...       control_client.py
need cc python3
heaptap=$HEAPTAP_BUILD/heaptap
client() { python3 "$HEAPTAP_SOURCE/tests/programs/control_client.py" "$@"; }
cc -O1 -fno-builtin -o "$work/subject" "$HEAPTAP_SOURCE/tests/programs/control_subject.c" || fail "cannot compile"
subject=$work/subject
sockets=$work/runtime/heaptap
mkfifo "$work/in"

begin() {
    : >"$work/out"
    "$@" <"$work/in" >"$work/out" 2>"$work/err" &
    started_pid=$! pid=$!
    exec 3>"$work/in"
    wait_until grep -q ready "$work/out" || fail "'$*' does not start: $(cat "$work/err")"
}
end() {
    exec 3>&-
    wait "$started_pid" || fail "the program ended with $?: $(cat "$work/err")"
    started_pid=
}
quiet() { [ ! -s "$work/err" ] || fail "output on stderr: $(cat "$work/err")"; }
threads() { ls "/proc/$pid/task" | wc -l; }
# heaptap_fails TEXT ARGS: exit 2 and that text.
heaptap_fails() {
    text=$1
    shift
    "$heaptap" "$@" >"$work/ht.out" 2>"$work/ht.err"
    status=$?
    [ $status = 2 ] || fail "'heaptap $*' ended with $status, not 2"
    grep -qF -- "$text" "$work/ht.err" || fail "'heaptap $*' says: $(cat "$work/ht.err")"
    [ ! -s "$work/ht.out" ] || fail "'heaptap $*' writes to standard output"
}
