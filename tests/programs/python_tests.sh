#!/bin/sh
# Python's own tests of json, dict and threading give the same verdict, test by test, under the library.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
python=/usr/bin/python3 # the distribution's, whatever else is in PATH
[ -x $python ] || skip "no $python here"
$python -c 'import test.test_json, test.test_dict, test.test_threading' 2>/dev/null || skip "no test suite of $python here"
export PYTHONMALLOC=malloc TMPDIR="$work"

# The names and verdicts of a verbose run; threads may finish in any order.
verdicts() {
    grep -E '^test_.* \.\.\. (ok|FAIL|ERROR|skipped|expected failure)' "$1" | sort
    grep -E '^Tests result:' "$1"
}

cd "$work" || exit 1
for mode in $modes; do
    $mode $python -m test -v test_json test_dict test_threading >"$work/$mode.out" 2>&1 ||
        { tail -n 30 "$work/$mode.out" >&2 && fail "the tests fail $mode"; }
    verdicts "$work/$mode.out" >"$work/$mode.verdicts"
    must_be_same "the list of verdicts" "$work/plain.verdicts" "$work/$mode.verdicts"
done
[ "$(wc -l <"$work/plain.verdicts")" -gt 400 ] || fail "only $(wc -l <"$work/plain.verdicts") tests were seen"
must_have_profile 'python3*'
