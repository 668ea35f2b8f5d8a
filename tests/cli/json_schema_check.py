"""Validates JSON and CSV of many command lines, and demands that documents with a planted mistake are refused.

usage: json_schema_check.py HEAPDIFF SCHEMA.md     in the directory of the golden data"""
import copy
import csv
import io
import json
import re
import subprocess
import sys

import jsonschema

heapdiff, page = sys.argv[1:]
text = open(page, encoding="utf-8").read()
schema = json.loads(re.search(r"```json\n(.*?)```", text, re.S).group(1))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)

PAIR = ["before.pb.gz", "after.pb.gz"]
COMMANDS = [PAIR, ["--all-views"] + PAIR, ["--cum"] + PAIR, ["after.pb.gz"], ["--all-views", "after.pb.gz"],
            ["old.pb.gz", "new.pb.gz"], ["before.pb.gz", "off.pb.gz"], ["off.pb.gz"], ["--noise", "off"] + PAIR,
            ["--focus", "cache"] + PAIR, ["--normalize", "total"] + PAIR, ["--confidence", "0.8"] + PAIR,
            ["--align"] + PAIR, ["hostile_before.pb.gz", "hostile_after.pb.gz"], ["names.pb.gz"], ["cpu.pb.gz"],
            ["--old"] + PAIR + ["--new"] + PAIR, ["--by", "label:bytes"] + PAIR, ["--focus", "no such thing"] + PAIR,
            ["go_json_100x.pb.gz", "go_json_200x.pb.gz"], ["--all-views", "go_json_100x.pb.gz", "go_json_200x.pb.gz"]]
COMMANDS += [["--by", by] + PAIR for by in ("line", "file", "package", "mapping", "stack")]


def run(form, arguments):
    done = subprocess.run([heapdiff, "--no-symbolize", "--format", form] + arguments, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=60)
    if done.returncode:
        sys.exit("%s fails: %s" % (arguments, done.stderr.decode()))
    return done.stdout.decode("utf-8")


def no_repeats(pairs):
    keys = [key for key, _ in pairs]
    assert len(keys) == len(set(keys)), "a key twice: %s" % keys
    return dict(pairs)


def check_change(change, where):
    assert change["delta"] == change["new"] - change["old"], where
    assert (change["verdict"] == "same") == (change["delta"] == 0), (where, change)
    if change.get("low") is not None:
        assert change["low"] <= change["delta"] <= change["high"], (where, change)
        assert change["p"] <= change["q"] or change["q"] == 1, (where, change)


def check_numbers(answer, is_sum):
    rows = answer["rows"]
    if "profile" in answer:
        assert not is_sum or sum(row["flat"] for row in rows) == answer["profile"]["total"]
        return
    for row in rows:
        for measure in ("flat", "cum"):
            check_change(row[measure], row["name"])
            if "views" in row:
                assert row["views"][answer["view"]][measure] == row[measure], row["name"]
    check_change(answer["total"], "total")
    assert answer["total"]["old"] == answer["old"]["total"] and answer["total"]["new"] == answer["new"]["total"]
    for side in ("old", "new"):
        assert not is_sum or sum(row["flat"][side] for row in rows) == answer[side]["total"], side
    order = [abs(row[answer["order"]]["delta"]) for row in rows]
    assert order == sorted(order, reverse=True), "rows are not in order"


def check_csv(arguments, answer):
    text = run("csv", arguments)
    assert text.endswith("\r\n") and "\n" not in text.replace("\r\n", ""), arguments
    heads, *records = csv.reader(io.StringIO(text, newline=""), strict=True)
    views = len(answer.get("views", [0]))
    assert len(records) == views * len(answer["rows"]), arguments
    for number, record in enumerate(records):
        assert len(record) == len(heads), record
        assert not any(re.match("[=+@]|-[^0-9]|-[0-9.]*[^-0-9.e]", cell) for cell in record), record
        record = dict(zip(heads, record))
        row = answer["rows"][number // views]
        row = row["views"][record["view"]] if "views" in row else row
        for measure in ("flat", "cum"):
            if "profile" in answer:
                assert int(record[measure]) == row[measure]
                continue
            for key in ("old", "new", "delta"):
                assert int(record["%s_%s" % (measure, key)]) == row[measure][key], record
            for key in ("low", "high", "p", "q"):
                cell, known = record["%s_%s" % (measure, key)], row[measure].get(key)
                assert (float(cell) if cell else None) == known, (record, known)
            assert record[measure + "_verdict"] == row[measure]["verdict"]


def plant(document, path, value):
    """A copy with `value` at the path, or without what is there when it is None."""
    wrong = copy.deepcopy(document)
    at = wrong
    for step in path[:-1]:
        at = at[step]
    if value is None:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return wrong


MISTAKES = [(("schema",), 1), (("schema",), "2"), (("view",), None), (("by",), "colour"), (("label",), "x"),
            (("rows",), None), (("rows", 0, "name"), 5), (("rows", 0, "line"), -1), (("rows", 0, "surplus"), 1),
            (("rows", 0, "flat", "old"), 1.5), (("rows", 0, "flat", "old"), "12"), (("rows", 0, "flat", "p"), 1.1),
            (("rows", 0, "flat", "p"), None), (("rows", 0, "flat", "low"), None), (("rows", 0, "flat", "verdict"), "maybe"),
            (("rows", 0, "flat", "verdict"), "unknown"), (("rows", 0, "cum"), None), (("rows", 0, "old_name"), "x"),
            (("old", "files"), []), (("old", "files", 0, "path"), None), (("new", "files", 0, "scale"), "1"),
            (("new", "files", 0, "surplus"), 0), (("total",), None), (("confidence",), 1), (("profile",), {}),
            (("surplus",), 0), (("same_process",), "yes"), (("views", 0, "unit"), None),
            (("rows", 0, "views", "inuse_space", "flat"), None), (("rows", 0, "views", "inuse_space", "more"), 1)]


def main():
    documents = 0
    for arguments in COMMANDS:
        answer = json.loads(run("json", arguments), object_pairs_hook=no_repeats)
        errors = list(validator.iter_errors(answer))
        if errors:
            sys.exit("%s: %s" % (arguments, "; ".join(jsonschema.exceptions.relevance(e) and str(e)[:600] for e in errors)))
        # Of several files a side each number is rounded by itself; rows of a label are of the samples that have it.
        check_numbers(answer, "--old" not in arguments and "--by" not in arguments)
        check_csv(arguments, answer)
        documents += 1
    right = json.loads(run("json", ["--all-views"] + PAIR))
    missed = [str((path, value)) for path, value in MISTAKES if validator.is_valid(plant(right, path, value))]
    if missed:
        sys.exit("mistakes that the schema lets pass: " + ", ".join(missed))
    single = json.loads(run("json", ["after.pb.gz"]))
    for path, value in [(("profile", "path"), None), (("rows", 0, "flat"), {}), (("profile", "total"), None)]:
        assert not validator.is_valid(plant(single, path, value)), path
    print("%d documents are valid, %d planted mistakes are not" % (documents, len(MISTAKES) + 3))


main()
