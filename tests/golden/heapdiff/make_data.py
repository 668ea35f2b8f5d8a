"""Writes the small profiles that the golden answers are about: old.pb.gz and new.pb.gz (two dumps of one service),
other.pb.gz (another process, another rate), cpu.pb.gz (not a heap profile), recursion.pb.gz, names.pb.gz (names that try to
drive a terminal), and broken files.

usage: make_data.py DIRECTORY"""
import gzip
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../interop"))
import pprof_file

HEAP = [("alloc_objects", "count"), ("alloc_space", "bytes"), ("inuse_objects", "count"), ("inuse_space", "bytes")]
PLACES = {"main": ("/build/svc/src/main.c", 10), "serve": ("/build/svc/src/server.c", 55),
          "cache_insert": ("/build/svc/src/cache.c", 88), "json_parse": ("/build/svc/src/json.c", 40),
          "old_index_load": ("/build/svc/src/index.c", 12), "log_append": ("/build/svc/src/log.c", 7),
          "walk": ("/build/svc/src/../src/tree.c", 3)}


def make(samples, types=HEAP, instance="f00d", rate=524288, time=1700000000, names=()):
    profile = {"sample_types": [{"type": t, "unit": u} for t, u in types], "period": rate,
               "period_type": {"type": "space", "unit": "bytes"}, "time_nanos": time * 10**9,
               "comments": ["heaptap_version=0.1.0", "heaptap_instance=" + instance], "samples": [], "locations": [], "functions": [],
               "mappings": [{"id": 1, "start": 0x400000, "limit": 0x500000, "offset": 0, "file": "/opt/svc/service",
                             "has_functions": 1},
                            {"id": 2, "start": 0x7f0000000000, "limit": 0x7f0000010000, "offset": 0x1000,
                             "file": "/opt/svc/libplugin.so", "has_functions": 1}]}
    known = {}

    def location(name):
        if name in known:
            return known[name]
        number = known[name] = len(known) + 1
        if isinstance(name, int):
            profile["locations"].append({"id": number, "mapping": 2, "address": name, "lines": []})
            return number
        lines = []
        for part in name.split("|"):
            file, start = PLACES.get(part, ("", 0))
            profile["functions"].append({"id": len(profile["functions"]) + 1, "name": part, "system_name": part,
                                         "file": file, "start_line": start})
            lines.append({"function": len(profile["functions"]), "line": start + 2})
        profile["locations"].append({"id": number, "mapping": 1, "address": 0x400000 + number * 16, "lines": lines})
        return number

    for stack, values in samples:
        profile["samples"].append({"locations": [location(name) for name in stack], "values": list(values)})
    return profile


def space(objects, size, live):
    return objects, objects * size, live, live * size


OLD = [(["cache_insert", "serve", "main"], space(4000, 4096, 3100)),
       (["old_index_load", "main"], space(10, 106954, 10)),
       (["log_append|serve", "main"], space(90000, 512, 1280)),
       ([0x7f0000002340, "serve", "main"], space(100, 64, 50))]
NEW = [(["cache_insert", "serve", "main"], space(7000, 4096, 5018)),
       (["json_parse", "serve", "main"], space(5000, 1024, 1280)),
       (["log_append|serve", "main"], space(170000, 512, 1280)),
       ([0x7f0000002340, "serve", "main"], space(130, 64, 70))]


def main():
    os.chdir(sys.argv[1])
    pprof_file.write(make(OLD), "old.pb.gz")
    pprof_file.write(make(NEW, time=1700000300), "new.pb.gz")
    pprof_file.write(make(NEW, instance="beef", rate=65536), "other.pb.gz")
    pprof_file.write(make([(["walk", "walk", "walk", "main"], space(10, 100, 5)),
                           (["main", "walk", "main"], space(1, 100, 1))]), "recursion.pb.gz")
    pprof_file.write(make([(["main"], (3, 30000000)), (["serve", "main"], (1, 10000000))],
                          [("samples", "count"), ("cpu", "nanoseconds")]), "cpu.pb.gz")
    long_name = "ns::deep::call<" + "std::vector<std::pair<int, long>>, " * 6 + "int>::operator()"
    pprof_file.write(make([(["\x1b]0;owned\x07\x1b[31mred\nline", long_name], space(1, 100, 1)),
                           (["bad\udcff\udcfe utf8 \u202e\u00e9", "main"], space(1, 50, 1))]), "names.pb.gz")
    # Stored, not compressed: the same bytes with every version of zlib.
    plain = gzip.decompress(open("new.pb.gz", "rb").read())
    whole = gzip.compress(plain, 0, mtime=0)
    open("truncated.pb.gz", "wb").write(whole[:len(whole) // 2])
    open("crc.pb.gz", "wb").write(whole[:-8] + b"\0\0\0\0" + whole[-4:])
    open("empty.pb.gz", "wb").close()
    open("text.pb.gz", "w").write("this is no profile\n" * 5)
    open("cut.pb", "wb").write(plain[:len(plain) - 3])
    open("claim.pb", "wb").write(b"\x12\xff\xff\xff\xff\x0f" + plain[:40])
    dangling = make(NEW)
    dangling["samples"][0]["locations"][0] = 99
    pprof_file.write(dangling, "dangling.pb.gz")
    # Six GiB: a message of one MiB that no reader knows, and a text of one MiB, each six thousand times over.
    unknown = gzip.compress(b"\xa2\x06\x80\x80\x40" + bytes(1 << 20), 9)
    text = gzip.compress(b"\x32\x80\x80\x40" + b"x" * (1 << 20), 9)
    open("bomb.pb.gz", "wb").write(whole + unknown * 6000)
    open("text_bomb.pb.gz", "wb").write(whole + text * 6000)


main()
