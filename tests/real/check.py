#!/usr/bin/env python3
"""Checks by its own reckoning what a book wrote out: who held what, at which level, and whose statement settles what.

  tests/real/check.py --placements P.csv --recoveries R.csv… --statements AGENCY-MONTH.csv… --agencies A,B,… --bank FIGURE
                      [--tail CONTRACT:VERSION=DAYS…]

Windows are those of rule 5.1: to the last day, or to the day a placement was recalled, returned or transferred; then the tail; never beyond
the day before the next placement. Ends with 1 on any difference."""

import argparse
import collections
import csv
import datetime
import decimal
import os
import sys

CUT = ("recalled", "returned", "transferred")


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def windows(placements, tails):
    """(first day, last day, assignee) of each placement of one account, in order."""
    found = []
    for number, one in enumerate(placements):
        last = one["closed_on"] if one["close_reason"] in CUT and one["closed_on"] < one["expires_on"] else one["expires_on"]
        tail = tails.get(f"{one['contract']}:{one['contract_version']}", 0)
        last = datetime.date.fromisoformat(last) + datetime.timedelta(days=tail)
        if number + 1 < len(placements):
            last = min(last, datetime.date.fromisoformat(placements[number + 1]["placed_on"]) - datetime.timedelta(days=1))
        found.append((one["placed_on"], last.isoformat(), one["assignee"]))
    return found


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--placements", required=True)
    words.add_argument("--recoveries", nargs="+", required=True)
    words.add_argument("--statements", nargs="+", required=True)
    words.add_argument("--agencies", required=True, help="codes; teams do not count for the level")
    words.add_argument("--tail", nargs="*", default=[])
    words.add_argument("--bank", required=True, help="Assets:Bank of the trial balance")
    given = words.parse_args()
    agencies, tails = set(given.agencies.split(",")), {key: int(days) for key, days in (one.split("=") for one in given.tail)}
    wrong = []

    accounts = collections.defaultdict(list)
    for row in rows(given.placements):
        accounts[row["account_no"]].append(row)
    again = 0
    levels = collections.Counter()
    for account_no, placements in accounts.items():
        held = set()
        for one in placements:
            again += bool(held)
            if one["assignee"] in held:
                wrong.append(f"{account_no} went back to {one['assignee']} on {one['placed_on']}")
            held.add(one["assignee"])
            level = len(held & agencies)
            levels[level] += 1
            if int(one["level"]) != level:
                wrong.append(f"{account_no}: level {one['level']} with {one['assignee']}, reckoned {level}")

    settled = {}
    for path in given.statements:
        agency = os.path.basename(path).split("-")[0]
        for line in rows(path):
            if line["kind"] == "commission" and settled.setdefault(line["reference"], agency) != agency:
                wrong.append(f"{line['reference']} stands on statements of {settled[line['reference']]} and {agency}")
    total, holders = decimal.Decimal(0), collections.Counter()
    for path in given.recoveries:
        for one in rows(path):
            total += decimal.Decimal(one["amount"])
            spans = windows(accounts[one["account_no"]], tails)
            holder = next((who for first, last, who in spans if first <= one["received_on"] <= last), None)
            number = next((n for n, (first, last, _) in enumerate(spans) if first <= one["received_on"] <= last), None)
            holders["house" if holder is None else "first placement" if number == 0 else "later placement"] += 1
            if settled.pop(one["reference"], None) != holder:
                wrong.append(f"{one['reference']} of {one['received_on']} belongs to {holder or 'the house'}, not so settled")
    wrong += [f"{reference} is settled and was never received" for reference in settled]
    if total != decimal.Decimal(given.bank):
        wrong.append(f"payments come to {total}, Assets:Bank to {given.bank}")
    for one in wrong[:20]:
        print("WRONG:", one)
    print(f"{sum(levels.values())} placements, {again} of accounts placed before, none with a former holder; levels "
          + ", ".join(f"{level}: {count}" for level, count in sorted(levels.items()))
          + "; recoveries of " + ", ".join(f"{who} {count}" for who, count in sorted(holders.items()))
          + f"; payments {total} = Assets:Bank" if not wrong else f"{len(wrong)} differences")
    sys.exit(1 if wrong else 0)


main()
