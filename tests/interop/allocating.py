"""Allocates lists, dicts and strings, more in the second half than in the first, and says so after each half; goes on
when a line arrives on its standard input. Run by python_pprof.sh."""
import sys

kept = []


def fill(rounds):
    for i in range(rounds):
        kept.append([j * 1.5 for j in range(600)])
        kept.append({"key %d" % j: (i, j) for j in range(300)})
        kept.append(("text %d " % i) * 900)
        if i % 4 == 0:
            kept.append(bytearray(20000 + i))
        if i % 3 == 0:
            del kept[len(kept) // 2]


for number, rounds in enumerate((200, 500), 1):
    fill(rounds)
    print("ready", number, flush=True)
    sys.stdin.readline()
