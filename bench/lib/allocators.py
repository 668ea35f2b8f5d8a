"""Which allocators are compared, and where they are: names of libraries that are preloaded."""
import os
import shutil
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PRESET = "release"
OURS = os.path.join(ROOT, "build", PRESET, "libheaptap.so")

# name: (soname, Debian package). The C library is preloaded too: some programs (Debian's redis-server) are linked with an
# allocator of their own, which would otherwise be measured under glibc's name.
PEERS = {
    "glibc": ("libc.so.6", "libc6"),
    "mimalloc": ("libmimalloc.so.2", "libmimalloc2.0"),
    "jemalloc": ("libjemalloc.so.2", "libjemalloc2"),
    "tcmalloc": ("libtcmalloc_minimal.so.4", "libtcmalloc-minimal4"),
}


class Allocator:
    def __init__(self, name, library, version):
        self.name, self.library, self.version = name, library, version


def loader_cache():
    """soname -> path, of this machine's own architecture (the first that ldconfig lists)."""
    command = shutil.which("ldconfig") or "/sbin/ldconfig"
    listing = subprocess.run([command, "-p"], capture_output=True, text=True, check=False).stdout
    paths = {}
    for line in listing.splitlines():
        name, arrow, path = line.strip().partition(" => ")
        if arrow and ("x86-64" in name or "AArch64" in name):
            paths.setdefault(name.split()[0], path)
    return paths


def package_version(package):
    query = subprocess.run(["dpkg-query", "-W", "-f=${Version}", package], capture_output=True, text=True, check=False)
    return query.stdout if query.returncode == 0 else "unknown"


def our_version():
    described = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"],
                               capture_output=True, text=True, check=False)
    return described.stdout.strip() or "unknown"


def find(names, say):
    """The allocators of these names (`name=path` for any library); says which are not there."""
    known = loader_cache()
    found = []
    for name in names:
        label, equals, path = name.partition("=")
        if equals:
            if not os.path.exists(path):
                raise SystemExit(f"cannot find the library '{path}'")
            found.append(Allocator(label, os.path.abspath(path), "given"))
        elif name == "heaptap":
            found.append(Allocator(name, OURS, our_version()))
        elif name not in PEERS:
            raise SystemExit(f"unknown allocator '{name}': heaptap, {', '.join(PEERS)} or name=path")
        elif PEERS[name][0] in known:
            soname, package = PEERS[name]
            found.append(Allocator(name, known[soname], package_version(package)))
        else:
            say(f"{name}: skipped, package {PEERS[name][1]} is not installed")
    return found


def build_ours(say):
    """Configures once, builds, and leaves the compiler's output to itself unless it fails."""
    say("building the release preset")
    for command in (["cmake", "--preset", PRESET], ["cmake", "--build", "--preset", PRESET, "--target", "libheaptap.so"]):
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"{done.stdout}\ncannot build heaptap: '{' '.join(command)}' ended with {done.returncode}")
