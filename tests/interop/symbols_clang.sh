#!/bin/sh
# The forms that only clang makes: lines without functions, inlined calls kept beside split ones, thin link-time optimization.
. "$HEAPTAP_SOURCE/tests/interop/symbols_common.sh"
need clang++ llvm-symbolizer

probe lines 7 clang++ -O2 -gline-tables-only
probe split 7 clang++ -O2 -g -gsplit-dwarf -fsplit-dwarf-inlining
if can clang++ -flto=thin -fuse-ld=lld; then
    probe thin 7 clang++ -O2 -g -flto=thin -fuse-ld=lld
fi
