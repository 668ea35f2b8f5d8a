"""Reads and writes profile.proto files with nothing but the standard library, for tests that must not trust the code
under test. A profile is a dict of plain lists; references between messages are ids, as in the file."""
import gzip
import struct


def read_varint(data, at):
    shift = value = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def fields(data):
    at = 0
    while at < len(data):
        key, at = read_varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = read_varint(data, at)
        elif kind == 2:
            length, at = read_varint(data, at)
            value, at = data[at:at + length], at + length
        elif kind == 1:
            value, at = struct.unpack_from("<Q", data, at)[0], at + 8
        else:
            value, at = struct.unpack_from("<I", data, at)[0], at + 4
        yield number, kind, value


def signed(value):
    return value - (1 << 64) if value >= 1 << 63 else value


def numbers(kind, value):
    if kind == 0:
        return [value]
    out, at = [], 0
    while at < len(value):
        number, at = read_varint(value, at)
        out.append(number)
    return out


NAMES = {
    "value_type": {1: "type", 2: "unit"},
    "mapping": {1: "id", 2: "start", 3: "limit", 4: "offset", 5: "file", 6: "build_id", 7: "has_functions",
                8: "has_filenames", 9: "has_line_numbers", 10: "has_inline_frames"},
    "function": {1: "id", 2: "name", 3: "system_name", 4: "file", 5: "start_line"},
    "line": {1: "function", 2: "line", 3: "column"},
    "label": {1: "key", 2: "str", 3: "num", 4: "num_unit"},
}
TEXTS = {"type", "unit", "file", "build_id", "name", "system_name", "key", "str", "num_unit"}


def decode_simple(kind, data):
    out = {name: 0 for name in NAMES[kind].values()}
    for number, _, value in fields(data):
        if number in NAMES[kind]:
            out[NAMES[kind][number]] = signed(value)
    return out


def decode_location(data):
    out = {"id": 0, "mapping": 0, "address": 0, "lines": []}
    for number, _, value in fields(data):
        if number in (1, 2, 3):
            out[{1: "id", 2: "mapping", 3: "address"}[number]] = value
        elif number == 4:
            out["lines"].append(decode_simple("line", value))
    return out


def decode_sample(data):
    out = {"locations": [], "values": [], "labels": []}
    for number, kind, value in fields(data):
        if number == 1:
            out["locations"] += numbers(kind, value)
        elif number == 2:
            out["values"] += [signed(n) for n in numbers(kind, value)]
        elif number == 3:
            out["labels"].append(decode_simple("label", value))
    return out


def resolve(messages, strings):
    for message in messages:
        for name in TEXTS & message.keys():
            message[name] = strings[message[name]]


def read(path):
    raw = open(path, "rb").read()
    data = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    profile = {"sample_types": [], "samples": [], "mappings": [], "locations": [], "functions": [], "period": 0,
               "time_nanos": 0, "duration_nanos": 0, "comments": [], "drop_frames": 0, "keep_frames": 0,
               "default_sample_type": 0, "period_type": {"type": 0, "unit": 0}}
    strings = []
    for number, kind, value in fields(data):
        if number == 1:
            profile["sample_types"].append(decode_simple("value_type", value))
        elif number == 2:
            profile["samples"].append(decode_sample(value))
        elif number == 3:
            profile["mappings"].append(decode_simple("mapping", value))
        elif number == 4:
            profile["locations"].append(decode_location(value))
        elif number == 5:
            profile["functions"].append(decode_simple("function", value))
        elif number == 6:
            strings.append(value.decode("utf-8", "surrogateescape"))
        elif number == 11:
            profile["period_type"] = decode_simple("value_type", value)
        elif number == 13:
            profile["comments"] += numbers(kind, value)
        elif number in (7, 8, 9, 10, 12, 14):
            profile[{7: "drop_frames", 8: "keep_frames", 9: "time_nanos", 10: "duration_nanos", 12: "period",
                     14: "default_sample_type"}[number]] = signed(value)
    for key in ("sample_types", "mappings", "functions"):
        resolve(profile[key], strings)
    for sample in profile["samples"]:
        resolve(sample["labels"], strings)
    resolve([profile["period_type"]], strings)
    profile["comments"] = [strings[n] for n in profile["comments"]]
    for key in ("drop_frames", "keep_frames", "default_sample_type"):
        profile[key] = strings[profile[key]]
    return profile


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number, value):
    if isinstance(value, bytes):
        return varint(number << 3 | 2) + varint(len(value)) + value
    return varint(number << 3) + varint(value) if value else b""


def write(profile, path, compress=True):
    strings = {"": 0}

    def text(value):
        return strings.setdefault(value, len(strings))

    def simple(kind, message):
        return b"".join(field(number, text(message[name]) if name in TEXTS else int(message.get(name, 0)))
                        for number, name in NAMES[kind].items() if message.get(name))

    out = bytearray()
    for value_type in profile["sample_types"]:
        out += field(1, simple("value_type", value_type))
    for sample in profile["samples"]:
        body = field(1, b"".join(map(varint, sample["locations"])))
        body += field(2, b"".join(map(varint, sample["values"])))
        for label in sample.get("labels", []):
            body += field(3, simple("label", label))
        out += field(2, body)
    for mapping in profile["mappings"]:
        out += field(3, simple("mapping", mapping))
    for location in profile["locations"]:
        body = field(1, location["id"]) + field(2, location["mapping"]) + field(3, location["address"])
        for line in location["lines"]:
            body += field(4, simple("line", line))
        out += field(4, body)
    for function in profile["functions"]:
        out += field(5, simple("function", function))
    out += field(7, text(profile.get("drop_frames", ""))) + field(8, text(profile.get("keep_frames", "")))
    out += field(9, profile.get("time_nanos", 0)) + field(10, profile.get("duration_nanos", 0))
    out += field(11, simple("value_type", profile["period_type"])) + field(12, profile["period"])
    out += field(13, b"".join(varint(text(comment)) for comment in profile.get("comments", [])))
    out += field(14, text(profile.get("default_sample_type", "")))
    for string in strings:
        encoded = string.encode("utf-8", "surrogateescape")
        out += varint(6 << 3 | 2) + varint(len(encoded)) + encoded
    with open(path, "wb") as file:
        file.write(gzip.compress(bytes(out), 1, mtime=0) if compress else out)


def stacks(profile):
    """Every sample as ((frames from the leaf), (labels)) -> sum of values: what two equal profiles share."""
    functions = {f["id"]: (f["name"], f["file"]) for f in profile["functions"]}
    mappings = {m["id"]: m for m in profile["mappings"]}
    frames = {}
    for location in profile["locations"]:
        mapping = mappings.get(location["mapping"])
        address = location["address"] - mapping["start"] if mapping else location["address"]
        lines = tuple((functions.get(line["function"]), line["line"]) for line in location["lines"])
        frames[location["id"]] = (mapping["file"] if mapping else "", address, lines)
    out = {}
    for sample in profile["samples"]:
        labels = tuple(sorted((l["key"], l["str"], l["num"], l["num_unit"]) for l in sample["labels"]))
        key = (tuple(frames[n] for n in sample["locations"]), labels)
        sums = out.setdefault(key, [0] * len(sample["values"]))
        for i, value in enumerate(sample["values"]):
            sums[i] += value
    return {key: tuple(value) for key, value in out.items() if any(value)}
