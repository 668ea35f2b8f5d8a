#!/bin/sh
# What dwz moves into a file that debug files share: beside them, by id, of another build, missing.
. "$HEAPTAP_SOURCE/tests/interop/symbols_common.sh"
need dwz

build one 0 -x c
build two 1 -x c
cp one one.debug
cp two two.debug
dwz -m shared.debug -M "$work/shared.debug" one.debug two.debug || fail "dwz fails"
readelf -S one.debug | grep -q debugaltlink || fail "dwz has not made a shared file"
objcopy --only-keep-debug one.debug
objcopy --strip-all one
objcopy --add-gnu-debuglink=one.debug one
sites --whole one.debug one in.pb.gz
expect inlined in.pb.gz
quiet
mkdir -p "$(dirname "$(by_id shared.debug deb)")"
mv shared.debug kept.shared
cp kept.shared "$(by_id kept.shared deb)"
expect inlined --debug-dir deb in.pb.gz
quiet
cp two.debug deb/shared.debug # another file of that name
rm "$(by_id kept.shared deb)"
expect outer --debug-dir deb in.pb.gz
says "shared.debug' is not the debug information of this build"
cp two "$work/shared.debug"
expect outer in.pb.gz
says "shared.debug' is not the debug information of this build"
# A shared file of the same layout with other names.
sed 's/inlined_work/mistaken_one/; s/outer_work/wrong_work/' "$here/symbol_files.c" >others.c
for name in three four; do
    gcc -O2 -g -DVARIANT=${#name} -Wl,--build-id=sha1 -o $name others.c
done
rm shared.debug
dwz -m shared.debug -M "$work/shared.debug" three four || fail "dwz fails"
expect outer in.pb.gz
! grep -Eq 'mistaken|wrong' shown.txt || fail "names of another build: $(cat shown.txt)"
says "shared.debug' is not the debug information of this build"
rm shared.debug
expect outer in.pb.gz
says "shared.debug' is not here"
