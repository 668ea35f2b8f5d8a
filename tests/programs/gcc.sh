#!/bin/sh
# gcc compiles a generated file of 5,000 lines to the same bytes under the library.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
need gcc

awk 'BEGIN {
    print "struct node { struct node *next; unsigned long value; };"
    for (i = 0; i < 625; i++) {
        printf "unsigned long work_%d(const struct node *n, unsigned long a) {\n", i
        printf "    unsigned long t = a * %dul + %dul;\n", 2 * i + 1, i % 97
        printf "    for (; n; n = n->next) {\n"
        printf "        if ((n->value ^ t) & %dul) t += n->value << %d;\n", i + 1, i % 31
        printf "        else t = t * 31 + %s;\n", (i ? "work_" (i - 1) "(n->next, t & 3)" : "n->value")
        printf "    }\n    return t;\n}\n"
    }
}' >"$work/big.c"
[ "$(wc -l <"$work/big.c")" -ge 5000 ] || fail "the generated file is too short"

cd "$work" || exit 1
for mode in $modes; do
    $mode gcc -O2 -g -c -o big.o big.c || fail "gcc $mode"
    mv big.o "big.$mode.o"
done
must_be_same "the object file" big.plain.o big.preloaded.o
must_be_same "the object file" big.plain.o big.sampled.o
must_have_profile cc1
