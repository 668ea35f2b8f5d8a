"""Writes the small profiles that the golden answers are about: old.pb.gz and new.pb.gz (two dumps of one service),
other.pb.gz (another process, another rate), cpu.pb.gz (not a heap profile), recursion.pb.gz, names.pb.gz (names that try to
drive a terminal), and broken files. before.pb.gz and after.pb.gz say how they were sampled, so that noise can be told.

usage: make_data.py DIRECTORY"""
import gzip
import math
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../interop"))
import pprof_file

HEAP = [("alloc_objects", "count"), ("alloc_space", "bytes"), ("inuse_objects", "count"), ("inuse_space", "bytes")]
PLACES = {"main": ("/build/svc/src/main.c", 10), "serve": ("/build/svc/src/server.c", 55),
          "cache_insert": ("/build/svc/src/cache.c", 88), "cache_put": ("/build/svc/src/cache.c", 91), "json_parse": ("/build/svc/src/json.c", 40),
          "old_index_load": ("/build/svc/src/index.c", 12), "log_append": ("/build/svc/src/log.c", 7),
          "slab_grow": ("/build/svc/src/slab.c", 31), "handle_get": ("/build/svc/src/server.c", 120),
          "handle_put": ("/build/svc/src/server.c", 160), "buffer_grow": ("/build/svc/src/buffer.c", 22),
          "session_new": ("/build/svc/src/session.c", 64), "timer_add": ("/build/svc/src/timer.c", 19),
          "\u05e9\u05dc\u05d5\u05dd::\u05e2\u05d5\u05dc\u05dd": ("/build/svc/7z/1.c", 88), "load": ("/build/svc/src/index.c", 40), "walk": ("/build/svc/src/../src/tree.c", 3)}


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
        for part in [inlined.replace("\x02", "|") for inlined in name.split("|")]:
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


def sampled(size, rate, allocated, live):
    """The values of `allocated` and `live` recorded objects of this size, as Go and heaptap write them."""
    def scale(n):
        p = -math.expm1(-size / rate)
        return int(n / p), int(n * size / p)
    return scale(allocated) + scale(live)


def service(rows, rate=65536, time=1700000000, instance="cafe", more=()):
    """A dump of a service that says all that heaptap says; rows are (stack, size, recorded, of these in use)."""
    samples = [(stack, sampled(size, rate, n, live), size) for stack, size, n, live in rows]
    profile = make([(stack, values) for stack, values, _ in samples], rate=rate, time=time, instance=instance)
    for i, (_, _, size) in enumerate(samples):
        profile["samples"][i]["labels"] = [{"key": "bytes", "num": size}]
    profile["comments"] += list(more)
    return profile


def stack(text):
    return list(reversed(text.split("/")))


# Two dumps of one process: a cache grew, a parser came, an index went, the rest is noise.
BEFORE = [(stack("main/serve/handle_get/cache_insert/slab_grow"), 4096, 300, 193),
          (stack("main/serve/handle_get/cache_insert"), 64, 40, 12),
          (stack("main/load/old_index_load"), 106954, 10, 10),
          (stack("main/serve/log_append"), 512, 900, 10),
          (stack("main/serve/handle_put/buffer_grow"), 16384, 500, 31),
          (stack("main/serve/handle_put/session_new"), 1024, 210, 42),
          (stack("main/timer_add"), 96, 30, 7)]
AFTER = [(stack("main/serve/handle_get/cache_insert/slab_grow"), 4096, 460, 313),
         (stack("main/serve/handle_get/cache_insert"), 64, 61, 17),
         (stack("main/load/old_index_load"), 106954, 10, 0),
         (stack("main/serve/handle_put/json_parse"), 1024, 90, 20),
         (stack("main/serve/log_append"), 512, 1500, 11),
         (stack("main/serve/handle_put/buffer_grow"), 16384, 900, 28),
         (stack("main/serve/handle_put/session_new"), 1024, 380, 45),
         (stack("main/timer_add"), 96, 41, 8)]
# Names that are awkward in one form of output or another; \\x02 stands for a bar.
HOSTILE = ["=HYPERLINK(\"http://x\")", "@admin `rm` <img src=x> \x02 a\\\x02b", "operator\x02\x02", "std::map<int, std::pair<int, int>>::find",
           "-1+1", "a;b", "\u05e9\u05dc\u05d5\u05dd::\u05e2\u05d5\u05dc\u05dd", "\u0645\u0631\u062d\u0628\u0627", "\u8aad\u307f\u8fbc\u307f\u95a2\u6570", "cafe\u0301_open",
           "a\u202eevil\u2066", "zero\u200bwidth", "\x1b[2Jclear\nnext", "</details></script>", "&amp;", "``", " leading"]


def build(k, is_branch):
    """Run k of a build's load test: a branch renames a function, holds more in the cache, and serves more requests."""
    wobble = (k * 7 + is_branch * 3) % 5
    insert = "cache_put" if is_branch else "cache_insert"
    rows = [(stack("main/serve/handle_get/%s/slab_grow" % insert), 4096, 400 + 9 * wobble, 200 + wobble + 25 * is_branch),
            (stack("main/serve/handle_get/" + insert), 64, 90 + wobble, 30 + wobble + 15 * is_branch),
            (stack("main/serve/handle_put/buffer_grow"), 16384, 620 + 11 * wobble, 40 + (wobble * 2) % 5),
            (stack("main/serve/handle_put/session_new"), 1024, 300 + 5 * wobble, 50 + wobble)]
    profile = service(rows, time=1700000000 + 60 * k, instance="%x" % (k * 2 + is_branch),
                      more=["heaptap_work_requests=%d" % (10000 + 100 * wobble + 2500 * is_branch)])
    profile["duration_nanos"] = (60 + 15 * is_branch) * 10**9
    return profile


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
    start = ["heaptap_start_time_nanos=1699999700000000000"]
    pprof_file.write(service(BEFORE, more=start), "before.pb.gz")
    for k in range(1, 6):
        pprof_file.write(build(k, 0), "base.%d.pb.gz" % k)
        pprof_file.write(build(k, 1), "branch.%d.pb.gz" % k)
    pprof_file.write(service(AFTER, time=1700000300), "after.pb.gz")
    # The same service in another process, with exact totals, one of which is far from what the samples say.
    pprof_file.write(service(AFTER, time=1700000900, instance="d00d",
                             more=["heaptap_alloc_bytes=61000000", "heaptap_inuse_bytes=91000000",
                                   "heaptap_start_time_nanos=1700000300000000000"]), "off.pb.gz")
    hostile = [([name, "main"], 4096, 40 + 3 * i, 20 + i) for i, name in enumerate(HOSTILE)]
    pprof_file.write(service(hostile), "hostile_before.pb.gz")
    pprof_file.write(service([(s, size, n * 9, live * 7) for s, size, n, live in hostile], time=1700000060),
                     "hostile_after.pb.gz")
    # Few samples: an interval that is longer on the far side of the change than the change itself.
    pprof_file.write(service([(["shrinks", "main"], 4096, 7, 6)]), "lopsided_before.pb.gz")
    pprof_file.write(service([(["shrinks", "main"], 4096, 7, 0)], time=1700000060), "lopsided_after.pb.gz")
    # Many functions, most of them noise, and a stack that is deep.
    many = [(["f%03d" % i, "main"], 512, 30 + i, 9 + i % 5) for i in range(60)]
    deep = ["level%02d" % i for i in range(40, 0, -1)] + ["main"]
    pprof_file.write(service(many + [(deep, 8192, 200, 100)]), "many_before.pb.gz")
    pprof_file.write(service([(s, size, n + 20, live + (40 if i % 9 == 4 else i % 3)) for i, (s, size, n, live) in
                              enumerate(many)] + [(deep, 8192, 500, 400)], time=1700000060), "many_after.pb.gz")
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
