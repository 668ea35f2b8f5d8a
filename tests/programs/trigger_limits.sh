#!/bin/sh
# HEAPTAP_DUMP_ON=limit: the soft limit of the heap, the limits of the process, and a real control group where one can be made.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
. "$HEAPTAP_SOURCE/tests/programs/trigger_common.sh"

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
