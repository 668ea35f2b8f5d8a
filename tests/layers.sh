#!/bin/sh
# The rule of the layers, read from the #include "..." lines of a tree. Fails on an edge that `allowed` does not
# have, on headers that include each other in a circle, on a quoted include that names no file from the root, and on
# two sources of one name. First it plants each of these mistakes in a small tree and demands to be told.
#
#   layers.sh           the self-test, then the tree that this script is part of
#   layers.sh DIR       that tree alone
set -eu

check_tree() { # DIR
    (cd "$1" && find . \( -name build -o -name '.?*' \) -prune -o -type f -name '*.*' -print |
        sed 's,^\./,,' | LC_ALL=C sort | awk '
    BEGIN {
        allowed["base"] = ""
        allowed["include"] = ""
        allowed["alloc"] = " base "
        allowed["proto"] = " base "
        allowed["profiler"] = " alloc proto base "
        allowed["serve"] = " profiler base "
        allowed["symbolizer"] = " proto base "
        allowed["diff"] = " symbolizer proto base "
        allowed["cli"] = " proto base "
    }
    function layer(path) { return substr(path, 1, index(path, "/") - 1) }
    function fail(text) { print text; failed = 1 }
    function read_includes(path,    line, from, to) {
        from = layer(path)
        while ((getline line < path) > 0) {
            if (line !~ /^[ \t]*#[ \t]*include[ \t]*"/) continue
            split(line, part, "\"")
            to = part[2]
            if (!(to in exists) && ("include/" to) in exists) to = "include/" to
            if (!(to in exists)) {
                if (from in allowed && to !~ /\.pb-c\.h$/) fail(path ": no file \047" to "\047 from the root")
                continue
            }
            if (from in allowed && layer(to) != from && layer(to) != "include" &&
                !index(allowed[from], " " layer(to) " "))
                fail(path ": \047" from "\047 may not include \047" to "\047")
            if (to ~ /\.c$/) fail(path ": includes a .c file, \047" to "\047")
            edges[path] = edges[path] " " to
        }
        close(path)
    }
    # mark: 1 on the way down, 2 done.
    function visit(path, trail,    targets, n, i) {
        if (mark[path] == 1) fail("circle of includes:" trail " " path)
        if (mark[path]) return
        mark[path] = 1
        n = split(edges[path], targets, " ")
        for (i = 1; i <= n; i++) visit(targets[i], trail " " path)
        mark[path] = 2
    }
    /\.(c|h|cc|cpp|py|sh)$/ {
        exists[$0] = 1
        files[++count] = $0
        name = $0
        sub(/.*\//, "", name)
        if (name in first) fail("two files are called \047" name "\047: " first[name] ", " $0)
        else first[name] = $0
    }
    END {
        for (i = 1; i <= count; i++) if (files[i] ~ /\.(c|h|cc|cpp)$/) read_includes(files[i])
        for (i = 1; i <= count; i++) visit(files[i], "")
        exit failed
    }')
}

# Plants one file with one line in a good tree and expects the text in the answer.
expect_mistake() { # FILE LINE TEXT
    rm -rf "$work/tree"
    mkdir -p "$work/tree/base" "$work/tree/alloc" "$work/tree/proto" "$work/tree/tests/unit"
    echo '#include "base/low.h"' >"$work/tree/alloc/mid.h"
    echo '#include "alloc/mid.h"' >"$work/tree/tests/unit/any.c"
    : >"$work/tree/base/low.h"
    check_tree "$work/tree" || { echo "layers: self-test: a good tree fails"; exit 1; }
    echo "$2" >"$work/tree/$1"
    if found=$(check_tree "$work/tree") || ! echo "$found" | grep -qF "$3"; then
        echo "layers: self-test: '$2' in $1 is not found out: $found"
        exit 1
    fi
}

if [ $# -gt 0 ]; then
    check_tree "$1"
    exit
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
expect_mistake base/up.c '#include "alloc/mid.h"' "'base' may not include 'alloc/mid.h'"
expect_mistake proto/side.c '  # include "alloc/mid.h"' "'proto' may not include 'alloc/mid.h'"
expect_mistake alloc/gone.c '#include "mid.h"' "no file 'mid.h' from the root"
expect_mistake base/low.h '#include "alloc/mid.h"' 'circle of includes:'
expect_mistake proto/mid.h '' "two files are called 'mid.h'"
expect_mistake alloc/part.c '#include "tests/unit/any.c"' 'includes a .c file'
check_tree "$(dirname "$0")/.."
