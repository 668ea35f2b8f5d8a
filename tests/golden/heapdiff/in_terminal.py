"""Runs a command in a terminal of so many columns and writes what it printed there.

usage: in_terminal.py COLUMNS COMMAND [ARGUMENT...]

Fails when a line is longer than the terminal, by the widths of Python's own copy of the Unicode database."""
import fcntl
import os
import pty
import re
import struct
import sys
import termios
import unicodedata


def width(text):
    total = 0
    for c in text:
        category = unicodedata.category(c)
        if category in ("Mn", "Me", "Cf"):
            continue
        total += 2 if unicodedata.east_asian_width(c) in "WF" else 1
    return total


def visible(line):
    return re.sub("\x1b\\[[0-9;]*m", "", line)


def run(columns, command):
    """Output and exit status."""
    pid, fd = pty.fork()
    if pid == 0:
        os.read(0, 1)  # the size is set before the command looks
        os.execvp(command[0], command)
    attributes = termios.tcgetattr(fd)
    attributes[1] &= ~termios.OPOST
    attributes[3] &= ~(termios.ECHO | termios.ICANON)
    termios.tcsetattr(fd, termios.TCSANOW, attributes)
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    os.write(fd, b"x")
    out = b""
    while True:
        try:
            part = os.read(fd, 65536)
        except OSError:
            break
        if not part:
            break
        out += part
    os.close(fd)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return out.decode("utf-8", "backslashreplace"), status


def too_long(text, columns):
    return [line for line in text.split("\n") if width(visible(line)) > columns]


def main():
    columns = int(sys.argv[1])
    text, status = run(columns, sys.argv[2:])
    sys.stdout.buffer.write(text.encode())
    shown = int(os.environ["COLUMNS"]) if os.environ.get("COLUMNS") else columns
    if too_long(text, shown):
        sys.exit("lines of more than %d columns: %r" % (shown, too_long(text, shown)))
    sys.exit(status)


if __name__ == "__main__":
    main()
