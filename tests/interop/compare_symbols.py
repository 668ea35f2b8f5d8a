"""Symbolizes addresses of a binary with `heapdiff symbolize` and with llvm-symbolizer or eu-addr2line, and compares.

usage: compare_symbols.py HEAPDIFF BINARY REFERENCE STEP [WHOLE [DEBUG_DIR]]

REFERENCE is llvm or eu. Every STEP-th byte of every text section is asked for, and the chain of frames must be equal: the
linker's name, the file's last part and the line. The reference is asked about WHOLE where BINARY is stripped. Prints
counts and exits 1 when one answer in 200 differs, or heapdiff knows a name that the reference does not."""
import os
import re
import subprocess
import sys
import tempfile
import time

import pprof_file


def run(*command, text=None):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, input=text,
                          universal_newlines=True, errors="replace").stdout


def executable_segments(binary):
    for line in run("readelf", "-lW", binary).splitlines():
        match = re.match(r"\s+LOAD\s+(0x\w+)\s+(0x\w+)\s+0x\w+\s+(0x\w+)\s+0x\w+\s+R.E", line)
        if match:
            yield tuple(int(n, 16) for n in match.groups())


def code_sections(binary):
    for line in run("readelf", "-SW", binary).splitlines():
        match = re.match(r"\s+\[ *\d+\] (\.text\S*)\s+PROGBITS\s+(\w+) \w+ (\w+)", line)
        if match:
            yield int(match.group(2), 16), int(match.group(3), 16)


def build_id(binary):
    match = re.search(r"Build ID: (\w+)", run("readelf", "-n", binary))
    return match.group(1) if match else ""


def make_profile(binary, addresses, bias, path):
    profile = {"sample_types": [{"type": "inuse_space", "unit": "bytes"}], "period": 1,
               "period_type": {"type": "space", "unit": "bytes"}, "mappings": [], "functions": [], "locations": [],
               "samples": []}
    for offset, address, size in executable_segments(binary):
        start = address & ~0xFFF
        profile["mappings"].append({"id": len(profile["mappings"]) + 1, "start": start + bias,
                                    "limit": (address + size + 0xFFF & ~0xFFF) + bias, "offset": offset & ~0xFFF,
                                    "file": os.path.abspath(binary), "build_id": build_id(binary)})
    for number, address in enumerate(addresses, 1):
        mapping = next(m["id"] for m in profile["mappings"] if m["start"] <= address + bias < m["limit"])
        profile["locations"].append({"id": number, "mapping": mapping, "address": address + bias, "lines": []})
        profile["samples"].append({"locations": [number], "values": [1]})
    pprof_file.write(profile, path)


def ask_heapdiff(heapdiff, path, addresses, bias, directory):
    started = time.monotonic()
    where = ["--debug-dir", directory] if directory else []
    subprocess.run([heapdiff, "symbolize"] + where + [path, "-o", path + ".named"], check=True)
    print("%d addresses in %.2f s" % (len(addresses), time.monotonic() - started))
    profile = pprof_file.read(path + ".named")
    functions = {f["id"]: f for f in profile["functions"]}
    answers = {}
    for location in profile["locations"]:
        frames = []
        for line in location["lines"]:
            function = functions[line["function"]]
            frames.append((function["system_name"], os.path.basename(function["file"]), line["line"]))
        answers[location["address"] - bias] = frames
    return answers


def ask_llvm(binary, addresses):
    text = "".join("0x%x\n" % a for a in addresses)
    out = run("llvm-symbolizer", "--obj=" + binary, "--inlines", "--functions=linkage", "--no-demangle", text=text)
    answers = {}
    for address, block in zip(addresses, out.split("\n\n")):
        lines = block.split("\n")
        frames = []
        for name, place in zip(lines[::2], lines[1::2]):
            file, line = place.rsplit(":", 2)[:2]
            frames.append((name, os.path.basename(file), int(line)))
        answers[address] = [] if frames and frames[0][0] == "??" else frames
    return answers


def ask_eu(binary, addresses):
    text = "".join("0x%x\n" % a for a in addresses)
    out = run("eu-addr2line", "-i", "-f", "-a", "-e", binary, text=text).splitlines()
    answers, address = {}, None
    position = 0
    while position < len(out):
        if re.match(r"0x[0-9a-f]+$", out[position]):
            address = int(out[position], 16)
            answers[address] = []
            position += 1
            continue
        name, place = re.sub(r" inlined at .*", "", out[position]), out[position + 1]
        file, line = (place.split(":") + ["0"])[:2]
        if name != "??":
            answers[address].append((name, os.path.basename(file), int(line)))
        position += 2
    return answers


def plain(frames):
    """Without the suffixes of a function's clones, which DWARF does not know, without the kinds of a constructor, which
    share their code, and without files that only a symbol table names."""
    def cut(name):
        name = re.sub(r"(\.(cold|constprop|isra|part|lto_priv|llvm)(\.\d+)?|\.\d+)+$", "", name)
        return re.sub(r"([CD])[0-9](?=[EI])", r"\1", name)

    return [(cut(name), "" if file == "??" or not line else file, line) for name, file, line in frames]


def main():
    heapdiff, binary, reference, step = sys.argv[1:5]
    whole, debug_dir = (sys.argv[5:] + [None, None])[:2]
    bias = 0x550000000000 if "DYN" in run("readelf", "-h", binary) else 0
    addresses = [a for start, size in code_sections(binary) for a in range(start, start + size, int(step))]
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "in.pb.gz")
        make_profile(binary, addresses, bias, path)
        ours = ask_heapdiff(heapdiff, path, addresses, bias, debug_dir)
    theirs = (ask_llvm if reference == "llvm" else ask_eu)(whole or binary, addresses)
    equal = wrong = extra = missing = 0
    for address in addresses:
        mine, other = plain(ours[address]), plain(theirs.get(address, []))
        if mine == other:
            equal += 1
        elif not other:
            extra += 1
        elif not mine:
            missing += 1
        else:
            wrong += 1
            if wrong <= int(os.environ.get("SHOW", "3")):
                print("0x%x: heapdiff %s, %s %s" % (address, mine, reference, other))
    print("%s %s: %d equal, %d differ, %d only heapdiff, %d only the reference" %
          (os.path.basename(binary), reference, equal, wrong, extra, missing))
    sys.exit(not equal or extra > 0 or (wrong + missing) * 200 > len(addresses))


if __name__ == "__main__":
    main()
