#!/bin/sh
# At rate 1 the profile of known_sites.c is exact in all four views, by every way of unwinding, read by go tool pprof.
set -eu
command -v go >/dev/null && command -v python3 >/dev/null && command -v cc >/dev/null || exit 77
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc -g -O1 -fno-omit-frame-pointer -fno-builtin -pthread "$HEAPTAP_SOURCE/tests/programs/known_sites.c" -o "$work/sites"

for unwinder in eh libunwind fp; do
    HEAPTAP_MEMPROFILERATE=1 HEAPTAP_UNWINDER=$unwinder HEAPTAP_DUMP="$work/$unwinder.%n.pb.gz" \
        LD_PRELOAD="$HEAPTAP_BUILD/libheaptap.so" "$work/sites"
    go tool pprof -raw "$work/sites" "$work/$unwinder.1.pb.gz" >"$work/raw" 2>"$work/errors" ||
        { cat "$work/errors"; exit 1; }
    python3 - "$work/raw" "$unwinder" <<'PYTHON'
import re, sys
raw, unwinder = open(sys.argv[1]).read(), sys.argv[2]
expected = {  # (leaf function, slot size): alloc objects, in use objects
    ("site_malloc", 64): (300, 150), ("site_malloc", 1024): (300, 150),
    ("site_calloc", 2048): (40, 30), ("site_large", 1 << 20): (10, 5), ("site_aligned", 128): (30, 30),
    ("site_realloc", 64): (1, 0), ("site_realloc", 128): (1, 0), ("site_realloc", 256): (1, 0),
    ("site_realloc", 512): (1, 0), ("site_realloc", 1024): (1, 1),
}
assert f"heaptap_unwinder={unwinder}" in raw, "another unwinder was used"
assert "alloc_objects/count alloc_space/bytes inuse_objects/count inuse_space/bytes" in raw
names = {int(m[1]): m[2] for m in re.finditer(r"^ +(\d+): 0x[0-9a-f]+ M=\d+ (\S+) ", raw, re.M)}
found = {}
for m in re.finditer(r"^ +(\d+) +(\d+) +(\d+) +(\d+): ([\d ]*)\n +bytes:\[(\d+)\]", raw, re.M):
    values, stack, size = [int(x) for x in m.groups()[:4]], m[5].split(), int(m[6])
    leaf = names.get(int(stack[0])) if stack else None
    assert values[1] == values[0] * size and values[3] == values[2] * size, m[0]
    if leaf and leaf.startswith("site_"):
        old = found.get((leaf, size), (0, 0))
        found[leaf, size] = (old[0] + values[0], old[1] + values[2])
        functions = [names.get(int(i)) for i in stack]
        assert "main" in functions or "thread_main" in functions, functions
if found != expected:
    sys.exit(f"{unwinder}: expected {expected}\nfound {found}")
PYTHON
done
