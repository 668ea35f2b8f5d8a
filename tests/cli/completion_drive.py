"""Asks a shell what it completes, through the completions that the build made.

completion_drive.py bash|zsh|fish COMPLETIONS < CASES: in a folder of its own, with a `heaptap` whose `ps` knows two
processes. Lists of zsh and all typed lines come from an interactive shell on a terminal of its own.
"""
import os
import pty
import select
import subprocess
import sys
import tempfile
import time

PATIENCE = 20

BASH = r'''
PS1='> '; bind 'set enable-bracketed-paste off'
source "$COMPLETIONS/heapdiff.bash"; source "$COMPLETIONS/heaptap.bash"
heapdiff() { printf '<%s>' "$@" > answer; mv answer answered; }
real=$(type -P heaptap)
heaptap() { if [ "$1" = ps ]; then "$real" ps; else printf '<%s>' "$@" > answer; mv answer answered; fi; }
'''

ZSH = r'''
PS1='> '; unset zle_bracketed_paste; setopt no_beep no_hup
fpath=("$COMPLETIONS" $fpath); autoload -Uz compinit; compinit -D -u
heapdiff() { printf '<%s>' "$@" > answer; mv answer answered }
real=$commands[heaptap]
heaptap() { if [ "$1" = ps ]; then $real ps; else printf '<%s>' "$@" > answer; mv answer answered; fi }
offered=()
compadd() {
    local -a hits
    if [[ " $* " == *" -"[OAD]" "* ]]; then builtin compadd "$@"; return; fi
    builtin compadd -O hits "$@"
    offered+=("${hits[@]}")
    builtin compadd "$@"
}
list_all() {
    offered=(); _main_complete
    print -rl -- "${(ou)offered[@]}" > answer; mv answer answered
    compstate[insert]= compstate[list]=
}
zle -C list_all complete-word list_all; bindkey '^O' list_all
'''

FISH = r'''
function fish_prompt; echo '> '; end
function fish_greeting; end
set -g real (command -s heaptap)
function heapdiff; printf '<%s>' $argv > answer; mv answer answered; end
function heaptap; if test "$argv[1]" = ps; $real ps; else; printf '<%s>' $argv > answer; mv answer answered; end; end
source $COMPLETIONS/heapdiff.fish; source $COMPLETIONS/heaptap.fish
'''


class Terminal:
    """A shell that has read `setup`."""

    def __init__(self, command, setup):
        with open('setup', 'w') as file:
            file.write(setup)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ['TERM'] = 'xterm'
            os.execvp(command[0], command)
        time.sleep(0.2)
        self.seen = b''
        self.ask('source ./setup; touch answered\n')

    def drain(self):
        while select.select([self.fd], [], [], 0)[0]:
            try:
                self.seen += os.read(self.fd, 65536)
            except OSError:
                raise SystemExit('the shell ended: %r' % self.seen[-2000:])

    def ask(self, keys):
        """What the shell wrote to the file `answered` on these keys."""
        os.write(self.fd, keys.encode())
        end = time.monotonic() + PATIENCE
        while not os.path.exists('answered'):
            self.drain()
            if time.monotonic() > end:
                raise SystemExit('no answer to %r: %r' % (keys, self.seen[-2000:]))
            time.sleep(0.005)
        with open('answered') as file:
            answer = file.read()
        os.remove('answered')
        return answer

    def close(self):
        os.close(self.fd)
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)


def split_as_readline(line):
    """Words as COMP_WORDS has them: = and : are words of their own."""
    words = []
    for word in line.split(' '):
        part = ''
        for letter in word:
            if letter in '=:':
                words += [part, letter] if part else [letter]
                part = ''
            else:
                part += letter
        if part or not word:
            words.append(part)
    return words


def list_bash(line):
    words = split_as_readline(line)
    script = 'source "$COMPLETIONS/heapdiff.bash"; source "$COMPLETIONS/heaptap.bash"; COMP_WORDS=("$@")\n' \
             'COMP_CWORD=$(($# - 1)); "_$1"; printf "%s\\n" "${COMPREPLY[@]}"'
    return subprocess.run(['bash', '--norc', '-c', script, 'bash', *words], capture_output=True, text=True).stdout


def list_fish(line):
    script = 'source $COMPLETIONS/heapdiff.fish; source $COMPLETIONS/heaptap.fish; complete -C $argv[1]'
    return subprocess.run(['fish', '--no-config', '-c', script, line], capture_output=True, text=True).stdout


def make_folder():
    os.mkdir('folder')
    for name in ('old.pb.gz', 'new.pb.gz', 'notes.txt', 'with a blank', 'folder/in.pb.gz'):
        open(name, 'w').close()
    os.mkdir('bin')
    for name, text in (('heaptap', '#!/bin/sh\necho "    PID  PROGRAM"\necho "   1234  server   3s"\n'
                        'echo "  56789  other   4s"\n'), ('program-of-the-test', '#!/bin/sh\n')):
        with open('bin/' + name, 'w') as file:
            file.write(text)
        os.chmod('bin/' + name, 0o755)
    os.environ['PATH'] = os.getcwd() + '/bin:' + os.environ['PATH']


def main():
    shell = sys.argv[1]
    os.environ['COMPLETIONS'] = os.path.abspath(sys.argv[2])
    cases = [line.rstrip('\n').partition(': ') for line in sys.stdin if not line.startswith('#')]
    with tempfile.TemporaryDirectory() as home:
        os.chdir(home)
        os.environ['HOME'] = home
        os.environ['XDG_CONFIG_HOME'] = os.environ['XDG_DATA_HOME'] = home + '/.fish'
        make_folder()
        commands = {'bash': ['bash', '--norc', '-i'], 'zsh': ['zsh', '-f', '-i'], 'fish': ['fish', '--no-config', '-i']}
        terminal = Terminal(commands[shell], {'bash': BASH, 'zsh': ZSH, 'fish': FISH}[shell])
        for kind, _, line in cases:
            if kind == 'type':
                print('%s[Tab]\n    %s' % (line, terminal.ask(line + '\t\n')))
                continue
            if shell == 'zsh':
                answer = terminal.ask(line + '\x0f')
                os.write(terminal.fd, b'\x15')
            else:
                answer = {'bash': list_bash, 'fish': list_fish}[shell](line)
            print('%s_' % line)
            for reply in sorted(set(answer.split('\n')) - {'', 'setup', 'bin', 'bin/', 'bin/\t'}):
                print('    ' + reply.replace('\t', '  # '))
        terminal.close()
        os.chdir('/')


main()
