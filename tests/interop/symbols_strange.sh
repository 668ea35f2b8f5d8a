#!/bin/sh
# Mappings that are no file, or not any more, and numbers that make no sense: the frames stay addresses, nothing hangs, and
# the one frame of an ordinary mapping beside them is named.
. "$HEAPTAP_SOURCE/tests/interop/symbols_common.sh"

build program 0
mkfifo pipe
cat >strange.py <<'END'
import os
import sys

sys.path.insert(0, sys.argv[1])
import compare_symbols
import pprof_file

program, out = sys.argv[2:4]
(site,) = [int(l.split()[0], 16) for l in compare_symbols.run("nm", program).splitlines() if l.endswith(" outer_work")]
compare_symbols.make_profile(program, [site], 0x550000000000, out)
profile = pprof_file.read(out)
good = dict(profile["mappings"][0])
top = 2**64 - 1


def add(address, **changes):
    mapping = dict(good, id=len(profile["mappings"]) + 1, **changes)
    profile["mappings"].append(mapping)
    number = len(profile["locations"]) + 1
    profile["locations"].append({"id": number, "mapping": mapping["id"], "address": address, "lines": []})
    profile["samples"].append({"locations": [number], "values": [1]})


inside = profile["locations"][0]["address"]
other_id = "00" * 20
for path in ("[vdso]", "[vsyscall]", "[kernel.kallsyms]_text", "[heap]", "[stack]", "[anon:v8]", "//anon", "", "/dev/zero (deleted)",
             "/memfd:code (deleted)", "/SYSV00000000 (deleted)", "anon_inode:[io_uring]", "/tmp/perf-1.map",
             os.path.abspath("pipe"), os.getcwd(), "/dev/tty", "/proc/self/mem", "relative", "/" + "long" * 5000,
             "/nowhere/\x1b[31m\n\u202egnp.exe", " (deleted)"):
    add(inside, file=path, build_id="")
    add(inside, file=path, build_id=other_id)
for address in (0, 1, good["start"] - 1, good["limit"], top, 0xffffffff81000000):
    add(address)
for start, limit, offset in ((0, 0, 0), (top, 0, 0), (good["limit"], good["start"], 0), (0, top, top),
                             (good["start"], good["limit"], top), (good["start"], good["limit"], 1 << 63)):
    add(inside, start=start, limit=limit, offset=offset)
add(inside, build_id="zz" * 20)
add(inside, build_id=good["build_id"] + "00")
add(inside, build_id=good["build_id"][:-2])
add(inside, build_id="0" * 100000)
profile["locations"].append({"id": len(profile["locations"]) + 1, "mapping": 0, "address": inside, "lines": []})
profile["samples"].append({"locations": [len(profile["locations"])], "values": [1]})
pprof_file.write(profile, out)
END
python3 strange.py "$here" program in.pb.gz
timeout 20 "$heapdiff" -n 0 in.pb.gz >shown.txt 2>warnings.txt || fail "heapdiff: $? $(tail -n 3 warnings.txt)"
[ "$(awk '/ outer_work/ { print $1 }' shown.txt)" = 1 ] || fail "not the one name: $(cat shown.txt)"
! grep -q main shown.txt || fail "a name out of nowhere: $(cat shown.txt)"
! grep -q "$(printf '\033')" shown.txt warnings.txt || fail "control characters are printed"
[ "$(sort warnings.txt | uniq -d | wc -l)" = 0 ] || fail "warnings twice: $(sort warnings.txt | uniq -d | cut -c 1-200)"
timeout 20 "$heapdiff" symbolize in.pb.gz -o named.pb.gz 2>/dev/null || fail "symbolize"
timeout 20 "$heapdiff" -n 0 named.pb.gz >again.txt 2>/dev/null || fail "the symbolized file cannot be read"
[ "$(awk '/ outer_work/ { print $1 }' again.txt)" = 1 ] || fail "not the one name in the symbolized file"

# A program that runs from memory, and one whose file is deleted and replaced while it runs.
gcc -O1 -g -Wl,--build-id=sha1 -o allocating "$here/stripped.c"
cat >from_memory.py <<'END'
import os
import sys
fd = os.memfd_create("kept_in_memory")
with open(sys.argv[1], "rb") as file:
    os.write(fd, file.read())
os.execve(fd, ["in_memory"], dict(os.environ, LD_PRELOAD=sys.argv[2], HEAPTAP_MEMPROFILERATE="1",
                                  HEAPTAP_DUMP=sys.argv[3]))
END
python3 from_memory.py ./allocating "$library" "$work/memory.pb.gz" >out 2>err || fail "in memory: $(cat err)"
"$heapdiff" memory.pb.gz >shown.txt 2>warnings.txt || fail "heapdiff"
! grep -q nameless_allocate shown.txt || fail "a name for what is nowhere"
mkdir -p "$(dirname "$(by_id allocating deb)")"
cp allocating "$(by_id allocating deb)"
"$heapdiff" --debug-dir deb memory.pb.gz >shown.txt 2>warnings.txt || fail "heapdiff"
grep -q nameless_allocate shown.txt || fail "the build id does not lead to the file: $(cat shown.txt warnings.txt)"
