"""The workloads: how each is built and what it runs. docs/bench.md says what they are for."""
import os
import shutil
import subprocess
import sys

from allocators import ROOT

SOURCES = os.path.join(ROOT, "bench", "workloads")
LAUNCHER = os.path.join(ROOT, "bench", "lib", "launch.c")
PROBE = os.path.join(ROOT, "bench", "lib", "sample_probe.c")
BUILT = os.path.join(ROOT, "build", "bench")
# The compiler may not know what malloc does: it would drop a pair of malloc and free.
FLAGS = ["-O2", "-g", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-fno-builtin", "-pthread"]


class Workload:
    """A command that is run under an allocator and ends by itself."""

    is_server = False

    def __init__(self, name, command, threads=1, environment=None, prepare=None, needs=None):
        self.name, self.threads = name, threads
        self._command, self._prepare, self._needs = command, prepare, needs
        self.environment = environment or {}

    def missing(self):
        return next((need for need in self._needs or () if not shutil.which(need)), None)

    def prepare(self, scale):
        if self._prepare:
            self._prepare(scale)

    def command(self, scale):
        return [word.replace("{scale}", str(scale)) for word in self._command]


def built(name):
    return os.path.join(BUILT, name)


def _is_older(target, sources):
    return not os.path.exists(target) or any(os.path.getmtime(s) > os.path.getmtime(target) for s in sources)


def build(say):
    """Every program of bench/workloads, and the launcher, where their sources are newer."""
    os.makedirs(BUILT, exist_ok=True)
    headers = [os.path.join(folder, name) for folder in (SOURCES, os.path.dirname(PROBE)) for name in os.listdir(folder)
               if name.endswith(".h")]
    sources = [os.path.join(SOURCES, name) for name in sorted(os.listdir(SOURCES)) if name.endswith((".c", ".cc"))]
    for source in [LAUNCHER, PROBE] + sources:
        target = built(os.path.splitext(os.path.basename(source))[0])
        if not _is_older(target, headers + [source]):
            continue
        compiler = ["c++", "-std=gnu++17"] if source.endswith(".cc") else ["cc", "-std=gnu17"]
        say(f"building {os.path.basename(target)}")
        linkage = ["-static"] if source == LAUNCHER else []
        done = subprocess.run(compiler + FLAGS + ["-I" + ROOT, source, "-o", target] + linkage + ["-lm"], check=False)
        if done.returncode != 0:
            raise SystemExit(f"cannot build '{source}'")


def _write_c_file(scale):
    """About 5,000 lines at scale 1: functions with loops, switches, structures and calls of one another."""
    with open(built("compiled.c"), "w", encoding="ascii") as file:
        file.write("struct node { struct node *next; unsigned long value; unsigned char kind; };\n")
        file.write("static unsigned long step_0(const struct node *n, unsigned long a) { return n ? n->value + a : a; }\n")
        for i in range(1, max(2, int(360 * scale))):
            file.write(f"""
static unsigned long step_{i}(const struct node *n, unsigned long a) {{
    unsigned long total = a * {2 * i + 1}ul + {i % 97}ul;
    for (; n; n = n->next) {{
        switch (n->kind % {3 + i % 5}) {{
        case 0: total += n->value << {i % 31}; break;
        case 1: total ^= step_{i // 2}(n->next, total & 7); break;
        default: total = total * 31 + step_{i - 1}(n->next, total & 3); break;
        }}
        if ((n->value ^ total) & {i}ul) total -= n->value;
    }}
    return total;
}}
""")
        file.write(f"unsigned long work(const struct node *n) {{ return step_{i}(n, 1); }}\n")


def _write_sql(scale):
    with open(os.path.join(SOURCES, "sqlite_work.sql"), encoding="ascii") as template:
        text = template.read().replace("@SCALE@", str(scale))
    with open(built("sqlite_work.sql"), "w", encoding="ascii") as file:
        file.write(text)


def _ours(name, threads=1, program=None, arguments=()):
    return Workload(name, [built(program or name), "{scale}", *arguments], threads=threads)


OUR_WORKLOADS = [
    _ours("small_fixed"),
    _ours("small_mixed"),
    _ours("producer_consumer", threads=2),
    _ours("all_to_all", threads=4),
    _ours("thread_churn", threads=4),
    _ours("bulk_same_order", program="bulk"),
    _ours("bulk_reverse_order", program="bulk", arguments=["reverse"]),
    _ours("realloc_growth"),
    _ours("calloc_mix"),
    _ours("aligned_mix"),
    _ours("large_blocks"),
    _ours("false_sharing_active", threads=2, program="false_sharing"),
    _ours("false_sharing_passive", threads=2, program="false_sharing", arguments=["passive"]),
    _ours("fragmentation"),
    _ours("cpp_containers"),
]



def compiler_proper(path):
    """What the driver of `gcc` starts, by itself."""
    return Workload("gcc", [path, "-quiet", "-O1", built("compiled.c"), "-o", "/dev/null"], prepare=_write_c_file, needs=[path])


REAL_PROGRAMS = [
    Workload("python3", [sys.executable, os.path.join(SOURCES, "python_work.py"), "{scale}"],
             environment={"PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}),
    Workload("gcc", ["gcc", "-O1", "-c", built("compiled.c"), "-o", "/dev/null"], prepare=_write_c_file, needs=["gcc"]),
    Workload("sqlite3", ["sqlite3", ":memory:", ".read " + built("sqlite_work.sql")], prepare=_write_sql, needs=["sqlite3"]),
]
