#!/bin/sh
# redis, built with debug information and the C library's malloc from the distribution's source package, under load at
# 64KiB, two profiles on a signal: go tool pprof names redis's own functions in all four views, and heapdiff's numbers are
# pprof's to the unit, for one file and for the difference.
#
# The source comes by apt-get from the mirrors that the machine is configured with, through lists in a folder of our own.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
need apt-get gcc make go python3
export HOME="$work" PPROF_TMPDIR="$work"
apt=$work/apt
mkdir -p "$apt/parts" "$apt/lists/partial" "$apt/source"

# The same sources, but of the type deb-src.
: >"$apt/sources.list"
for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ ! -f "$list" ] || sed -n 's/^[[:space:]]*deb[[:space:]]/deb-src /p' "$list" >>"$apt/sources.list"
done
for list in /etc/apt/sources.list.d/*.sources; do
    [ ! -f "$list" ] || sed 's/^Types:.*/Types: deb-src/' "$list" >"$apt/parts/${list##*/}"
done
private_apt() {
    apt-get -q -o Dir::Etc::SourceList="$apt/sources.list" -o Dir::Etc::SourceParts="$apt/parts" \
        -o Dir::State::Lists="$apt/lists" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root "$@"
}
private_apt update >"$work/log" 2>&1 || skip "no source packages to be had: $(tail -n 1 "$work/log")"
(cd "$apt/source" && private_apt source --download-only redis) >"$work/log" 2>&1 ||
    skip "no source of redis to be had: $(tail -n 1 "$work/log")"
mkdir "$work/redis"
tar -xf "$apt"/source/redis_*.orig.tar.* -C "$work/redis" --strip-components=1 || fail "cannot unpack the source"
make -C "$work/redis/src" -j2 MALLOC=libc OPTIMIZATION=-O2 redis-server redis-benchmark redis-cli >"$work/log" 2>&1 </dev/null ||
    fail "cannot build redis: $(tail -n 5 "$work/log")"

bin=$work/redis/src
socket=$work/redis.sock
env LD_PRELOAD="$library" HEAPTAP_MEMPROFILERATE=64KiB HEAPTAP_DUMP="$work/p.%n.pb.gz" HEAPTAP_DUMP_ON=signal:USR2 \
    "$bin/redis-server" --port 0 --unixsocket "$socket" --dir "$work" --save '' --appendonly no \
    >"$work/out" 2>"$work/err" </dev/null &
started_pid=$!
wait_until "$bin/redis-cli" -s "$socket" ping || fail "redis-server does not answer: $(cat "$work/out" "$work/err")"
for number in 1 2; do
    "$bin/redis-benchmark" -s "$socket" -q -c 20 -n 60000 -d 400 -r 30000 -P 8 -t set,get,lpush,sadd,hset,zadd,lrange_100 \
        >"$work/log" 2>&1 || fail "redis-benchmark: $(tail -n 3 "$work/log")"
    kill -USR2 "$started_pid"
    wait_until test -s "$work/p.$number.pb.gz" || fail "no profile $number: $(cat "$work/err")"
done
"$bin/redis-cli" -s "$socket" shutdown nosave >/dev/null 2>&1
wait "$started_pid" || fail "redis-server ended with $?: $(tail -n 5 "$work/out")"
started_pid=
[ ! -s "$work/err" ] || fail "on stderr: $(cat "$work/err")"

for number in 1 2; do
    "$HEAPTAP_BUILD/heapdiff" symbolize "$work/p.$number.pb.gz" -o "$work/s.$number.pb.gz" || fail "heapdiff symbolize"
done
# names_are_there FILE NAMES: in each of pprof's views. By itself it reads the DWARF of redis, but not of all of its
# functions; the symbolized file has them all.
names_are_there() {
    file=$1
    shift
    for view in alloc_space alloc_objects inuse_space inuse_objects; do
        go tool pprof -top -nodecount=0 -nodefraction=0 -sample_index=$view "$file" >"$work/top" 2>"$work/err" ||
            fail "go tool pprof $view: $(cat "$work/err")"
        for name in "$@"; do
            grep -Eq " $name( |\$)" "$work/top" || fail "${file##*/} $view: pprof does not name $name: $(grep -v ^heaptap "$work/top")"
        done
    done
}
names_are_there "$work/p.2.pb.gz" aeMain call processCommand
names_are_there "$work/s.2.pb.gz" main aeMain call processCommand setCommand zmalloc_usable
compare() { python3 "$HEAPTAP_SOURCE/tests/interop/compare_with_pprof.py" "$HEAPTAP_BUILD/heapdiff" "$@" || fail "unequal numbers"; }
compare "$work/s.1.pb.gz"
compare "$work/s.2.pb.gz"
compare "$work/s.2.pb.gz" "$work/s.1.pb.gz" # new, old
