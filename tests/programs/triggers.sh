#!/bin/sh
# HEAPTAP_DUMP_ON: a new peak and growth, by programs whose heap does it; the reason in the name; nothing when it is not
# asked for or does not happen; not without end.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
. "$HEAPTAP_SOURCE/tests/programs/trigger_common.sh"

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
