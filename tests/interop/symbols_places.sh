#!/bin/sh
# Each place where a binary or its debug information may lie gives the names, and a file of another build gives none
# wherever it lies.
. "$HEAPTAP_SOURCE/tests/interop/symbols_common.sh"

build program 0
build other 1
[ "$(id_of program)" != "$(id_of other)" ] || fail "both builds have one id"
sites program in.pb.gz
expect inlined in.pb.gz
quiet

# The binary is replaced by another build.
cp program kept
cp other program
expect warned in.pb.gz
says "'$work/program' is another build than the one in the profile"

# It is replaced and another directory has it: no warning, the right lines.
mkdir -p bin
for place in bin/program "bin/$(id_of kept)/program" "bin/$(id_of kept)/renamed" "bin$work/program" \
    "bin$work/program/$(id_of kept)" "$(by_id kept bin)"; do
    rm -rf bin
    mkdir -p "$(dirname "$place")"
    cp kept "$place"
    expect inlined --debug-dir bin in.pb.gz
    quiet
    PPROF_BINARY_PATH=/nowhere:$work/bin
    export PPROF_BINARY_PATH
    expect inlined in.pb.gz
    quiet
    unset PPROF_BINARY_PATH
    mkdir -p home/pprof
    ln -sfn "$work/bin" home/pprof/binaries
    HOME="$work/home" "$heapdiff" in.pb.gz >shown.txt 2>warnings.txt || fail "heapdiff"
    grep -q outer_work shown.txt || fail "pprof's own directory is not searched"
    cp other "$place"
    expect warned --debug-dir bin in.pb.gz
done

# Stripped, with a debug file: by id, by link beside the binary, below .debug, in a directory, at its place in a directory.
cp kept program
objcopy --only-keep-debug kept kept.debug
objcopy --only-keep-debug other other.debug
strip program
expect none in.pb.gz
quiet
for place in "$(by_id kept deb)" "deb/$(id_of kept | cut -c 1-2)/$(id_of kept | cut -c 3-).debug"; do
    mkdir -p "$(dirname "$place")"
    cp kept.debug "$place"
    expect inlined --debug-dir deb in.pb.gz
    quiet
    cp other.debug "$place"
    expect warned --debug-dir deb in.pb.gz
    says "'deb/.*' is not the debug information of this build"
    rm -r deb
done
cp kept.debug linked.debug
objcopy --add-gnu-debuglink=linked.debug program
for place in linked.debug .debug/linked.debug deb/linked.debug "deb$work/linked.debug"; do
    rm -rf linked.debug .debug deb
    mkdir -p "$(dirname "$place")"
    cp kept.debug "$place"
    expect inlined --debug-dir deb in.pb.gz
    quiet
    cp other.debug "$place"
    expect warned --debug-dir deb in.pb.gz
    says "is not the debug information of this build"
    head -c 100 kept.debug >"$place"
    expect warned --debug-dir deb in.pb.gz
done
rm -rf linked.debug .debug deb

# The binary is gone and its debug file is there.
mkdir -p "$(dirname "$(by_id kept deb)")"
cp kept.debug "$(by_id kept deb)"
rm program
expect inlined --debug-dir deb in.pb.gz
quiet
if command -v eu-strip >/dev/null; then
    eu-strip -f "$(by_id kept deb)" -o stripped kept
    expect inlined --debug-dir deb in.pb.gz
    quiet
fi
rm -r deb
expect warned in.pb.gz
says "is not here"

# The system's directory is looked at, by id.
if command -v strace >/dev/null; then
    strace -f -o trace "$heapdiff" in.pb.gz >shown.txt 2>&1 || fail "heapdiff fails under strace"
    grep -q "\"$(by_id kept /usr/lib/debug)\"" trace || fail "the system's debug files are not looked for"
fi

# Without a build id the debug link's checksum must fit, and nothing is guessed from a name.
build program 0 -Wl,--build-id=none
build other 1 -Wl,--build-id=none
touch -d @1000000000 program other
sites --seconds 1500000000 program plain.pb.gz
expect inlined plain.pb.gz
quiet
cp program kept
objcopy --only-keep-debug program linked.debug
cp linked.debug program.debug
strip program
touch -d @1000000000 program
expect none plain.pb.gz
quiet
objcopy --add-gnu-debuglink=linked.debug program
touch -d @1000000000 program
expect inlined plain.pb.gz
quiet
objcopy --only-keep-debug other linked.debug
expect warned plain.pb.gz
says "linked.debug' is not the debug information of this build"

# Nor is a file believed that was written after the profile, unless its directory is given.
cp kept program
expect warned plain.pb.gz
says "program' is newer than the profile"
# Where the profile does not say when it was made, its file does.
touch -d @1600000000 program
sites kept timeless.pb.gz --path "$work/program"
touch -d @1500000000 timeless.pb.gz
expect warned timeless.pb.gz
says "program' is newer than the profile"
touch -d @1700000000 timeless.pb.gz
expect inlined timeless.pb.gz
quiet
mkdir given
cp kept given/program
expect inlined --debug-dir given plain.pb.gz
quiet
sites --path program --seconds 1500000000 kept relative.pb.gz
touch -d @1000000000 program
expect warned relative.pb.gz
says "'program' is not here"

# A file that was deleted while it was mapped: by its id only.
build program 0
sites --path "$work/program (deleted)" program deleted.pb.gz
expect inlined deleted.pb.gz
quiet
sites --path "$work/program (deleted)" --id "" program deleted.pb.gz
expect warned deleted.pb.gz

# A debug file has lost the file offsets of its segments. Where two of them have one size, neither is taken.
cat >two.ld <<'END'
PHDRS { headers PT_LOAD FILEHDR PHDRS FLAGS(4); first PT_LOAD FLAGS(5); second PT_LOAD FLAGS(5); note PT_NOTE FLAGS(4); }
SECTIONS {
    . = 0x400000 + SIZEOF_HEADERS;
    .note.gnu.build-id : { *(.note.gnu.build-id) } :headers :note
    . = 0x401000;
    .text.first : { *(.text.first) } :first
    . = 0x403000;
    .text : { *(.text*) } :second
}
END
cat >two.c <<'END'
__attribute__((section(".text.first"), noinline)) int in_first(int n) { return n * 3; }
__attribute__((noinline)) int in_second(int n) { return n * 5; }
int _start(void) { return in_first(1) + in_second(2); }
END
gcc -O1 -g -nostdlib -static -Wl,--build-id=sha1 -Wl,-T,two.ld -o two two.c 2>err || fail "cannot link: $(cat err)"
python3 "$here/symbol_sites.py" two two.pb.gz in_second
"$heapdiff" two.pb.gz >shown.txt 2>&1
grep -q in_second shown.txt || fail "no name: $(cat shown.txt)"
mkdir -p "$(dirname "$(by_id two deb)")"
objcopy --only-keep-debug two "$(by_id two deb)"
rm two
"$heapdiff" --debug-dir deb two.pb.gz >shown.txt 2>&1
! grep -q in_first shown.txt || fail "a name of the other segment: $(cat shown.txt)"
grep -q 'two+0x' shown.txt || fail "no addresses: $(cat shown.txt)"
