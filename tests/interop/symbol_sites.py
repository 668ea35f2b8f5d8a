"""Writes a profile with one sample at each byte of the named functions.

usage: symbol_sites.py [--path PATH] [--id HEX] [--seconds TIME] [--whole FILE] BINARY OUT FUNCTION...

The mapping is that of BINARY's executable segments. PATH is what the profile says instead of its path, HEX instead of
its build id ("" is none), TIME is when the profile was made, and FILE has the symbols where BINARY is stripped."""
import argparse
import os
import re

import compare_symbols
import pprof_file


def function_ranges(binary, names):
    for line in compare_symbols.run("nm", "-S", binary).splitlines():
        match = re.match(r"(\w+) (\w+) [Tt] (\S+)$", line)
        if match and match.group(3) in names:
            yield int(match.group(1), 16), int(match.group(2), 16)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--path")
    parser.add_argument("--id")
    parser.add_argument("--seconds", type=int, default=0)
    parser.add_argument("--whole")
    parser.add_argument("binary")
    parser.add_argument("out")
    parser.add_argument("functions", nargs="+")
    options = parser.parse_args()
    whole = options.whole or options.binary
    bias = 0x550000000000 if "DYN" in compare_symbols.run("readelf", "-h", options.binary) else 0
    addresses = [a for start, size in function_ranges(whole, options.functions) for a in range(start, start + size)]
    if not addresses:
        raise SystemExit("no such function")
    compare_symbols.make_profile(options.binary, addresses, bias, options.out)
    profile = pprof_file.read(options.out)
    profile["time_nanos"] = options.seconds * 10**9
    for mapping in profile["mappings"]:
        if options.path is not None:
            mapping["file"] = options.path
        if options.id is not None:
            mapping["build_id"] = options.id
    pprof_file.write(profile, options.out)


if __name__ == "__main__":
    main()
