#!/bin/sh
# The probes of OpenTelemetry's contract for memory profilers: in the library's notes, a nop each while nobody listens,
# and with the right arguments where somebody does, which here is gdb.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
need cc readelf objdump

# probe NAME ARGUMENTS: in the notes once or more, with so many arguments; its places are nops.
probe() {
    LC_ALL=C readelf -n "$library" | awk -v name="$1" '
        /Provider:/ { mine = $2 == "otel_memory" } /Name:/ { mine = mine && $2 == name }
        mine && /Location:/ { sub(/,.*/, "", $2); print "place", $2 } mine && /Semaphore:/ { print "semaphore", $NF }
        mine && /Arguments:/ { print "arguments", NF - 1 }' >"$work/notes"
    grep -q "^place" "$work/notes" || fail "no probe otel_memory:$1 in the notes"
    [ "$(awk '$1 == "arguments" { print $2 }' "$work/notes" | sort -u)" = "$2" ] || fail "otel_memory:$1 has not $2 arguments"
    for place in $(awk '$1 == "place" { print $2 }' "$work/notes"); do
        objdump -d --start-address="$place" --stop-address=$((place + 4)) "$library" >"$work/code"
        grep -qE '[[:space:]]nop' "$work/code" || fail "otel_memory:$1 at $place is no nop"
    done
}
probe alloc 3
probe free 1

need gdb
cc -g -O1 -fno-builtin "$HEAPTAP_SOURCE/tests/programs/probes.c" -o "$work/probes" || fail "cannot compile"
cat >"$work/commands" <<COMMANDS
set confirm off
set breakpoint pending on
set environment HEAPTAP_MEMPROFILERATE=1
set environment LD_PRELOAD=$library
break ready
run
break -probe-stap otel_memory:alloc if \$_probe_arg1 == 3072
continue
printf "alloc %p %lu %lu\n", \$_probe_arg0, \$_probe_arg1, \$_probe_arg2
set var \$sampled = \$_probe_arg0
break -probe-stap otel_memory:free if \$_probe_arg0 == \$sampled
continue
printf "free %p object %p\n", \$_probe_arg0, object
COMMANDS
env -u DEBUGINFOD_URLS gdb -q -nx -batch -x "$work/commands" "$work/probes" >"$work/seen" 2>"$work/errors" ||
    { cat "$work/seen" "$work/errors"; fail "gdb"; }
python3 - "$work/seen" <<'PYTHON' || { cat "$work/seen" "$work/errors"; fail "what gdb saw"; }
import re, sys
seen = open(sys.argv[1]).read()
alloc = re.search(r"^alloc (0x[0-9a-f]+) (\d+) (\d+)$", seen, re.M)
free = re.search(r"^free (0x[0-9a-f]+) object (0x[0-9a-f]+)$", seen, re.M)
assert alloc[2] == "3072" and alloc[3] == "3072", alloc[0]
assert free[1] == alloc[1] == free[2], free[0]
PYTHON
