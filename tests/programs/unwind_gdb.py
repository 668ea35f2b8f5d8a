"""Run by gdb (unwind_gdb.sh): each stack that the library has captured is compared with gdb's own, at the same moment.

The library keeps a stack by stack_table_intern(table, frames, count). gdb stops there, walks by itself, and leaves out
what is left out there: the library's own frames at the leaf. Inlined functions and tail calls are frames to gdb alone.
A thread that records much remembers its last stacks, and does not capture them again; where stack_memo_find has returned
one to record_often, gdb stops too, and compares what is kept under that number.

UNWIND_OUT is the file for the verdict: a line of counts, then the stacks that differ.
    same     all frames are equal; where gdb walks on from a function that nobody called, up to there
    cut      the first frames are equal, and the captured stack ends there
    farther  all frames of gdb's are equal; it gave up there, for a reason of which it says that it is a failure
    wrong    anything else
and how many of them were remembered.
UNWIND_REMOTE is where a program waits for gdb, in place of one to run. UNWIND_MOST bounds the number of stacks that are looked at.
"""
import collections
import os
import re

import gdb

WORD = 8
REGISTERS = {"aarch64": ("$x1", "$x2")}  # of the second and third argument
SHOWN = 5
VERDICTS = "same", "cut", "farther", "wrong"
# makecontext puts the start of this function where a return address would be; nothing is above it.
NOBODY_CALLED = "__start_context in section"

verdicts = collections.Counter()
shown = []
cut_at = collections.Counter()
seen = set()
codes = []


def is_ours(pc):
    return "libheaptap" in (gdb.solib_name(pc) or "")


def gdb_stack():
    """Return addresses, leaf first, and why there are no more."""
    out, frame = [], gdb.newest_frame()
    while True:
        if frame.type() not in (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME):
            out.append(frame.pc())
        older = frame.older()
        if older is None:
            break
        frame = older
    own = 0
    while own < len(out) and is_ours(out[own]):
        own += 1
    return out[own:], frame.unwind_stop_reason()


def captured_stack():
    processor = gdb.selected_inferior().architecture().name().split(":")[0]
    address, count = (int(gdb.parse_and_eval(f"(unsigned long){register}"))
                      for register in REGISTERS.get(processor, ("$rsi", "$rdx")))
    memory = gdb.selected_inferior().read_memory(address, count * WORD).tobytes() if count else b""
    return [int.from_bytes(memory[i * WORD:(i + 1) * WORD], "little") for i in range(count)]


def name(pc):
    symbol = gdb.execute(f"info symbol {pc:#x}", to_string=True).split("\n")[0]
    return f"somewhere in {os.path.basename(gdb.solib_name(pc) or 'no library')}" if "No symbol" in symbol else symbol


def judge(ours, theirs, reason):
    if ours == theirs:
        return "same"
    if ours == theirs[:len(ours)]:
        return "same" if ours and name(ours[-1]).startswith(NOBODY_CALLED) else "cut"
    if ours[:len(theirs)] == theirs and reason != gdb.FRAME_UNWIND_NO_REASON:
        return "farther"
    return "wrong"


def show(verdict, ours, theirs, reason):
    shown.append(f"{verdict}; gdb ended with: {gdb.frame_stop_reason_string(reason)}")
    for i in range(max(len(ours), len(theirs))):
        mine, other = (stack[i] if i < len(stack) else 0 for stack in (ours, theirs))
        shown.append(f"  {'  ' if mine == other else '! '}{mine:#18x} {other:#18x}  {name(other or mine)}")


def kept_stack(number):
    table = gdb.parse_and_eval("record_tables.stacks")
    words = int(table["words"]["base"]) + number * WORD
    count = int.from_bytes(gdb.selected_inferior().read_memory(words, 4).tobytes(), "little")
    memory = gdb.selected_inferior().read_memory(words + WORD, count * WORD).tobytes()
    return [int.from_bytes(memory[i * WORD:(i + 1) * WORD], "little") for i in range(count)]


class Compared(gdb.Breakpoint):
    def compare(self, ours):
        theirs, reason = gdb_stack()
        verdict = judge(ours, theirs, reason)
        verdicts[verdict] += 1
        where = ""
        if verdict == "cut":
            where = name(ours[-1]).split(" in section")[0] if ours else "(nothing)"
            cut_at[where] += 1
        if verdict != "same" and (verdict, where) not in seen and len(seen) < SHOWN:
            seen.add((verdict, where))
            show(verdict, ours, theirs, reason)
        if sum(verdicts[word] for word in VERDICTS) >= int(os.environ.get("UNWIND_MOST", "100000")):
            self.enabled = False


class Interned(Compared):
    """Stops for good the first time, when the library is there and Remembered can be placed."""
    is_first = True

    def stop(self):
        self.compare(captured_stack())
        first, self.is_first = self.is_first, False
        return first


class Remembered(Compared):
    def stop(self):
        number = int(gdb.parse_and_eval("(unsigned)$eax"))
        if number:
            verdicts["remembered"] += 1
            self.compare(kept_stack(number))
        return False


def place_remembered():
    """Behind the call; nothing where this machine's way has no such call."""
    try:
        code = gdb.execute("disassemble record_often", to_string=True).split("\n")
    except gdb.error:
        return
    for line, following in zip(code, code[1:]):
        if "call" in line and "<stack_memo_find>" in line:
            Remembered("*" + re.search(r"0x[0-9a-f]+", following)[0], internal=True)


def main():
    for setting in ("pagination off", "confirm off", "breakpoint pending on", "backtrace past-main on",
                    "backtrace past-entry on", "backtrace limit unlimited", "startup-with-shell off"):
        gdb.execute(f"set {setting}")
    gdb.execute("handle all nostop noprint pass", to_string=True)
    for setting in os.environ.get("UNWIND_ENVIRONMENT", "").split():
        gdb.execute("set environment " + setting.replace("=", " ", 1))
    first = gdb.selected_inferior()
    gdb.events.exited.connect(lambda event: event.inferior == first and codes.append(getattr(event, "exit_code", None)))
    port = os.environ.get("UNWIND_REMOTE")
    if port:
        gdb.execute(f"target remote {port}")
    Interned("stack_table_intern", internal=True)
    gdb.execute("continue" if port else "run")
    if first.pid:
        place_remembered()
    while first.pid:
        gdb.execute("continue")
    with open(os.environ["UNWIND_OUT"], "w") as out:
        counts = " ".join(f"{word}={verdicts[word]}" for word in (*VERDICTS, "remembered"))
        print(f"exit={codes} {counts}", file=out)
        for where, count in cut_at.most_common():
            print(f"cut at {where}: {count}", file=out)
        print("\n".join(shown), file=out)


main()
