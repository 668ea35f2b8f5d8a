"""Runs workloads under allocators in turns: each round runs every allocator once on a workload before the next begins,
so that what changes on the machine meanwhile falls on all of them."""
import os
import statistics
import subprocess
import tempfile

import programs
from servers import preload

PROGRAM_SECONDS = 300
CLEARED = ("LD_PRELOAD", "MALLOC_", "HEAPTAP_", "MIMALLOC_", "TCMALLOC_", "GLIBC_TUNABLES")


class Run:
    def __init__(self, wall, user, system, peak_kib):
        self.wall, self.user, self.system, self.peak_kib = wall, user, system, peak_kib

    @property
    def processor(self):
        return self.user + self.system

    def as_json(self):
        return {"wall_s": self.wall, "user_s": self.user, "system_s": self.system, "peak_rss_kib": self.peak_kib}


def clean_environment(extra=None):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(CLEARED)}
    return {**kept, "LC_ALL": "C", **(extra or {})}


def run_program(workload, allocator, scale, cpu, prefix=(), settings=None):
    """One run and what it printed. `prefix` stands before the command; what that starts and waits for counts too."""
    with tempfile.NamedTemporaryFile() as result:
        command = [programs.built("launch"), result.name, str(cpu) if workload.threads == 1 and cpu is not None else "-",
                   allocator.library or "-", *prefix, *workload.command(scale)]
        environment = clean_environment({**workload.environment, **(settings or {})})
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=PROGRAM_SECONDS, check=False)
        fields = result.read().decode().split()
    if done.returncode != 0 or fields[4] != "0" or b"ERROR: ld.so" in done.stderr:
        said = done.stderr.decode(errors="replace").strip()[-400:]
        raise RuntimeError(f"status {fields[4] if fields else done.returncode}: {said}")
    return Run(*map(float, fields[:3]), int(fields[3])), done.stdout


def run_server(workload, allocator, scale):
    return Run(*workload.measure(allocator.library, clean_environment(), scale)), b""


def run_all(workload, allocators, rounds, scale, cpu, say):
    """allocator name -> runs; an allocator under which the workload fails has none."""
    workload.prepare(scale)
    runs = {allocator.name: [] for allocator in allocators}
    answers = {}
    broken = set()
    for turn in range(rounds):
        for allocator in allocators[turn % len(allocators):] + allocators[:turn % len(allocators)]:
            if allocator.name in broken:
                continue
            try:
                if workload.is_server:
                    run, answer = run_server(workload, allocator, scale)
                else:
                    run, answer = run_program(workload, allocator, scale, cpu)
            except (RuntimeError, subprocess.TimeoutExpired, OSError) as problem:
                say(f"{workload.name} under {allocator.name} FAILED: {problem}")
                broken.add(allocator.name)
                continue
            answers.setdefault(answer, allocator.name)
            runs[allocator.name].append(run)
        say(f"{workload.name}: round {turn + 1} of {rounds}")
    if len(answers) > 1:
        say(f"{workload.name} FAILED: the results differ under {' and '.join(answers.values())}")
        broken.update(answers.values())
    return {name: [] if name in broken else found for name, found in runs.items()}


def median(runs, field):
    return statistics.median(getattr(run, field) for run in runs)


__all__ = ["Run", "clean_environment", "median", "preload", "run_all", "run_program"]
