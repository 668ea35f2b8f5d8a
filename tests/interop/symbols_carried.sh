#!/bin/sh
# `heapdiff symbolize` makes a file that needs nothing else: it reads the same where no binary is, in every grouping, and
# pprof shows the same of it.
. "$HEAPTAP_SOURCE/tests/interop/symbols_common.sh"
need go g++

mkdir here
g++ -O2 -g -Wl,--build-id=sha1 -o here/probe "$here/symbol_probe.cc" || fail "cannot compile"
sampled env HEAPTAP_MEMPROFILERATE=1 here/probe 1 2 3 >out || fail "the program fails"
sampled env HEAPTAP_MEMPROFILERATE=1 here/probe 1 2 3 4 5 6 >out || fail "the program fails"
set -- profiles/probe.*.pb.gz
old=$1 new=$2

# show WHERE: every way of looking at the pair, as files of that folder.
show() {
    for by in function line file mapping stack; do
        "$heapdiff" --by $by --sample alloc_space -n 0 "$2" "$3" >"$1/diff.$by" 2>"$1/warnings.$by" || fail "heapdiff"
        "$heapdiff" --by $by --sample alloc_space --format json "$2" >"$1/one.$by" 2>>"$1/warnings.$by" || fail "heapdiff"
    done
    go tool pprof -top -lines -nodecount=0 "$3" 2>/dev/null | grep -v ^File >"$1/pprof" || fail "pprof"
}
"$heapdiff" symbolize "$old" -o old.named.pb.gz
"$heapdiff" symbolize "$new" -o new.named.pb.gz
mkdir before after moved
show before old.named.pb.gz new.named.pb.gz
cp before/diff.line direct.named
"$heapdiff" --by line --sample alloc_space -n 0 "$old" "$new" | sed 's/^alloc_space .*rate/rate/' >direct
sed -i 's/^alloc_space .*rate/rate/' direct.named
must_be_same "the diff of the files themselves" direct direct.named
grep -q 'store::Cache<.*>::insert' direct || fail "no names: $(cat direct)"

mv here gone
mv old.named.pb.gz new.named.pb.gz moved/
cd moved
show ../after old.named.pb.gz new.named.pb.gz
cd ..
for file in before/*; do
    must_be_same "$file" "$file" "after/${file#before/}"
done
[ ! -s after/warnings.line ] || fail "a warning: $(cat after/warnings.line)"
"$heapdiff" --sample alloc_space "$old" "$new" >shown.txt 2>warnings.txt || fail "heapdiff"
! grep -q store::Cache shown.txt || fail "names out of nowhere"
grep -q "is not here" warnings.txt || fail "no warning"
