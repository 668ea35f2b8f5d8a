#!/bin/sh
# The control socket as a guest: forks, programs that close what they did not open or count on the numbers of their
# descriptors, places and users that are not to be trusted, programs that end at once.
. "$HEAPTAP_SOURCE/tests/programs/common.sh"
. "$HEAPTAP_SOURCE/tests/programs/control_common.sh"

# Forks: the child has its own; the parent's stays when the child ends.
mkdir "$work/place" "$work/d"
for setting in HEAPTAP_CONTROL= HEAPTAP_CONTROL="$sockets/%p.sock"; do # before the first one has its socket, and after
    begin env LD_PRELOAD="$library" "$setting" "$subject" fork
    child=$(sed -n 's/child //p' "$work/out")
    wait_until test -S "$sockets/$child.sock" || fail "$setting: no socket of the child"
    wait_until test -S "$sockets/$pid.sock" || fail "$setting: no socket of the parent"
    client ask "$sockets/$child.sock" info | grep -q "pid=$child " || fail "$setting: the child's socket is another's"
    client ask "$sockets/$pid.sock" info | grep -q "pid=$pid " || fail "$setting: the parent's socket is another's"
    end
    quiet
    [ -z "$(ls "$sockets")" ] || fail "$setting: sockets are left: $(ls "$sockets")"
done
begin env LD_PRELOAD="$library" HEAPTAP_CONTROL="$sockets/%p.sock" "$subject" fork-raw
grep -q 'child ended with 0' "$work/out" || fail "a child by the bare system call: $(cat "$work/out")"
[ -S "$sockets/$pid.sock" ] || fail "a child by the bare system call takes the socket away"
end
begin env LD_PRELOAD="$library" HEAPTAP_FOLLOW_FORK=0 "$subject" fork
child=$(sed -n 's/child //p' "$work/out")
wait_until test -S "$sockets/$pid.sock" || fail "no socket of the parent"
sleep 1.5
[ ! -e "$sockets/$child.sock" ] || fail "a socket of a child that is not to be followed"
end

# A program that closes what it did not open, and one that counts on its numbers; also where the kernel does not allow
# the thread descriptors of its own.
deny=
"$subject" deny /bin/true && deny="$subject deny"
for sandbox in '' ${deny:+"$deny"}; do
    # shellcheck disable=SC2086 # words
    begin env LD_PRELOAD="$library" $sandbox "$subject" close
    wait_until "$heaptap" rate "$pid" 1MiB || fail "${sandbox:+in a sandbox }a program that closes all: no answer"
    sleep 0.2
    wait_until "$heaptap" rate "$pid" 2MiB || fail "${sandbox:+in a sandbox }a program that closes all: no answer later"
    end
    quiet
    # shellcheck disable=SC2086
    begin env LD_PRELOAD="$library" HEAPTAP_CONTROL="$sockets/%p.sock" $sandbox "$subject" fork
    child=$(sed -n 's/child //p' "$work/out")
    wait_until test -S "$sockets/$child.sock" || fail "${sandbox:+in a sandbox }no socket of the child"
    client ask "$sockets/$pid.sock" info | grep -q "pid=$pid " || fail "${sandbox:+in a sandbox }the parent does not answer"
    left=$(ls -l "/proc/$child/fd" | grep -c socket)
    [ "$left" = "${sandbox:+1}" ] || [ "$left$sandbox" = 0 ] || fail "${sandbox:+in a sandbox }the child has $left sockets"
    end
done
begin env LD_PRELOAD="$library" HEAPTAP_CONTROL="$sockets/%p.sock" sh -c 'echo ready; exec "$0" descriptors' "$subject" 3>&-
for _ in 1 2 3 4 5 6; do
    sleep 0.3
    client ask "$sockets/$pid.sock" ping 'dump /none/x' >/dev/null 2>&1
done
end
[ "$(grep -c descriptor "$work/out")" = 1 ] || fail "the program's descriptors change: $(cat "$work/out")"

# Places that are not to be trusted.
ln -s "$work/place" "$work/link"
mkdir -m 777 "$work/open"
chmod 777 "$work/open"
for place in link open; do
    env LD_PRELOAD="$library" HEAPTAP_CONTROL="$work/$place/%p.sock" sh -c 'sleep 0.5' 2>"$work/err"
    grep -qF "cannot make control socket '$work/$place/%p.sock': " "$work/err" || fail "$place: $(cat "$work/err")"
    [ -z "$(ls "$work/place" "$work/open" | grep sock)" ] || fail "a socket in a place not to be trusted"
done
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null && [ -x /usr/bin/python3 ]; then
    stranger="setpriv --reuid=65534 --regid=65534 --clear-groups"
    chmod 711 "$work"
    chmod 755 "$work/place"
    begin env LD_PRELOAD="$library" HEAPTAP_CONTROL="$work/place/%p.sock" "$subject"
    wait_until test -S "$work/place/$pid.sock" || fail "no socket"
    chmod 777 "$work/place/$pid.sock" # the folder's mode and the socket's are not the only guards
    cp "$HEAPTAP_SOURCE/tests/programs/control_client.py" "$work/place/client.py"
    $stranger /usr/bin/python3 "$work/place/client.py" denied "$work/place/$pid.sock" || fail "a stranger"
    client ask "$work/place/$pid.sock" ping | grep -q '^ok' || fail "no answer after a stranger"
    cp "$heaptap" "$work/place/heaptap"
    HEAPTAP_CONTROL=$work/place/%p.sock $stranger "$work/place/heaptap" dump "$pid" 2>"$work/ht.err"
    status=$?
    [ $status = 2 ] && grep -q "cannot look at process $pid" "$work/ht.err" || fail "a stranger's heaptap: $status $(cat "$work/ht.err")"
    end
    mkdir -m 700 "$work/theirs"
    chown 65534 "$work/theirs"
    env LD_PRELOAD="$library" HEAPTAP_CONTROL="$work/theirs/%p.sock" sh -c 'sleep 0.5' 2>"$work/err"
    grep -qF "Operation not permitted" "$work/err" || fail "somebody else's folder: $(cat "$work/err")"
    # Root sees the processes of others.
    mkdir -m 700 "$work/nobody"
    chown 65534 "$work/nobody"
    begin env LD_PRELOAD="$library" XDG_RUNTIME_DIR="$work/nobody" $stranger "$subject"
    wait_until "$heaptap" rate "$pid" 8KiB || fail "root and another's process: $("$heaptap" rate "$pid" 8KiB 2>&1)"
    end
else
    echo "not root: what strangers may do was not looked at"
fi

# Many that end at once leave nothing.
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    "$heaptap" run --dump "$work/d/%p.gz" /bin/true 2>/dev/null
done
[ -z "$(ls "$sockets")" ] || fail "sockets are left of programs that ended: $(ls "$sockets")"
