"""Heap profilers that record every allocation, each with the same program unprofiled: the same allocator, not profiling."""
import glob
import gzip
import os
import re
import shutil
import tempfile

import allocators
import measure

PEERS = {
    "heaptrack": "heaptrack",
    "jemalloc": "libjemalloc2",
    "gperftools": "libgoogle-perftools4",
}


class Variant:
    """How a command is run: what stands before it, what is preloaded, and its settings; {folder} is a fresh one. It may stand
    where measure.py wants an allocator."""

    def __init__(self, library=None, prefix=(), settings=None):
        self.library, self.prefix, self._settings = library, prefix, settings or {}

    def in_folder(self, folder):
        def fill(text):
            return text.replace("{folder}", folder)
        return [fill(word) for word in self.prefix], {key: fill(value) for key, value in self._settings.items()}


class Profiler:
    def __init__(self, name, version, off, on):
        self.name, self.version, self.off, self.on = name, version, off, on


def _heaptap(library):
    common = {"HEAPTAP_CONTROL": "off"}
    return (Variant(library, settings={**common, "HEAPTAP_MEMPROFILERATE": "0"}),
            Variant(library, settings={**common, "HEAPTAP_MEMPROFILERATE": "1", "HEAPTAP_DUMP": "{folder}/%p.pb.gz"}))


def _jemalloc(library):
    return (Variant(library),
            Variant(library, settings={"MALLOC_CONF": "prof:true,lg_prof_sample:0,prof_final:true,prof_prefix:{folder}/je"}))


def _gperftools(library):
    return Variant(library), Variant(library, settings={"HEAPPROFILE": "{folder}/gp"})


def _heaptrack(_):
    return Variant(), Variant(prefix=("heaptrack", "-o", "{folder}/heaptrack"))


def find(names, library, say):
    """The profilers of these names; says which are not there."""
    makers = {"heaptap": _heaptap, "jemalloc": _jemalloc, "gperftools": _gperftools, "heaptrack": _heaptrack}
    sonames = {"jemalloc": "libjemalloc.so.2", "gperftools": "libtcmalloc.so.4"}
    known, found = allocators.loader_cache(), []
    for name in names:
        if name not in makers:
            raise SystemExit(f"unknown profiler '{name}': {', '.join(makers)}")
        is_there = name == "heaptap" or (shutil.which(name) if name == "heaptrack" else sonames[name] in known)
        if not is_there:
            say(f"{name}: skipped, package {PEERS[name]} is not installed")
            continue
        version = allocators.our_version() if name == "heaptap" else allocators.package_version(PEERS[name])
        off, on = makers[name](library if name == "heaptap" else known.get(sonames.get(name)))
        found.append(Profiler(name, version, off, on))
    return found


def run(workload, variant, scale, cpu):
    """One run, and the comments of the profiles that heaptap wrote in it: a list of numbers for each key."""
    with tempfile.TemporaryDirectory() as folder:
        prefix, settings = variant.in_folder(folder)
        if workload.is_server:
            environment = measure.clean_environment(settings)
            found = measure.Run(*workload.measure(variant.library, environment, scale, prefix))
        else:
            found, _ = measure.run_program(workload, variant, scale, cpu, prefix, settings)
        return found, _comments(folder)


def _comments(folder):
    numbers = {}
    for path in glob.glob(os.path.join(glob.escape(folder), "*.pb.gz")):
        with gzip.open(path) as file:
            for key, value in re.findall(rb"heaptap_(\w+)=(\d+)", file.read()):
                numbers.setdefault(key.decode(), []).append(int(value))
    return numbers
