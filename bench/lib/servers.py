"""Workloads that are servers: the server runs under the allocator, its client does not. What is measured is the server
alone: its processor time, the time the client took, and its peak RSS as the kernel counted it."""
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time

START_SECONDS = 10
CLIENT_SECONDS = 60


class Server:
    is_server = True
    threads = 2

    def __init__(self, name, needs):
        self.name, self._needs = name, needs

    def missing(self):
        return next((need for need in self._needs if not shutil.which(need)), None)

    def prepare(self, scale):
        pass

    def measure(self, library, environment, scale, prefix=()):
        """wall, user, system, peak KiB. `prefix` stands before the server's command; what that starts counts too."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "socket")
            child = subprocess.Popen([*prefix, *self.command(path, folder)], env={**environment, **preload(library)},
                                     stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                _wait_for(path, child, self.name)
                began = time.monotonic()
                self.load(path, environment, scale)
                wall = time.monotonic() - began
                peak = _peak_kib(child.pid)
                user, system = _processor_seconds(child.pid)
            finally:
                os.kill(_find(child.pid, self.name), signal.SIGTERM)
                _end(child)
        return wall, user, system, peak


def preload(library):
    return {"LD_PRELOAD": library} if library else {}


def _wait_for(path, child, name):
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and child.poll() is None:
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(path)
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"{name} does not start")


def _end(child):
    try:
        child.wait(timeout=START_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _peak_kib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM:"))


def _children(pid):
    found = []
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
            found += [int(child) for child in file.read().split()]
    return found


def _find(pid, name):
    """The process itself, or that of its descendants whose name begins so."""
    for child in _children(pid):
        with open(f"/proc/{child}/comm", encoding="ascii", errors="replace") as file:
            if file.read().startswith(name):
                return child
    return pid


def _processor_seconds(pid):
    """Of a process and of its children: those there are, and those that it has waited for."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        fields = file.read().rpartition(")")[2].split()
    tick = os.sysconf("SC_CLK_TCK")
    user, system = (int(fields[11]) + int(fields[13])) / tick, (int(fields[12]) + int(fields[14])) / tick
    for child in _children(pid):
        more = _processor_seconds(child)
        user, system = user + more[0], system + more[1]
    return user, system


class Redis(Server):
    """Strings, lists, sets, hashes and sorted sets, written and read by thirty clients, values of 300 bytes."""

    def __init__(self):
        super().__init__("redis", ["redis-server", "redis-benchmark"])

    def command(self, path, folder):
        return ["redis-server", "--port", "0", "--unixsocket", path, "--dir", folder, "--save", "", "--appendonly", "no"]

    def load(self, path, environment, scale):
        requests = str(max(1000, int(100000 * scale)))
        done = subprocess.run(["redis-benchmark", "-s", path, "-q", "-c", "30", "-n", requests, "-d", "300", "-r", "50000",
                               "-P", "8", "-t", "set,get,incr,lpush,rpop,sadd,hset,zadd,lrange_100"],
                              env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                              timeout=CLIENT_SECONDS, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"redis-benchmark failed: {done.stderr.decode(errors='replace')[-200:]}")


class Memcached(Server):
    """Connections that come and go, each of which writes two thousand values of 16 bytes to 4 KiB, in batches of a hundred,
    and reads half of them back. memcached has an allocator of its own for items, and malloc for the rest."""

    def __init__(self):
        super().__init__("memcached", ["memcached"])

    def command(self, path, folder):
        user = ["-u", "root"] if os.geteuid() == 0 else []
        return ["memcached", "-s", path, "-m", "128", "-t", "2", *user]

    def load(self, path, environment, scale):
        for turn in range(max(1, int(250 * scale))):
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(path)
                client.settimeout(CLIENT_SECONDS)
                self._exchange(client, turn)

    # The server answers each command with a packet of its own, and stops reading when some hundreds of them wait.
    def _exchange(self, client, turn):
        for first in range(turn % 20 * 1000, turn % 20 * 1000 + 2000, 100):
            keys = range(first, first + 100)
            client.sendall(b"".join(self._set(key) for key in keys))
            self._must_receive(client, 100, b"STORED\r\n")
            client.sendall(b"get " + b" ".join(b"key%d" % key for key in keys[::2]) + b"\r\n")
            self._must_receive(client, 1, b"END\r\n")

    @staticmethod
    def _set(key):
        size = 16 + key * 7919 % (4096 if key % 8 == 0 else 512)
        return b"set key%d 0 0 %d\r\n%s\r\n" % (key, size, b"x" * size)

    @staticmethod
    def _must_receive(client, count, mark):
        kept, seen = b"", 0
        while seen < count:
            data = client.recv(1 << 16)
            if not data:
                raise RuntimeError("memcached closed the connection")
            kept += data
            seen += kept.count(mark)
            kept = kept[kept.rfind(mark) + len(mark):] if mark in kept else kept[-len(mark):]


SERVERS = [Redis(), Memcached()]
