"""heapdiff trend: tables in terminals of several widths, and JSON against the schema of a page and against itself.

usage: trend_check.py PAGE.md     in a directory that trend_data.py has filled"""
import copy
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import jsonschema

text = open(sys.argv[1], encoding="utf-8").read()
schema = json.loads(re.search(r"```json-schema\n(.*?)```", text, re.S).group(1))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)


def demand(condition, what):
    if not condition:
        sys.exit("trend: " + what)


def in_terminal(columns, *arguments):
    main, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(["heapdiff", "trend", *arguments], stdout=other, stderr=subprocess.PIPE)
    os.close(other)
    data = b""
    while True:
        try:
            part = os.read(main, 65536)
        except OSError:
            break
        if not part:
            break
        data += part
    os.close(main)
    demand(process.wait() == 0, "fails in a terminal of %d columns" % columns)
    return [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in data.decode().replace("\r", "").splitlines()]


def check_terminals():
    os.environ["LC_ALL"] = "C.UTF-8"
    for columns in 60, 80, 132, 200:
        lines = in_terminal(columns, "--limit", "2GiB", "dumps")
        table = lines[lines.index("") + 1:]
        demand(all(len(line) <= columns for line in table), "a line is wider than %d: %s" % (columns, table))
        demand(all("session_new" in line or "TOTAL" in line for line in table if "leaks" in line), "rows %s" % table)
        demand(len([line for line in table if "+-" in line]) == 8, "rows at %d: %s" % (columns, table))
        demand(("\u2588" in "".join(table)) == (columns > 80), "columns at %d: %s" % (columns, table))


def fit(points):
    """Slope and the number of rises of values over hours, for one process."""
    mean_t = sum(t for t, _ in points) / len(points)
    mean_v = sum(v for _, v in points) / len(points)
    slope = sum((t - mean_t) * (v - mean_v) for t, v in points) / sum((t - mean_t) ** 2 for t, _ in points)
    return slope, sum(b[1] > a[1] for a, b in zip(points, points[1:]))


def check_numbers(report):
    files = report["files"]
    used = [i for i, file in enumerate(files) if not file["warm_up"]]
    demand(len(files) - len(used) == report["warm_up"], "warm-up is not counted right")
    for row in report["rows"] + [report["total"]]:
        demand(len(row["values"]) == len(files), "a value is missing")
        demand((row["first"], row["last"]) == (row["values"][used[0]], row["values"][used[-1]]), "first or last is wrong")
        demand(row["low"] <= row["slope"] <= row["high"], "an interval without its slope")
        if len({files[i]["process"] for i in used}) == 1:
            slope, rises = fit([(files[i]["time_nanos"] / 3.6e12, row["values"][i]) for i in used])
            demand(abs(slope - row["slope"]) <= 1e-6 * max(1, abs(slope)) + 1e-3, "slope %r, not %r" % (row["slope"], slope))
            demand(rises == row["rises"] and row["steps"] == len(used) - 1, "rises are wrong")
    if report["measure"] == "flat" and report["by"] != "label":
        for i in range(len(files)):
            sums = sum(row["values"][i] for row in report["rows"])
            demand(sums == report["total"]["values"][i], "rows of file %d make %d" % (i, sums))
    for row in report["rows"]:
        demand(row["verdict"] != "leaks" or row["low"] > 0, "a leak within chance")


def check_json():
    reports = []
    for arguments in (["dumps"], ["--process", "all", "dumps"], ["few"], ["damaged"], ["--limit", "2GiB", "dumps"],
                      ["--keep-warm-up", "dumps"], ["-alloc_objects", "--cum", "dumps"], ["--by", "stack", "dumps"],
                      ["--by", "label:bytes", "dumps"], ["--confidence", "0.8", "dumps"]):
        out = subprocess.run(["heapdiff", "trend", "--format", "json", *arguments], stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, check=True).stdout
        report = json.loads(out)
        errors = sorted(validator.iter_errors(report), key=lambda e: e.path)
        demand(not errors, "%s: %s" % (arguments, errors[:1]))
        check_numbers(report)
        reports.append(report)
    return reports


def check_planted(report):
    """Documents with a mistake must be refused."""
    def plant(change):
        wrong = copy.deepcopy(report)
        change(wrong)
        demand(not validator.is_valid(wrong), "a planted mistake is not found")

    plant(lambda r: r.update(schema=2))
    plant(lambda r: r.pop("total"))
    plant(lambda r: r["rows"][0].pop("name"))
    plant(lambda r: r["rows"][0].update(verdict="~"))
    plant(lambda r: r["rows"][0].update(slope="1"))
    plant(lambda r: r["total"]["values"].append(0.5))
    plant(lambda r: r["files"][0].update(more=1))
    plant(lambda r: r.update(files=r["files"][:2]))


check_terminals()
reports = check_json()
check_planted(reports[0])
demand({row["name"]: row["verdict"] for row in reports[0]["rows"]} ==
       {"session_new": "leaks", "batch_collect": "noise", "log_append": "noise", "index_load": "constant",
        "config_read": "constant", "cache_insert": "noise", "drain": "falls"}, "verdicts")
limit = reports[4]["total"]
demand(limit["soonest"] < limit["hours_to_limit"] < limit["latest"], "limits")
demand(abs(limit["hours_to_limit"] * limit["slope"] + limit["last"] - 2**31) < 1e4, "the limit is not where the line is")
print("%d documents" % len(reports))
