"""A few lines that read what a test needs of a profile: sample values and labels, comments, and stacks as addresses.

Written from the schema (proto/profile.proto), and on purpose not with the project's own reader.
"""
import gzip


def _varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def fields(data):
    """(number, value) of each field; value is an int or bytes."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        kind = tag & 7
        if kind == 0:
            value, at = _varint(data, at)
        elif kind == 2:
            size, at = _varint(data, at)
            value, at = data[at:at + size], at + size
            assert len(value) == size, "truncated"
        else:
            raise ValueError(f"wire type {kind}")
        yield tag >> 3, value


def _numbers(value):
    if isinstance(value, int):
        return [value]
    out, at = [], 0
    while at < len(value):
        number, at = _varint(value, at)
        out.append(number)
    return out


class Sample:
    def __init__(self, data):
        self.locations, self.values, self.labels = [], [], {}
        for number, value in fields(data):
            if number == 1:
                self.locations += _numbers(value)
            elif number == 2:
                self.values += _numbers(value)
            elif number == 3:
                label = dict(fields(value))
                self.labels[label[1]] = label.get(3, label.get(2))


class Profile:
    def __init__(self, path):
        self.strings, self.samples, self.types, self.comments = [], [], [], []
        self.addresses, self.mappings, self.period = {}, [], 0
        for number, value in fields(gzip.open(path).read()):
            if number == 1:
                self.types.append(dict(fields(value)))
            elif number == 2:
                self.samples.append(Sample(value))
            elif number == 3:
                self.mappings.append(dict(fields(value)))
            elif number == 4:
                location = dict(fields(value))
                self.addresses[location[1]] = (location.get(3, 0), location.get(2, 0))
            elif number == 6:
                self.strings.append(value.decode())
            elif number == 12:
                self.period = value
            elif number == 13:
                self.comments += _numbers(value)
        self.comments = [self.strings[i] for i in self.comments]
        self.types = [self.strings[t[1]] for t in self.types]

    def comment(self, key):
        return next(c.split("=", 1)[1] for c in self.comments if c.startswith(f"heaptap_{key}="))

    def total(self, view, size=None):
        """Sum of one view, of one slot size where it is given."""
        column = self.types.index(view)
        key = self.strings.index("bytes") if "bytes" in self.strings else None
        return sum(s.values[column] for s in self.samples if size is None or s.labels[key] == size)
