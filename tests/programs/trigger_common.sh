# Sourced by the tests of HEAPTAP_DUMP_ON, after common.sh.
need cc
subject=$work/subject
cc -O1 -fno-builtin -o "$subject" "$HEAPTAP_SOURCE/tests/programs/trigger_subject.c" || fail "cannot compile"

# run TRIGGERS COMMAND...: to its end, or SECONDS_MORE after it has grown; the files are in $work/d.
SECONDS_MORE=1.2
run() {
    rm -rf "$work/d" "$work/out" && mkdir "$work/d"
    on=$1
    shift
    (sleep_until_grown) | env LD_PRELOAD="$library" HEAPTAP_DUMP="$work/d/%e.%p.%n.%r.pb.gz" HEAPTAP_DUMP_ON="$on" "$@" \
        >"$work/out" 2>"$work/err" || fail "'$*' on $on ended badly: $(cat "$work/err")"
    [ ! -s "$work/err" ] || fail "output on stderr on $on: $(cat "$work/err")"
}
sleep_until_grown() {
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
