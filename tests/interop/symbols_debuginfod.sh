#!/bin/sh
# The elfutils project's own server gives a binary and its debug information. It listens on every interface, so it runs in
# a network of its own, which has a loopback only.
if [ "${1:-}" != inside ]; then
    command -v debuginfod >/dev/null || { echo "skipped: no debuginfod here"; exit 77; }
    unshare -rn true 2>/dev/null || { echo "skipped: no network of one's own here"; exit 77; }
    exec unshare -rn "$0" inside
fi
. "$HEAPTAP_SOURCE/tests/interop/symbols_common.sh"

python3 - <<'END'
import fcntl, socket, struct
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
fcntl.ioctl(socket.socket(), SIOCSIFFLAGS, struct.pack("16sh22x", b"lo", IFF_UP))
END
build program 0
sites program in.pb.gz
mkdir served
cp program served/
export DEBUGINFOD_CACHE_PATH="$work/cache" HOME="$work"
unset DEBUGINFOD_TIMEOUT http_proxy HTTP_PROXY all_proxy ALL_PROXY
exec_started debuginfod -F -d "$work/index.sqlite" -t 0 -c 1 "$work/served"
serves() {
    python3 -c "import urllib.request as u; u.urlopen('http://127.0.0.1:8002/buildid/$(id_of program)/debuginfo')"
}
wait_until serves || fail "debuginfod does not serve: $(tail -n 5 started.err)"
export DEBUGINFOD_URLS=http://127.0.0.1:8002

cp program kept
strip program
expect inlined in.pb.gz
quiet
[ -s "cache/$(id_of kept)/debuginfo" ] || fail "the debug information did not come from debuginfod"
rm program
expect inlined in.pb.gz
quiet
[ -s "cache/$(id_of kept)/executable" ] || fail "the binary did not come from debuginfod"
