#!/bin/sh
# heapdiff trend on a real process: a leak of known speed is found, its interval holds the speed, and nothing else is said
# to leak; the leak is found in each of several processes too, and damaged files are left out.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
need cc python3
seconds=6 speed=2097152
cc -O1 -g -fno-builtin "$HEAPTAP_SOURCE/tests/programs/trend_subject.c" -o "$work/subject" || fail "no subject"
mkdir "$work/dumps"

run() {
    env LD_PRELOAD="$library" HEAPTAP_MEMPROFILERATE=32KiB HEAPTAP_DUMP="$work/dumps/%p.%n.pb.gz" HEAPTAP_DUMP_ON= \
        HEAPTAP_DUMP_INTERVAL=250ms "$work/subject" "$1" $speed >"$work/leaked"
}

trend() {
    "$HEAPTAP_BUILD/heapdiff" trend --no-symbolize "$@" 2>"$work/err" || fail "heapdiff trend $*: $(cat "$work/err")"
}

run 2 || fail "the first process failed"
run $seconds || fail "the second process failed"
: >"$work/dumps/empty.pb.gz"
newest=$(ls -t "$work"/dumps/*.*.pb.gz | head -n 1)
head -c 300 "$newest" >"$work/dumps/cut.pb.gz"
echo "not a profile" >"$work/dumps/notes.txt"

"$HEAPTAP_BUILD/heapdiff" trend --format json "$work/dumps" >"$work/newest.json" 2>"$work/err" || fail "$(cat "$work/err")"
[ "$(grep -c 'warning: skipped: ' "$work/err")" = 2 ] || fail "two files were to be skipped: $(cat "$work/err")"
grep -q notes "$work/err" && fail "a file that is no profile by its name was read"
"$HEAPTAP_BUILD/heapdiff" trend --format json --process all "$work/dumps" >"$work/all.json" 2>/dev/null || fail "all"
python3 - "$work" $speed <<'END' || fail "the trend is not what the program did"
import json, sys
work, speed = sys.argv[1], float(sys.argv[2]) * 3600
newest, everything = (json.load(open("%s/%s.json" % (work, name))) for name in ("newest", "all"))
assert len(newest["processes"]) == 2 and newest["skipped"] == 2, newest["processes"]
assert newest["processes"][1]["used"] and not newest["processes"][0]["used"]
assert len(newest["files"]) >= 15, len(newest["files"])
for report in newest, everything:
    rows = {row["name"]: row for row in report["rows"]}
    for name, row in rows.items():
        print(name, row["verdict"], [round(row[key] / 1e6) for key in ("low", "slope", "high")])
    leak = rows["leak"]
    assert leak["verdict"] == "leaks", leak
    # Wider than the interval of 95%: a test must not fail one time in twenty.
    reach = 1.8 * max(leak["high"] - leak["slope"], leak["slope"] - leak["low"])
    assert abs(leak["slope"] - speed) < reach and reach < speed, (leak["slope"], reach, speed)
    assert rows["cache"]["verdict"] in ("noise", "falls", "rises"), rows["cache"]
    assert abs(rows["cache"]["slope"]) < speed / 2, rows["cache"]
    assert [row["name"] for row in report["rows"] if row["verdict"] == "leaks"] == ["leak"], report["rows"]
assert rows["leak"]["steps"] > newest["rows"][0]["steps"]
END

trend --limit 1GiB "$work/dumps" >"$work/table"
grep -Eq '^inuse_space  [0-9]+ files over .* process [0-9]+, rate 32Ki, limit 1.00Gi$' "$work/table" ||
    fail "title: $(cat "$work/table")"
grep -q 'files of 1 other process are not looked at' "$work/table" || fail "note: $(cat "$work/table")"
grep -Eq ' [0-9]+m \([0-9]+m-[0-9]+m\) .* leaks +subject\+0x' "$work/table" || fail "row: $(cat "$work/table")"
pid=${newest##*/}
trend --process "${pid%%.*}" "$work/dumps" | grep -q "process ${pid%%.*}," || fail "a process by its id"
for words in '--process nobody' '--format proto'; do
    # shellcheck disable=SC2086
    "$HEAPTAP_BUILD/heapdiff" trend $words "$work/dumps" >/dev/null 2>"$work/err" && fail "trend $words passed"
    [ "$(grep -c '^heapdiff: [^w]' "$work/err")" = 1 ] || fail "trend $words: $(cat "$work/err")"
done
