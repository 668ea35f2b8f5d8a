"""Compares what heapdiff says of pairs of profiles with what the program really did.

usage: diff_noise.py TRUTH_OLD COLUMN TRUTH_NEW COLUMN JSON...

TRUTH is what diff_amounts printed, COLUMN 1 or 2 the profile's in it. All pairs have the same truth. Exits 3 when too few intervals
contain the truth, too many rows that are the same are told apart, or too many of those told apart are the same."""
import json
import math
import sys


def read_truth(path, column):
    with open(path) as lines:
        return {line.split()[0]: int(line.split()[int(column)]) for line in lines}


def main():
    old, new = read_truth(*sys.argv[1:3]), read_truth(*sys.argv[3:5])
    covered = rows = same = told_same = told = changed = found = 0
    for path in sys.argv[5:]:
        with open(path) as text:
            for row in json.load(text)["rows"]:
                if row["name"] not in old or not (row["flat"]["old"] or row["flat"]["new"]):
                    continue
                flat, truth = row["flat"], new[row["name"]] - old[row["name"]]
                is_told = flat["verdict"] == "changed"
                rows += 1
                covered += flat["low"] - 1 <= truth <= flat["high"] + 1
                told += is_told
                if truth == 0:
                    same += 1
                    told_same += is_told
                else:
                    changed += 1
                    found += is_told
    print(f"{rows} rows: {100 * covered / rows:.2f}% of the intervals contain the truth; of {same} that are the same "
          f"{told_same} are told apart, of {changed} that are not {found}")
    error = 3 * math.sqrt(0.95 * 0.05 / rows)
    is_right = covered >= (0.95 - error) * rows and told_same <= 0.05 * same
    is_right = is_right and told_same <= 0.05 * told + 3 * math.sqrt(0.05 * max(told, 20))
    is_right = is_right and rows > 100 * len(sys.argv[5:]) and found >= 0.1 * changed
    sys.exit(0 if is_right else 3)


main()
