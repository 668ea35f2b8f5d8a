"""help_terminal.py WIDTH COMMAND...: runs it on a terminal of so many columns, and prints what it printed there."""
import fcntl
import os
import pty
import struct
import sys
import termios

pid, fd = pty.fork()
if pid == 0:
    os.read(0, 1)  # until the width is set
    os.execvp(sys.argv[2], sys.argv[2:])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', 50, int(sys.argv[1]), 0, 0))
settings = termios.tcgetattr(fd)
settings[3] &= ~(termios.ECHO | termios.ICANON)
settings[1] &= ~termios.OPOST
termios.tcsetattr(fd, termios.TCSANOW, settings)
os.write(fd, b'x')
printed = b''
try:
    while piece := os.read(fd, 65536):
        printed += piece
except OSError:
    pass
sys.stdout.buffer.write(printed)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
