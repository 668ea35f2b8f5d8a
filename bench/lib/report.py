"""From runs to medians, ratios and geometric means; as text and as JSON."""
import json
import math
import os
import platform
import subprocess
import time

from measure import median

SCHEMA = 1
METRICS = {"time": "s", "rss": "MiB"}


class Table:
    """values[metric][workload][allocator]: the medians. `subject` is compared with the peers, which are the rest."""

    def __init__(self, allocators, time_field):
        self.allocators, self.time_field = allocators, time_field
        names = [a.name for a in allocators]
        self.subject = "heaptap" if "heaptap" in names else names[-1]
        self.peers = [name for name in names if name != self.subject]
        self.runs = {}

    def add(self, workload, runs):
        self.runs[workload.name] = (workload, {name: found for name, found in runs.items() if found})

    def value(self, metric, workload, allocator):
        kind, runs = self.runs[workload]
        if allocator not in runs:
            return None
        if metric == "rss":
            return median(runs[allocator], "peak_kib") / 1024
        return median(runs[allocator], "processor" if kind.is_server else self.time_field)

    def best_peer(self, metric, workload):
        """(name, value) of the fastest or leanest; None when no peer ran."""
        found = [(name, self.value(metric, workload, name)) for name in self.peers]
        found = [(name, value) for name, value in found if value]
        return min(found, key=lambda pair: pair[1]) if found else None

    def ratio(self, metric, workload, peer=None):
        """Subject / peer, or / the best peer there."""
        best = self.best_peer(metric, workload)
        against = self.value(metric, workload, peer) if peer else best and best[1]
        ours = self.value(metric, workload, self.subject)
        return ours / against if ours and against else None

    def mean_ratio(self, metric, peer=None):
        """Geometric mean over the workloads that both ran; None when there are none."""
        ratios = [self.ratio(metric, workload, peer) for workload in self.runs]
        ratios = [r for r in ratios if r]
        return math.exp(sum(map(math.log, ratios)) / len(ratios)) if ratios else None


def _cell(value, form):
    return format(value, form) if value is not None else "-"


def _text_of(table, metric):
    names = [a.name for a in table.allocators]
    best = "fastest" if metric == "time" else "leanest"
    width = max(map(len, list(table.runs) + ["geometric mean"])) + 2
    column = max(9, max(map(len, names)) + 2)
    title = f"{metric if metric == 'time' else 'peak RSS'}, {METRICS[metric]}"
    lines = [title.ljust(width) + "".join(n.rjust(column) for n in names) + f"{table.subject} / {best} peer".rjust(30)]
    form = ".3f" if metric == "time" else ".1f"
    for workload in table.runs:
        cells = "".join(_cell(table.value(metric, workload, n), form).rjust(column) for n in names)
        found = table.best_peer(metric, workload)
        lines.append(workload.ljust(width) + cells +
                     f"{_cell(table.ratio(metric, workload), '.2f')} ({found[0] if found else 'none'})".rjust(30))
    means = "".join(("1" if n == table.subject else _cell(table.mean_ratio(metric, n), ".2f")).rjust(column) for n in names)
    lines.append("geometric mean".ljust(width) + means + _cell(table.mean_ratio(metric), ".2f").rjust(30))
    return lines


def as_text(table):
    lines = _text_of(table, "time") + [""] + _text_of(table, "rss") + [""]
    lines.append(f"The last line of each: {table.subject} / that peer, and / the best peer of each workload; below 1 is better.")
    return "\n".join(lines) + "\n"


def machine():
    model = "unknown"
    listing = subprocess.run(["lscpu"], capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"}, check=False)
    for line in listing.stdout.splitlines():
        if line.startswith("Model name:"):
            model = line.partition(":")[2].strip()
    with open("/proc/meminfo", encoding="ascii") as file:
        memory_kib = int(file.readline().split()[1])
    return {"cpu": model, "cpus": os.cpu_count(), "memory_mib": memory_kib // 1024,
            "kernel": f"{platform.system()} {platform.release()} {platform.machine()}", "libc": " ".join(platform.libc_ver())}


def as_json(table, options, loads):
    workloads = []
    for name, (kind, runs) in table.runs.items():
        workloads.append({
            "name": name, "threads": kind.threads, "server": kind.is_server,
            "time_s": {a.name: table.value("time", name, a.name) for a in table.allocators},
            "peak_rss_mib": {a.name: table.value("rss", name, a.name) for a in table.allocators},
            "time_ratio_to_fastest_peer": table.ratio("time", name),
            "rss_ratio_to_leanest_peer": table.ratio("rss", name),
            "runs": {label: [run.as_json() for run in found] for label, found in runs.items()},
        })
    summary = {f"{metric}_ratio": {**{p: table.mean_ratio(metric, p) for p in table.peers}, "best": table.mean_ratio(metric)}
               for metric in METRICS}
    return json.dumps({
        "schema": SCHEMA, "when": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "machine": machine(),
        "load_average": loads, "options": options, "subject": table.subject,
        "allocators": {a.name: a.version for a in table.allocators},
        "geometric_means": summary, "workloads": workloads}, indent=1) + "\n"
