# Sourced by the tests of the completions. complete_in SHELL: the answers of one shell to tests/golden/completion/cases
# are those of SHELL.txt beside it; UPDATE=1 writes them anew.
set -u
golden=$HEAPTAP_SOURCE/tests/golden/completion
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
export LC_ALL=C.UTF-8
unset COMPLETIONS ZDOTDIR BASH_ENV ENV INPUTRC || true

complete_in() {
    for program in "$1" python3; do
        command -v "$program" >/dev/null 2>&1 || { echo "skipped: no $program here"; exit 77; }
    done
    "$HEAPTAP_BUILD/heaptap" ps | head -n 1 | grep -q '^ *PID  PROGRAM ' || { echo "another form of 'heaptap ps'"; exit 1; }
    PYTHONDONTWRITEBYTECODE=1 python3 "$HEAPTAP_SOURCE/tests/cli/completion_drive.py" "$1" "$HEAPTAP_BUILD/completions" \
        <"$golden/cases" >"$work/answers" || exit 1
    if [ "${UPDATE:-}" = 1 ]; then
        cp "$work/answers" "$golden/$1.txt"
    fi
    diff -u "$golden/$1.txt" "$work/answers"
}
