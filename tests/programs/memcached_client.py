"""Drives memcached over a Unix socket from four threads and checks every answer. Prints counts that do not depend on
how the threads interleave, because each has keys of its own."""
import random
import socket
import sys
import threading

THREADS, STEPS, KEYS = 4, 6000, 400


class Client:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.file = self.socket.makefile("rwb")

    def ask(self, line, value=None):
        self.file.write(line.encode() + b"\r\n" + (value + b"\r\n" if value is not None else b""))
        self.file.flush()
        return self.file.readline().rstrip(b"\r\n")

    def get(self, key):
        head = self.ask("get " + key)
        if head == b"END":
            return None
        value = self.file.read(int(head.split()[3]) + 2)[:-2]
        assert self.file.readline() == b"END\r\n", key
        return value


def exercise(client, number, totals):
    rng = random.Random(number)
    held = {}
    for step in range(STEPS):
        key = "k%d.%d" % (number, rng.randrange(KEYS))
        choice = rng.randrange(10)
        if choice < 4:
            size = rng.choice((3, 40, 300, 5000, 70000) if step % 50 else (900000,))
            value = (b"%d:" % step) * (size // 6 + 1)
            assert client.ask("set %s 0 0 %d" % (key, len(value)), value) == b"STORED", key
            held[key] = value
        elif choice < 5:
            answer = client.ask("append %s 0 0 4" % key, b"tail")
            assert answer == (b"STORED" if key in held else b"NOT_STORED"), (key, answer)
            if key in held:
                held[key] += b"tail"
        elif choice < 6:
            answer = client.ask("delete " + key)
            assert answer == (b"DELETED" if key in held else b"NOT_FOUND"), (key, answer)
            held.pop(key, None)
        else:
            assert client.get(key) == held.get(key), key
    for key in held:
        assert client.get(key) == held[key], key
    counter = "n%d" % number
    assert client.ask("set %s 0 0 1" % counter, b"0") == b"STORED"
    for i in range(500):
        assert client.ask("incr %s 3" % counter) == b"%d" % (3 * i + 3)
    totals[number] = (len(held), sum(map(len, held.values())))


def main():
    totals, failures = {}, []

    def guarded(number):
        try:
            exercise(Client(sys.argv[1]), number, totals)
        except Exception as error:  # reported below, from the main thread
            failures.append("client %d: %r" % (number, error))

    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for failure in failures:
        print(failure, file=sys.stderr)
    for number in sorted(totals):
        print("client %d holds %d keys of %d bytes" % (number, *totals[number]))
    return 1 if failures else 0


sys.exit(main())
