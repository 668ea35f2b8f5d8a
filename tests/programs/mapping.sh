#!/bin/sh
# The mappings of a profile are those of what was loaded, by the build ids in memory: after the program's file and a library's
# have been replaced, after the working directory has changed, and for libraries that come and go, in turn at one address.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
need gcc python3 readelf
here=$HEAPTAP_SOURCE/tests/programs
build_id() { readelf -n "$1" | sed -n 's/.*Build ID: *//p'; }

# run SETTING: makes the files anew, since the subject replaces them, and runs it.
run() {
    for number in 1 2 3 4; do
        gcc -DROOM=$((number * 1000)) -O1 -fomit-frame-pointer -fno-builtin -shared -fPIC -Wl,--build-id=sha1 \
            -o "$work/plugin.$number.so" "$here/storm_plugin.c" || fail "cannot compile storm_plugin.c"
    done
    for flags in -O1 -O2; do
        gcc -D_GNU_SOURCE $flags -w -fno-builtin -Wl,--build-id=sha1 -o "$work/subject$flags" "$here/mapping_subject.c" -ldl ||
            fail "cannot compile mapping_subject.c"
    done
    ids="$(build_id "$work/subject-O1") $(build_id "$work/plugin.1.so") $(build_id "$work/plugin.3.so") $(build_id "$work/plugin.4.so")"
    [ "$(echo "$ids" | wc -w)" = 4 ] || fail "no build ids"
    cd "$work" || exit 1
    env "$1" HEAPTAP_DUMP="$work/profile.pb.gz" LD_PRELOAD="$library" ./subject-O1 ./plugin.1.so ./plugin.2.so ./subject-O2 \
        "$work/plugin.3.so" "$work/plugin.4.so" || fail "mapping_subject: $?"
    [ ! -e plugin.2.so ] && [ ! -e subject-O2 ] || fail "nothing was replaced"
}

export PYTHONDONTWRITEBYTECODE=1
SUBJECT_LATE=1
export SUBJECT_LATE
run HEAPTAP_MEMPROFILERATE=0
(cd "$here" && python3 - "$work" "${ids%% *}") <<'PYTHON' || fail "the program's mapping is wrong where its file was replaced before"
import sys
from profile_reader import Profile

profile = Profile(f"{sys.argv[1]}/profile.pb.gz")
program = profile.mappings[0]
print(profile.strings[program[5]], profile.strings[program[6]])
assert profile.strings[program[5]] == f"{sys.argv[1]}/subject-O1"
assert profile.strings[program[6]] == sys.argv[2]
assert len(profile.samples) > 0
PYTHON
unset SUBJECT_LATE
run HEAPTAP_MEMPROFILERATE=1
# shellcheck disable=SC2086 # words
cd "$here" && python3 - "$work" $ids <<'PYTHON' || fail "a mapping is wrong"
import collections, sys
from profile_reader import Profile

work, ids = sys.argv[1], sys.argv[2:]
profile = Profile(f"{work}/profile.pb.gz")
rows = collections.defaultdict(list)
for mapping in profile.mappings:
    rows[profile.strings[mapping[5]]].append(mapping)
samples = collections.Counter()  # allocations by the file that made them, in whole stacks of the loop
main = profile.mappings[0][1]
by_id = {m[1]: profile.strings[m[5]] for m in profile.mappings}
for sample in profile.samples:
    places = [by_id.get(profile.addresses[location][1]) for location in sample.locations]
    if places[0] and "plugin." in places[0] and places.count(by_id[main]) >= 3 and sample.values[0] >= 20:
        samples[places[0].rsplit("/", 1)[-1]] += sample.values[0]
print({name.rsplit("/", 1)[-1]: len(found) for name, found in rows.items()}, dict(samples))
expected = [f"{work}/subject-O1", f"{work}/./plugin.1.so", f"{work}/plugin.3.so", f"{work}/plugin.4.so"]
assert by_id[main] == expected[0], "the program is not first"
for path, build_id in zip(expected, ids):
    assert path in rows, f"no mapping of {path}"
    assert {profile.strings[m[6]] for m in rows[path]} == {build_id}, f"not the build id of what was loaded: {path}"
assert len(rows[expected[0]]) == 1 and len(rows[expected[1]]) == 1, "a row twice"
# Fifty times at one place are one row; then two in turn.
assert len(rows[expected[2]]) <= 6 and len(rows[expected[3]]) == 5, "rows for each time"
assert samples == {"plugin.1.so": 40, "plugin.3.so": 20 * 56, "plugin.4.so": 20 * 5}, "allocations of another library"
assert not any(" (deleted)" in path for path in rows)
PYTHON
