"""What control.sh says to control sockets: good and hostile clients.

  ask SOCKET LINE...     one connection a line; prints the answers
  raw SOCKET TEXT        sends the text as it is (escapes as in Python), prints all that comes back
  hostile SOCKET N       N clients that say nothing, N that begin and do not end, N that send without end, N that leave at
                         once, while a good one asks; fails if that waits for more than a second for its answer
  denied SOCKET          fails if anything but the end of the connection comes back
"""

import socket
import sys
import time


def connect(path):
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(10)
    client.connect(path)
    return client


def receive_all(client):
    answer = b""
    try:
        while block := client.recv(65536):
            answer += block
    except ConnectionResetError:
        pass
    return answer


def ask(path, line):
    client = connect(path)
    client.sendall(line.encode() + b"\n")
    return receive_all(client).decode()


def try_to_send(client, data):
    client.setblocking(False)
    try:
        client.send(data)
    except (BlockingIOError, BrokenPipeError, ConnectionResetError):
        pass


def slowest_answer(path, times):
    slowest = 0
    for _ in range(times):
        began = time.monotonic()
        answer = ask(path, "ping")
        if not answer.startswith("ok heaptap"):
            sys.exit(f"answer {answer!r}")
        slowest = max(slowest, time.monotonic() - began)
    return slowest


def hostile(path, count):
    held = []
    slowest = 0
    for i in range(count):
        silent, partial, endless, gone = (connect(path) for _ in range(4))
        held += [silent, partial, endless]
        partial.sendall(b"du")
        try_to_send(endless, b"x" * 100000)
        gone.close()
        if i % 10 == 0:
            slowest = max(slowest, slowest_answer(path, 3))
    slowest = max(slowest, slowest_answer(path, 20))
    print(f"slowest answer among {4 * count} hostile clients: {slowest * 1000:.1f} ms")
    if slowest > 1:
        sys.exit("a good client waited for too long")
    # Within two seconds each of them has been shown out.
    time.sleep(2.2)
    for client in held:
        client.settimeout(0.5)
        try:
            while client.recv(65536):
                pass
        except ConnectionResetError:
            pass
        except TimeoutError:
            sys.exit("a connection is still open")


def main(arguments):
    what, path = arguments[:2]
    if what == "ask":
        for line in arguments[2:]:
            print(ask(path, line), end="")
    elif what == "raw":
        client = connect(path)
        client.sendall(arguments[2].encode().decode("unicode_escape").encode("latin-1"))
        print(receive_all(client).decode(errors="replace"), end="")
    elif what == "hostile":
        hostile(path, int(arguments[2]))
    elif what == "denied":
        client = connect(path)
        try_to_send(client, b"ping\n")
        client.setblocking(True)
        client.settimeout(10)
        if receive_all(client):
            sys.exit("a stranger was answered")


main(sys.argv[1:])
