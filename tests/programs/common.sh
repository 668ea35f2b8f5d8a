# Sourced by the tests that run real programs. HEAPTAP_SOURCE and HEAPTAP_BUILD come from ctest.
#
#   $work            a folder of the test's own, removed at the end
#   plain CMD        runs CMD as it is
#   preloaded CMD    runs it under the library, at its default settings
#   sampled CMD      runs it under the library at 64KiB, with a profile of each process in $work/profiles at exit
#   modes            the three words, to loop over; a test must see the same in all of them
set -u
: "${HEAPTAP_SOURCE:?}" "${HEAPTAP_BUILD:?}"
library=$HEAPTAP_BUILD/libheaptap.so
modes='plain preloaded sampled'
unset LD_PRELOAD HEAPTAP_DUMP HEAPTAP_DUMP_ON HEAPTAP_DUMP_INTERVAL HEAPTAP_MEMPROFILERATE
unset HEAPTAP_CONTROL HEAPTAP_MEMLIMIT MAKEFLAGS CLICOLOR_FORCE # what a build may have set around us
export LC_ALL=C

work=$(mktemp -d) || exit 1
mkdir "$work/profiles"
mkdir -m 700 "$work/runtime" || exit 1
export XDG_RUNTIME_DIR="$work/runtime" # control sockets of the programs go there
started_pid=

clean_up() {
    stop_started KILL
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

skip() {
    echo "skipped: $*"
    exit 77
}

need() {
    for command_ in "$@"; do
        command -v "$command_" >/dev/null 2>&1 || skip "no $command_ here"
    done
}

plain() { "$@"; }
preloaded() { env LD_PRELOAD="$library" "$@"; }
sampled() {
    env LD_PRELOAD="$library" HEAPTAP_MEMPROFILERATE=64KiB HEAPTAP_DUMP="$work/profiles/%e.%p.%n.pb.gz" "$@"
}

# start MODE CMD: in the background, as $started_pid.
start() {
    case $1 in
    plain) shift && exec_started "$@" ;;
    preloaded) shift && exec_started env LD_PRELOAD="$library" "$@" ;;
    sampled)
        shift
        exec_started env LD_PRELOAD="$library" HEAPTAP_MEMPROFILERATE=64KiB \
            HEAPTAP_DUMP="$work/profiles/%e.%p.%n.pb.gz" "$@"
        ;;
    esac
}

exec_started() {
    "$@" >"$work/started.out" 2>"$work/started.err" </dev/null &
    started_pid=$!
}

# stop_started SIGNAL: its status.
stop_started() {
    [ -n "$started_pid" ] || return 0
    kill "-$1" "$started_pid" 2>/dev/null
    wait "$started_pid" 2>/dev/null
    set -- $?
    started_pid=
    return "$1"
}

# wait_until CMD: ten seconds at most.
wait_until() {
    tries=0
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ $tries -lt 200 ] || return 1
        sleep 0.05
    done
}

# must_be_same WHAT FILE FILE
must_be_same() {
    cmp -s "$2" "$3" && return
    diff "$2" "$3" | head -n 20 >&2
    fail "$1 differs: ${2##*/} and ${3##*/}"
}

# must_have_profile PATTERN: `sampled` left a profile of it, so that the run really was ours; heapdiff reads it.
must_have_profile() {
    # shellcheck disable=SC2231 # the name may be a pattern
    for profile in "$work"/profiles/$1.*.pb.gz; do
        [ -s "$profile" ] || fail "no profile of $1 was written"
        "$HEAPTAP_BUILD/heapdiff" --no-symbolize --format json "$profile" >"$work/profile.json" ||
            fail "heapdiff cannot read the profile of $1"
        return
    done
}
