"""Counts what the fast paths of malloc and free execute, in the library as it was built.

A path starts at the exported name and ends at a return. The walk follows both ways of every conditional branch, and a
jump into another function, which is how a call at the end is compiled. It gives a way up where it reaches one of the
functions of COLD: there the fast path has ended. What is left are the hot ways; of each column the largest number over all of
them is printed, so none can get longer unseen.

    fast_path.py LIBRARY     a line for malloc and a line for free
"""
import re
import subprocess
import sys

COLD = re.compile(r"(_slow|_due|_drained|_foreign|_large\w*|_shared|out_of_memory|report_\w+|check_failed|log_fatal)(\.\w+)*$|\.cold$")
COLUMNS = ["ways", "instructions", "loads", "stores", "branches", "calls", "locked"]
READ_ONLY = re.compile(r"(cmp|test|bt)[bwlq]?$")
WRITE_ONLY = re.compile(r"(v?mov\w*|set\w+)$")
MOST_WAYS = 2000


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


class Walk:
    def __init__(self, library):
        self.code, self.function_at = {}, {}
        exported = (line.split() for line in run("nm", "--dynamic", "--defined-only", library).splitlines())
        self.start = {name.split("@")[0]: int(address, 16) for address, _, name in exported}
        function, previous = None, None
        for line in run("objdump", "-d", "--no-show-raw-insn", library).splitlines():
            if head := re.match(r"([0-9a-f]+) <(.+)>:$", line):
                function, previous = head[2], None
            elif item := re.match(r" *([0-9a-f]+):\t(.*)", line):
                address = int(item[1], 16)
                if previous is not None:
                    self.code[previous][1] = address
                self.code[address] = [item[2].split("#")[0].strip(), None]
                self.function_at[address] = function
                previous = address

    def target(self, operands):
        found = re.match(r"([0-9a-f]+) <", operands)
        return int(found[1], 16) if found else None

    def ways(self, name):
        """Counts of every hot way from the start of a function."""
        done = []
        work = [(self.start[name], dict.fromkeys(COLUMNS, 0), frozenset())]
        while work:
            address, counts, seen = work.pop()
            if address in seen:
                sys.exit(f"{name}: a loop at {address:x} in {self.function_at[address]}")
            if len(done) > MOST_WAYS:
                sys.exit(f"{name}: more than {MOST_WAYS} ways")
            counts, seen = dict(counts), seen | {address}
            text, following = self.code[address]
            mnemonic, _, operands = text.partition(" ")
            operands = operands.strip()
            if COLD.search(self.function_at[address]):
                continue
            count(counts, mnemonic, operands)
            if mnemonic.startswith("ret"):
                done.append(counts)
            elif mnemonic == "jmp":
                target = self.target(operands)
                if target is None:
                    sys.exit(f"{name}: an indirect jump at {address:x}")
                work.append((target, counts, seen))
            elif mnemonic.startswith("j"):
                work += [(self.target(operands), counts, seen), (following, counts, seen)]
            elif mnemonic.startswith("call"):
                target = self.target(operands)
                if target is None or not COLD.search(self.function_at.get(target, "")):
                    counts["calls"] += 1
                    work.append((following, counts, seen))
            elif mnemonic != "ud2" and following is not None:
                work.append((following, counts, seen))
        return done


def count(counts, mnemonic, operands):
    if mnemonic.startswith("nop") or mnemonic in ("data16", "cs", "endbr64", "xchg") and "(" not in operands:
        return
    counts["instructions"] += 1
    if mnemonic == "lock" or mnemonic.startswith("xchg") and "(" in operands:
        counts["locked"] += 1
    if mnemonic.startswith("j") and mnemonic != "jmp":
        counts["branches"] += 1
    if mnemonic.startswith("push"):
        counts["stores"] += 1
    if mnemonic.startswith("pop"):
        counts["loads"] += 1
    if mnemonic.startswith("lea") or not re.search(r"\(|%[fg]s:", operands):
        return
    last = re.split(r",(?![^(]*\))", operands)[-1]
    if not re.search(r"\(|%[fg]s:", last) or READ_ONLY.match(mnemonic):
        counts["loads"] += 1
    elif WRITE_ONLY.match(mnemonic):
        counts["stores"] += 1
    else:
        counts["loads"] += 1
        counts["stores"] += 1


def main():
    walk = Walk(sys.argv[1])
    for name in ("malloc", "free"):
        ways = walk.ways(name)
        if not ways:
            sys.exit(f"{name}: no way to a return without a slow path")
        most = {column: max(way[column] for way in ways) for column in COLUMNS}
        most["ways"] = len(ways)
        print(name, *(f"{column}={most[column]}" for column in COLUMNS))


main()
