#!/bin/sh
# A server on the loopback gives what is not here; one that lies, sleeps or is not there ends in addresses and one warning.
# Without DEBUGINFOD_URLS nothing opens a socket. The real server is in symbols_debuginfod.sh.
. "$HEAPTAP_SOURCE/tests/interop/symbols_common.sh"
need strace

build program 0
sites program in.pb.gz
cp program kept
objcopy --only-keep-debug kept kept.debug
strip program
export DEBUGINFOD_CACHE_PATH="$work/cache" HOME="$work"
unset DEBUGINFOD_TIMEOUT http_proxy HTTP_PROXY all_proxy ALL_PROXY

# serve MODE FILES...: debug_server.py as $started_pid, its address in DEBUGINFOD_URLS.
serve() {
    stop_started TERM || :
    rm -rf cache address
    exec_started python3 "$here/debug_server.py" address "$@"
    wait_until test -s address || fail "no server: $(cat started.err)"
    DEBUGINFOD_URLS=http://127.0.0.1:$(cat address)
    export DEBUGINFOD_URLS
}

# No variable, no network.
strace -f -e trace=network -o trace "$heapdiff" in.pb.gz >shown.txt 2>warnings.txt || fail "heapdiff fails"
! grep -q '[a-z](' trace || fail "a socket without DEBUGINFOD_URLS: $(cat trace)"
[ ! -e cache ] || fail "a cache without DEBUGINFOD_URLS"
DEBUGINFOD_URLS=' ' expect none in.pb.gz

# The debug file of a stripped binary, the binary that is not here, and the debug file alone.
serve files "$(id_of kept)/debuginfo=kept.debug"
expect inlined in.pb.gz
quiet
rm program
expect inlined in.pb.gz
quiet
serve files "$(id_of kept)/executable=kept"
expect inlined in.pb.gz
quiet
stop_started TERM || :
expect inlined in.pb.gz # from the cache
quiet

# Files of another build, text, and nothing: no name.
build other 1
objcopy --only-keep-debug other other.debug
serve files "$(id_of kept)/debuginfo=other.debug" "$(id_of kept)/executable=other"
expect warned in.pb.gz
says "is another build"
cp kept program
strip program
serve files "$(id_of kept)/debuginfo=other.debug"
expect warned in.pb.gz
says "is not the debug information of this build"
serve files "$(id_of kept)/debuginfo=$here/symbol_files.c"
expect warned in.pb.gz
serve files
expect none in.pb.gz
quiet

# A file that comes slowly is announced and awaited; a server that never answers is given up, and nobody is asked twice.
serve slow "$(id_of kept)/debuginfo=kept.debug"
expect inlined in.pb.gz
says "program' is being downloaded from a debuginfod server: 0.0 MiB so far"
rm program
serve silent
export DEBUGINFOD_TIMEOUT=2
began=$(date +%s)
expect none in.pb.gz in.pb.gz
[ $(($(date +%s) - began)) -le 5 ] || fail "a silent server is waited for too long"
says "program' is being asked for at the debuginfod servers"
says "'$DEBUGINFOD_URLS' did not send anything for 2 seconds; going on without debuginfod"
[ "$(grep -c 'going on without' warnings.txt)" = 1 ] || fail "more than one warning: $(cat warnings.txt)"
stop_started TERM || :
rm -rf cache
expect none in.pb.gz
says "'$DEBUGINFOD_URLS' cannot be asked: Connection refused; going on without debuginfod"
