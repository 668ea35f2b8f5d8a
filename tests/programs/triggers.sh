#!/bin/sh
# HEAPTAP_DUMP_ON: a new peak, growth, and the limits of the heap, the process and the control group, each by a program
# whose heap does it; the reason in the name; nothing when it is not asked for or does not happen; not without end.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
need cc
subject=$work/subject
cc -O1 -fno-builtin -o "$subject" "$HEAPTAP_SOURCE/tests/programs/trigger_subject.c" || fail "cannot compile"

# run TRIGGERS COMMAND...: to its end, or SECONDS after it has grown; the files are in $work/d.
SECONDS_MORE=1.2
run() {
    rm -rf "$work/d" && mkdir "$work/d"
    on=$1
    shift
    (sleep_until_grown) | env LD_PRELOAD="$library" HEAPTAP_DUMP="$work/d/%e.%p.%n.%r.pb.gz" HEAPTAP_DUMP_ON="$on" "$@" \
        >"$work/out" 2>"$work/err" || fail "'$*' on $on ended badly: $(cat "$work/err")"
    [ ! -s "$work/err" ] || fail "output on stderr on $on: $(cat "$work/err")"
}
sleep_until_grown() {
    : >"$work/out"
    wait_until grep -q grown "$work/out"
    sleep $SECONDS_MORE
}
count() { find "$work/d" -type f -name "$1" | wc -l; }
expect() { # PATTERN LEAST MOST
    found=$(count "$1")
    [ "$found" -ge "$2" ] && [ "$found" -le "$3" ] || fail "$on: $found files '$1', not $2 to $3: $(ls -A "$work/d")"
}
# in_use FILE: MiB that the profile has in use.
in_use() {
    "$HEAPTAP_BUILD/heapdiff" --no-symbolize --sample inuse_space --format json "$1" >"$work/json" || fail "heapdiff $1"
    python3 -c 'import json, sys; print(round(json.load(open(sys.argv[1]))["profile"]["total"] / 2**20))' "$work/json"
}

run exit "$subject" grow 64 0 # nothing but what was asked for
expect '*' 1 1
expect 'subject.*.1.exit.pb.gz' 1 1

run growth:64MiB "$subject" grow 200 10000 # 200 MiB in two seconds and more
expect '*' 3 3
expect 'subject.*.[123].growth.pb.gz' 3 3
run growth:64MiB "$subject" grow 60 0
expect '*' 0 0
run growth:64MiB "$subject" swing 40 4 200 # comes back to where it was: that is no growth
expect '*' 0 0
run growth:30MiB "$subject" swing 40 4 200
expect '*' 1 1
HEAPTAP_DUMP_INTERVAL=100ms run growth:16MiB "$subject" grow 100 20000 # another dump counts as one
expect '*.growth.pb.gz' 0 2
expect '*.interval.pb.gz' 5 99

run peak:50% "$subject" grow 100 10000
expect '*' 5 10
expect 'subject.*.peak.pb.gz' 5 10
run peak:50% "$subject" swing 40 4 200 # the second time is no new peak
expect '*' 1 8
run peak:1% "$subject" grow 400 5000 # each reason ten files at once, and then one in half a minute
expect '*' 10 11

HEAPTAP_MEMLIMIT=100MiB run limit:90% "$subject" grow 85 1000
expect '*' 0 0
HEAPTAP_MEMLIMIT=100MiB run limit:90% "$subject" grow 120 1000
expect '*' 1 1
expect 'subject.*.1.limit.pb.gz' 1 1
# A fast rise is not overlooked: the profile is of before the limit was passed by much.
mib=$(in_use "$work"/d/*.limit.pb.gz) || exit 1
[ "$mib" -ge 80 ] && [ "$mib" -le 125 ] || fail "near a limit of 100 MiB the profile has $mib MiB"
HEAPTAP_MEMLIMIT=100MiB run limit:50% "$subject" swing 70 3 1100 # it was left again, each time
expect '*' 3 3
HEAPTAP_MEMLIMIT=100MiB run limit:90%,growth:40MiB,exit "$subject" grow 120 5000
expect '*.exit.pb.gz' 1 1
expect '*.limit.pb.gz' 1 1
expect '*.growth.pb.gz' 1 3
run limit:90% "$subject" grow 20 0 # no limit to be near to, or far from it
expect '*' 0 0

limited() { # ULIMIT-OPTION KIB COMMAND...
    (ulimit "$1" "$2" && shift 2 && run "$@") || exit 1
}
on='limit:90% under ulimit'
limited -d 204800 limit:90% "$subject" grow 190 2000
expect '*.limit.pb.gz' 1 1
limited -d 409600 limit:90% "$subject" grow 190 0
expect '*' 0 0
limited -v 1048576 limit:90% "$subject" grow 100 0 # what the addresses that the heap reserves come to is far below
expect '*' 0 0

# A real control group, where this user may make one.
group=
for folder in /sys/fs/cgroup/memory /sys/fs/cgroup; do
    [ -z "$group" ] && mkdir "$folder/heaptap-test-$$" 2>/dev/null || continue
    group=$folder/heaptap-test-$$
done
if [ -n "$group" ]; then
    trap 'rmdir "$group" 2>/dev/null; clean_up' EXIT
    limit_file=$group/memory.max
    [ -e "$limit_file" ] || limit_file=$group/memory.limit_in_bytes
    if echo 150M >"$limit_file" 2>/dev/null; then
        # shellcheck disable=SC2016 # the inner shell's pid
        run limit:80% sh -c 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"' sh "$group" "$subject" grow 130 2000
        expect 'subject.*.limit.pb.gz' 1 1
        # shellcheck disable=SC2016
        run limit:80% sh -c 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"' sh "$group" "$subject" grow 60 0
        expect '*' 0 0
        # What files are cached does not count.
        # shellcheck disable=SC2016
        run limit:80% sh -c 'echo $$ >"$1/cgroup.procs" && head -c 140M /dev/zero >"$2" && shift 2 && exec "$@"' \
            sh "$group" "$work/cached" "$subject" grow 20 0
        expect '*' 0 0
    else
        echo "no memory controller in $group"
    fi
else
    echo "no control group can be made here"
fi
