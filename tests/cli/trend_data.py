"""Writes dumps of a service as heaptap would have: of an hour each, in dumps/, of a process of 40 files and of an older one
of 9; each object recorded with its probability, from a fixed seed. Also a few that are damaged, in damaged/, and as many
as asked for in many/.

usage: trend_data.py DIRECTORY [FILES]"""
import math
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../interop"))
import pprof_file

RATE, HOUR, START = 524288, 3600 * 10**9, 1700000000 * 10**9
KIB, MIB = 1024, 1024 * 1024
PLACES = {"main": ("src/main.c", 10), "serve": ("src/server.c", 55), "session_new": ("src/session.c", 31),
          "cache_insert": ("src/cache.c", 88), "index_load": ("src/index.c", 12), "batch_collect": ("src/batch.c", 140),
          "log_append": ("src/log.c", 7), "config_read": ("src/config.c", 20), "drain": ("src/queue.c", 64)}
TYPES = [("alloc_objects", "count"), ("alloc_space", "bytes"), ("inuse_objects", "count"), ("inuse_space", "bytes")]


class Row:
    """Objects of one size: `level` says how many bytes live at an hour; the oldest go first, and `turnover` of all are
    replaced by new ones in an hour."""

    def __init__(self, name, size, level, turnover):
        self.name, self.size, self.level, self.turnover = name, size, level, turnover
        self.p = -math.expm1(-size / RATE)
        self.objects, self.recorded, self.allocated = 0, [], 0

    def count(self, mean):
        """A draw from Poisson's distribution."""
        sum_, n = random.expovariate(1), 0
        while sum_ < mean:
            sum_, n = sum_ + random.expovariate(1), n + 1
        return n

    def advance(self, hour):
        kept = [one for one in self.recorded if random.random() >= self.turnover]
        gone = len(self.recorded) - len(kept)
        self.recorded = kept + [0] * (self.count(self.objects * self.p * self.turnover) if self.objects else 0)
        self.allocated += max(len(self.recorded) - len(kept), 0) if gone or self.turnover else 0
        wanted = int(self.level(hour) / self.size)
        if wanted > self.objects:
            new = self.count((wanted - self.objects) * self.p)
            self.recorded += [0] * new
            self.allocated += new
        elif self.objects:
            share = wanted / self.objects
            self.recorded = [one for one in self.recorded if random.random() < share]
        self.objects = wanted

    def values(self):
        def scale(n):
            return int(n / self.p), int(n * self.size / self.p)
        return scale(self.allocated) + scale(len(self.recorded))


def service(leak):
    return [Row("session_new", 2 * KIB, lambda t: 20 * MIB + leak * t, 0),
            Row("cache_insert", 4 * KIB, lambda t: 96 * MIB, 0.5),
            Row("index_load", 16 * KIB, lambda t: 480 * MIB * min(1, t / 6), 0),
            Row("batch_collect", 32 * KIB, lambda t: 4 * MIB + 8 * MIB * (t % 8), 0.1),
            Row("log_append", 512, lambda t: 3 * MIB, 1),
            Row("drain", 8 * KIB, lambda t: max(0, 60 - 1.5 * t) * MIB, 0),
            Row("config_read", 2 * MIB, lambda t: 6 * MIB, 0)]


def profile(rows, instance, pid, time):
    names = ["main", "serve"] + [row.name for row in rows]
    made = {"sample_types": [{"type": t, "unit": u} for t, u in TYPES], "period": RATE,
            "period_type": {"type": "space", "unit": "bytes"}, "time_nanos": time,
            "comments": ["heaptap_version=0.1.0", "heaptap_instance=" + instance, "heaptap_pid=%d" % pid],
            "mappings": [{"id": 1, "start": 0x400000, "limit": 0x500000, "offset": 0, "file": "/opt/svc/service",
                          "has_functions": 1}],
            "functions": [], "locations": [], "samples": []}
    for i, name in enumerate(names):
        file, line = PLACES[name]
        made["functions"].append({"id": i + 1, "name": name, "system_name": name, "file": "/build/svc/" + file,
                                  "start_line": line})
        made["locations"].append({"id": i + 1, "mapping": 1, "address": 0x400000 + 16 * i,
                                  "lines": [{"function": i + 1, "line": line + 2}]})
    for i, row in enumerate(rows):
        if row.allocated:
            made["samples"].append({"locations": [i + 3, 2, 1], "values": list(row.values()),
                                    "labels": [{"key": "bytes", "num": row.size}]})
    return made


def write_process(folder, instance, pid, first_hour, hours, leak, step=1):
    rows = service(leak)
    for k in range(hours):
        for row in rows:
            row.advance(k * step)
        made = profile(rows, instance, pid, START + int((first_hour + k * step) * HOUR))
        pprof_file.write(made, "%s/svc.%d.%d.pb.gz" % (folder, pid, k + 1))


def main():
    os.chdir(sys.argv[1])
    random.seed(1)
    for folder in "dumps", "damaged", "few":
        os.mkdir(folder)
    write_process("dumps", "0ldpr0ce55", 311, 0, 9, 6 * MIB)
    write_process("dumps", "5f3ca9be", 4242, 9.5, 40, 6 * MIB)
    write_process("few", "5f3ca9be", 4242, 0, 3, 6 * MIB)
    write_process("damaged", "5f3ca9be", 4242, 0, 12, 6 * MIB)
    whole = open("damaged/svc.4242.12.pb.gz", "rb").read()
    open("damaged/svc.4242.12.pb.gz", "wb").write(whole[:len(whole) // 2])
    open("damaged/svc.4242.7.pb.gz", "wb").close()
    open("damaged/readme.txt", "w").write("no profile\n")
    if len(sys.argv) > 2:
        os.mkdir("many")
        write_process("many", "5f3ca9be", 4242, 0, int(sys.argv[2]), 6 * MIB, 30 * 24 / int(sys.argv[2]))


main()
