#!/bin/sh
# The man pages: mandoc and groff have nothing to say against them, they name every option and variable that there is,
# and an installation has them and the completions.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
need cmake
export MANROFFOPT='' MANPAGER=cat PAGER=cat
for program in heapdiff heaptap; do
    page=$HEAPTAP_BUILD/man/$program.1
    [ -s "$page" ] || fail "no man page of $program"
    if command -v mandoc >/dev/null 2>&1; then
        mandoc -Tlint "$page" >"$work/lint" || fail "mandoc: $(head -n 5 "$work/lint")"
        [ ! -s "$work/lint" ] || fail "mandoc: $(head -n 5 "$work/lint")"
    else
        missing="$missing mandoc"
    fi
    if command -v groff >/dev/null 2>&1; then
        groff -man -ww -z -Tutf8 "$page" 2>"$work/warnings" || fail "groff fails on the page of $program"
        [ ! -s "$work/warnings" ] || fail "groff: $(head -n 5 "$work/warnings")"
        groff -man -Tascii -P-c -rLL=200n "$page" | sed 's/.\x08//g' >"$work/$program.txt"
    else
        missing="$missing groff"
    fi
done
[ -z "${missing:-}" ] || skip "not here:$missing"

# As a heading, with a sentence behind or below it.
is_told() {
    grep -A 1 -E -- "^ +$1( +[A-Z].*)?$" "$2" | tr '\n' ' ' | sed "s/^ *$1 *//" | grep -qE '^[A-Z][a-z ]'
}

# What -h lists, in each command.
for words in heapdiff 'heapdiff merge' 'heapdiff symbolize' heaptap 'heaptap run' 'heaptap ps' 'heaptap dump' 'heaptap rate' \
    'heaptap recover'; do
    # shellcheck disable=SC2086
    "$HEAPTAP_BUILD/"$words -h | grep -oE '^ +(-[a-z], )?--?[a-z][a-z_-]+( [A-Z.]+)?' | sed 's/^ *//' >"$work/options"
    [ -s "$work/options" ] || fail "'$words -h' lists no options"
    while read -r option; do
        is_told "$option" "$work/${words%% *}.txt" || fail "the page of ${words%% *} does not tell of $option"
    done <"$work/options"
done
strings -n 6 "$HEAPTAP_BUILD/libheaptap.so" | grep -xE 'HEAPTAP_[A-Z_]+' | sort -u >"$work/variables"
[ "$(wc -l <"$work/variables")" -ge 17 ] || fail "the library knows only: $(cat "$work/variables")"
while read -r variable; do
    is_told "$variable" "$work/heaptap.txt" || fail "the page does not tell of $variable"
    grep -q "^| .$variable. |" "$HEAPTAP_SOURCE/README.md" || fail "README.md does not tell of $variable"
done <"$work/variables"

prefix=$work/prefix
cmake --install "$HEAPTAP_BUILD" --prefix "$prefix" >"$work/log" 2>&1 || fail "cmake --install: $(tail -n 3 "$work/log")"
for program in heapdiff heaptap; do
    for file in man/man1/$program.1 bash-completion/completions/$program zsh/site-functions/_$program \
        fish/vendor_completions.d/$program.fish; do
        [ -s "$prefix/share/$file" ] || fail "no share/$file was installed"
    done
done
