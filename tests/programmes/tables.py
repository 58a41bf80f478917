"""Programmes from a seed, strata tables and the example that solves them."""

import csv
import json
import pathlib
import subprocess

import numpy

HERE = pathlib.Path(__file__).resolve().parent
EXAMPLE = HERE.parent.parent / "target/release/examples/programme"
COLUMNS = ["stratum", "assignee", "accounts", "balance", "stratum_rate", "index", "fee_rate", "value_per_account",
           "min_accounts", "max_accounts", "assigned"]


class Programme:
    """Accounts by stratum, cells (stratum, taker, value in millionths), limits by taker (upper None: none)."""

    def __init__(self, accounts, cells, lower, upper):
        self.accounts, self.cells, self.lower, self.upper = accounts, cells, lower, upper

    @property
    def takers(self):
        return len(self.lower)


def decimal(millionths):
    return f"{millionths // 10**6}.{millionths % 10**6:06d}"


def millionths(text):
    whole, _, part = text.partition(".")
    assert len(part) <= 6, text
    return int(whole + part.ljust(6, "0"))


def write(programme, path):
    with open(path, "w", newline="") as file:
        out = csv.writer(file)
        out.writerow(COLUMNS)
        for stratum, taker, value in programme.cells:
            upper = programme.upper[taker]
            out.writerow([f"S{stratum:05d}", f"A{taker:03d}", programme.accounts[stratum], "", "", "", "", decimal(value),
                          programme.lower[taker], "" if upper is None else upper, ""])


def read(path):
    """The programme of a table, the names of its strata and takers, and what the table assigns."""
    strata, takers, accounts, lower, upper, cells, assigned = {}, {}, [], [], [], [], []
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            stratum = strata.setdefault(row["stratum"], len(strata))
            taker = takers.setdefault(row["assignee"], len(takers))
            limits = int(row["min_accounts"] or 0), int(row["max_accounts"]) if row["max_accounts"] else None
            if stratum == len(accounts):
                accounts.append(int(row["accounts"]))
            if taker == len(lower):
                lower.append(limits[0])
                upper.append(limits[1])
            assert accounts[stratum] == int(row["accounts"]) and (lower[taker], upper[taker]) == limits, row
            cells.append((stratum, taker, millionths(row["value_per_account"])))
            assigned.append(int(row["assigned"] or 0))
    return Programme(accounts, cells, lower, upper), list(strata), list(takers), assigned


def explored(path):
    """What exploration gave in each row of a table, in order; nothing where the table does not say."""
    with open(path, newline="") as file:
        return [int(row.get("explored") or 0) for row in csv.DictReader(file)]


def rest(programme, assigned, explored):
    """The programme that is left when exploration has taken its accounts, and what is assigned in it."""
    accounts, lower, upper = programme.accounts[:], programme.lower[:], programme.upper[:]
    for (stratum, taker, _), count in zip(programme.cells, explored):
        accounts[stratum] -= count
        lower[taker] = max(0, lower[taker] - count)
        upper[taker] = None if upper[taker] is None else max(0, upper[taker] - count)
    return Programme(accounts, programme.cells, lower, upper), [a - e for a, e in zip(assigned, explored)]


def solve(path, *options):
    done = subprocess.run([EXAMPLE, path, *options], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def draw(chance, strata, takers, values="balances", room=1.01, minimums=0.0, open_share=1.0):
    """A programme: `room` is what all upper limits together are to the accounts (None: no limits), `minimums` what
    all lower limits are, `open_share` how many of the pairs are open."""
    accounts = chance.integers(1, 200, strata)
    if values == "balances":
        worth = chance.lognormal(6, 1.2, (strata, 1)) * chance.uniform(0.02, 0.3, (strata, 1))
        worth = worth * chance.uniform(0.7, 1.3, (1, takers)) * chance.uniform(0.9, 1.1, (strata, takers)) * 1e6
    else:
        most = {"any": 10**9, "few": 4, "zero": 1, "big": 10**15}[values]
        worth = chance.integers(0, most, (strata, takers))
    worth = worth.astype(numpy.int64)
    opened = chance.random((strata, takers)) < open_share
    weights = chance.uniform(0.5, 1.5, takers)
    weights, total = weights / weights.sum(), int(accounts.sum())
    upper = [None] * takers if room is None else [int(share * total * room) + 1 for share in weights]
    lower = [int(share * total * minimums) for share in weights]
    pairs = zip(*numpy.nonzero(opened))
    cells = [(int(s), int(a), int(worth[s, a])) for s, a in pairs]
    return Programme([int(count) for count in accounts], cells, lower, upper)
