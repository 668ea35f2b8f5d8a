#!/bin/sh
# git gc leaves the same objects, and a repository that fsck finds whole, under the library.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
need git
export HOME="$work" GIT_CONFIG_NOSYSTEM=1

# 300 commits on 60 files with lines that repeat, so that there are deltas to find.
commits() {
    awk 'BEGIN {
        for (c = 1; c <= 300; c++) {
            printf "commit refs/heads/main\ncommitter T <t@example.invalid> %d +0000\ndata 2\nc\n", 1600000000 + c
            for (f = c % 7; f < 60; f += 7) {
                text = ""
                for (l = 0; l < 80; l++)
                    text = text "line " l " of file " f " as of " (l % 9 ? "ever" : c * (l + 1)) "\n"
                printf "M 644 inline dir%d/file%d.txt\ndata %d\n%s\n", f % 5, f, length(text), text
            }
        }
    }'
}

git init -q "$work/origin" || fail "git init"
commits | git -C "$work/origin" fast-import --quiet || fail "git fast-import"
# fast-import packs; loose objects are what gc has most to do with.
mv "$work"/origin/.git/objects/pack/*.pack "$work/seed.pack" && rm -f "$work"/origin/.git/objects/pack/*
git -C "$work/origin" unpack-objects -q <"$work/seed.pack" || fail "git unpack-objects"

for mode in $modes; do
    cp -r "$work/origin" "$work/$mode"
    $mode git -C "$work/$mode" -c pack.threads=2 gc --quiet --aggressive --prune=now 2>"$work/$mode.err" ||
        fail "git gc $mode: $(cat "$work/$mode.err")"
    [ ! -s "$work/$mode.err" ] || fail "git gc $mode said: $(cat "$work/$mode.err")"
    git -C "$work/$mode" fsck --full --strict >"$work/$mode.fsck" 2>&1 || fail "git fsck after gc $mode"
    git -C "$work/$mode" rev-list --objects --all | sort >"$work/$mode.objects"
    git -C "$work/$mode" count-objects -v | grep -E '^(count|in-pack|packs|garbage)' >>"$work/$mode.objects"
    must_be_same "the list of objects" "$work/plain.objects" "$work/$mode.objects"
    must_be_same "what fsck says" "$work/plain.fsck" "$work/$mode.fsck"
done
[ "$(wc -l <"$work/plain.objects")" -gt 1000 ] || fail "the generated repository is too small"
must_have_profile git
