#!/bin/sh
# Profiles from a server: the same rows as from the file, by every form of URL; and one line with status 2 where the
# server is slow, stops halfway, has none, or is not there. Files alone do not load libcurl.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
need python3
ldconfig -p 2>/dev/null | grep -qE 'libcurl(-gnutls|-nss)?\.so\.4' || skip "no libcurl here"
unset http_proxy https_proxy ALL_PROXY all_proxy DEBUGINFOD_URLS PPROF_BINARY_PATH || true
export PYTHONDONTWRITEBYTECODE=1
cd "$work" || exit 1
cp "$HEAPTAP_SOURCE/tests/golden/data/go_json_100x.pb.gz" old.pb.gz
cp "$HEAPTAP_SOURCE/tests/golden/data/go_json_200x.pb.gz" new.pb.gz

mkfifo hold
certificate=
if command -v openssl >/dev/null; then
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
        -keyout key.pem -out ca.pem 2>openssl.err || fail "openssl: $(cat openssl.err)"
    cat key.pem ca.pem >certificate.pem
    certificate=certificate.pem
fi
# shellcheck disable=SC2086 # none, or one word
python3 "$HEAPTAP_SOURCE/tests/cli/fetch_server.py" new.pb.gz "$work/app.sock" $certificate <hold >port 2>server.err &
started_pid=$!
exec 3>hold
wait_until test -s port || fail "no server: $(cat server.err)"
read -r plain secret <port
host=127.0.0.1:$plain
heapdiff() { "$HEAPTAP_BUILD/heapdiff" --no-symbolize -n 0 "$@" </dev/null; }

# The rows, without the title, which has the name.
heapdiff old.pb.gz new.pb.gz | tail -n +2 >wanted || fail "heapdiff of the files"
[ "$(wc -l <wanted)" -gt 5 ] || fail "few rows: $(cat wanted)"
for url in "http://$host" "http://$host/" "http://$host?gc=1" "http://$host/debug/pprof/allocs" "http://$host/moved" \
    "unix:app.sock" "unix:$work/app.sock" "unix:app.sock:/moved"; do
    heapdiff old.pb.gz "$url" >out 2>err || fail "$url: $(cat err)"
    [ ! -s err ] || fail "$url: output on stderr: $(cat err)"
    tail -n +2 out | cmp -s - wanted || fail "$url: other rows: $(cat out)"
    head -n 1 out | grep -qF " -> $url" || fail "$url: the title is $(head -n 1 out)"
done
heapdiff "http://me:secret@$host" new.pb.gz >out 2>&1 || fail "with a user: $(cat out)"
grep -qF "http://$host ->" out && ! grep -q secret out || fail "a password is shown: $(head -n 1 out)"
heapdiff "http://$host" "unix:app.sock" >/dev/null || fail "two URLs"
"$HEAPTAP_BUILD/heapdiff" merge old.pb.gz "http://$host" -o sum.pb.gz || fail "merge"
"$HEAPTAP_BUILD/heapdiff" merge old.pb.gz new.pb.gz -o same.pb.gz && cmp -s sum.pb.gz same.pb.gz || fail "merge is another sum"

# refuses LINE ARGS: exactly that line, and 2.
refuses() {
    line=$1
    shift
    heapdiff "$@" >out 2>err
    status=$?
    [ $status = 2 ] || fail "'$*' ends with $status"
    [ "$(cat err)" = "heapdiff: $line" ] || fail "'$*' says: $(cat err)"
    [ ! -s out ] || fail "'$*' prints: $(cat out)"
}
refuses "cannot fetch 'http://$host/none': HTTP status 404" old.pb.gz "http://$host/none"
size=$(wc -c <new.pb.gz)
refuses "cannot fetch 'http://$host/short': transfer closed with $((size - size / 2)) bytes remaining to read" "http://$host/short"
refuses "cannot fetch 'unix:app.sock:/none': HTTP status 404" unix:app.sock:/none
heapdiff "http://$host/html" 2>err
[ $? = 2 ] && grep -q "^heapdiff: cannot read 'http://$host/html': .* at byte [0-9]*$" err || fail "no profile: $(cat err)"
refuses "cannot open 'none.pb.gz': No such file or directory" "http://$host" none.pb.gz
refuses "bad value 'soon' for '--timeout': a duration such as 30s is needed" --timeout soon "http://$host"
heapdiff --timeout 300ms "http://$host/hang" 2>err
[ $? = 2 ] && grep -qE "^heapdiff: cannot fetch 'http://$host/hang': .*timed out after [0-9]+ " err || fail "hang: $(cat err)"
heapdiff unix:gone.sock 2>err
[ $? = 2 ] && [ "$(wc -l <err)" = 1 ] && grep -q "^heapdiff: cannot fetch 'unix:gone.sock': " err || fail "no socket: $(cat err)"

# By https: from a server that the system does not trust only where its certificate is given.
if [ "$certificate" ]; then
    heapdiff "https://127.0.0.1:$secret" >out 2>err
    [ $? = 2 ] && [ "$(wc -l <err)" = 1 ] && grep -q "^heapdiff: cannot fetch 'https://.*certificate" err || fail "not trusted: $(cat err)"
    heapdiff --cacert ca.pem old.pb.gz "https://127.0.0.1:$secret" >out 2>err || fail "https: $(cat err)"
    tail -n +2 out | cmp -s - wanted || fail "https: other rows: $(cat out)"
fi

# On a terminal it says after two seconds how far it is; and takes that away again.
python3 "$HEAPTAP_SOURCE/tests/cli/help_terminal.py" 80 "$HEAPTAP_BUILD/heapdiff" --no-symbolize "http://$host/slow" >out </dev/null ||
    fail "slow: $(cat out)"
tr '\r' '\n' <out | grep -qE "^fetching 'http://$host/slow': [0-9.]+KiB of [0-9.]+KiB" || fail "no progress: $(cat -v out)"
tr '\r' '\n' <out | sed -n '/^fetching/,$p' | grep -v '^fetching' | head -n 1 | grep -q "^.\[K.*http://$host/slow" ||
    fail "the progress stays: $(cat -v out)"

LD_DEBUG=files "$HEAPTAP_BUILD/heapdiff" --no-symbolize old.pb.gz new.pb.gz >out 2>&1
grep -q 'libc\.so' out || fail "nothing is known of the libraries"
! grep -q libcurl out || fail "libcurl is loaded for files"

# The numbers that stand for libcurl's header are its own.
header=$(echo '#include <curl/curl.h>' | cc -E -xc - 2>/dev/null | grep -c curl_easy_setopt)
[ "${header:-0}" -gt 0 ] || exit 0
cat >numbers.c <<'END'
#define CURL_DISABLE_DEPRECATION
#include <curl/curl.h>
#include "cli/curl_numbers.h"
#define SAME(ours, its) _Static_assert((long)(ours) == (long)(its), #its)
SAME(CURL_GLOBAL_DEFAULT_FLAGS, CURL_GLOBAL_DEFAULT);
SAME(CURL_OPTION_WRITE_DATA, CURLOPT_WRITEDATA);
SAME(CURL_OPTION_URL, CURLOPT_URL);
SAME(CURL_OPTION_PROXY, CURLOPT_PROXY);
SAME(CURL_OPTION_ERROR_BUFFER, CURLOPT_ERRORBUFFER);
SAME(CURL_OPTION_USER_AGENT, CURLOPT_USERAGENT);
SAME(CURL_OPTION_XFERINFO_DATA, CURLOPT_XFERINFODATA);
SAME(CURL_OPTION_CA_FILE, CURLOPT_CAINFO);
SAME(CURL_OPTION_UNIX_SOCKET_PATH, CURLOPT_UNIX_SOCKET_PATH);
SAME(CURL_OPTION_WRITE_FUNCTION, CURLOPT_WRITEFUNCTION);
SAME(CURL_OPTION_XFERINFO_FUNCTION, CURLOPT_XFERINFOFUNCTION);
SAME(CURL_OPTION_NO_PROGRESS, CURLOPT_NOPROGRESS);
SAME(CURL_OPTION_FAIL_ON_ERROR, CURLOPT_FAILONERROR);
SAME(CURL_OPTION_FOLLOW_LOCATION, CURLOPT_FOLLOWLOCATION);
SAME(CURL_OPTION_MAX_REDIRECTS, CURLOPT_MAXREDIRS);
SAME(CURL_OPTION_NO_SIGNAL, CURLOPT_NOSIGNAL);
SAME(CURL_OPTION_TIMEOUT_MS, CURLOPT_TIMEOUT_MS);
SAME(CURL_OPTION_CONNECT_TIMEOUT_MS, CURLOPT_CONNECTTIMEOUT_MS);
SAME(CURL_OPTION_PROTOCOLS, CURLOPT_PROTOCOLS);
SAME(CURL_OPTION_REDIRECT_PROTOCOLS, CURLOPT_REDIR_PROTOCOLS);
SAME(CURL_PROTOCOL_HTTP, CURLPROTO_HTTP);
SAME(CURL_PROTOCOL_HTTPS, CURLPROTO_HTTPS);
SAME(CURL_INFO_RESPONSE_CODE, CURLINFO_RESPONSE_CODE);
SAME(CURL_CODE_HTTP_ERROR, CURLE_HTTP_RETURNED_ERROR);
SAME(CURL_ERROR_TEXT_SIZE, CURL_ERROR_SIZE);
END
cc -fsyntax-only -w -I"$HEAPTAP_SOURCE" numbers.c || fail "a number of libcurl's is another"
