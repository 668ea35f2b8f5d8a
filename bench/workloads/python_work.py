"""Work of a small service in Python: documents are built, written as JSON, parsed again, indexed and dropped.

Run with PYTHONMALLOC=malloc, so that every object comes from malloc and not from Python's own pools."""
import json
import sys


def document(n):
    return {
        "id": n,
        "name": f"item {n}",
        "tags": [f"tag{n % k}" for k in range(1, 8)],
        "price": n * 1.25,
        "nested": {"left": list(range(n % 20)), "right": {str(k): k * n for k in range(n % 10)}},
    }


def main():
    rounds = max(1, int(12 * float(sys.argv[1])) if len(sys.argv) > 1 else 12)
    total = 0
    index = {}
    for turn in range(rounds):
        text = json.dumps([document(n) for n in range(turn * 500, turn * 500 + 5000)])
        for item in json.loads(text):
            for tag in item["tags"]:
                index.setdefault(tag, []).append(item["id"])
            index[item["name"]] = item
            total += len(item["nested"]["right"])
        if turn % 4 == 3:
            index.clear()
        total += len(text) + sum(len(word) for word in text.split(","))
    print(total)


main()
