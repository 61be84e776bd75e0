# SPDX-License-Identifier: Apache-2.0
"""Sums up meson's testlog.json files: every TAP point counts, a program without points counts as one.

Usage: count_results.py LOG…   prints "N passed, N failed, N skipped"; a log that is missing counts as one failure."""
import json
import re
import sys

POINT = re.compile(r"^(not )?ok\b(.*)$")


def count_entry(entry):
    passed = failed = skipped = 0
    for line in entry.get("stdout", "").splitlines():
        point = POINT.match(line)
        if not point:
            continue
        if "# skip" in point.group(2).lower():
            skipped += 1
        elif point.group(1):
            failed += 1
        else:
            passed += 1
    result = entry["result"]
    if result in ("OK", "EXPECTEDFAIL") and not passed + skipped:
        passed = 1
    if result == "SKIP" and not passed + skipped:
        skipped = 1
    if result not in ("OK", "SKIP", "EXPECTEDFAIL") and not failed:
        failed = 1
    return passed, failed, skipped


def main(logs):
    totals = [0, 0, 0]
    for log in logs:
        try:
            with open(log, encoding="utf-8") as lines:
                counts = [count_entry(json.loads(line)) for line in lines if line.strip()]
        except OSError:
            counts = [(0, 1, 0)]
        totals = [total + sum(column) for total, column in zip(totals, zip(*counts) if counts else [[], [], []])]
    print("{} passed, {} failed, {} skipped".format(*totals))


main(sys.argv[1:])
