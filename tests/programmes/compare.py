#!/usr/bin/env python3
"""Compares the solver with HiGHS on programmes drawn from a seed, or checks a table that an allocation printed.

  tests/programmes/compare.py [--seed N] [--cases N] [--strata N]    largest number of strata: 2,000
  tests/programmes/compare.py --table STRATA.csv

Everything that decides is worked out here again in whole numbers: limits, value, the bound that the prices prove,
the figures of a clash. Ends with 1 on any difference."""

import argparse
import os
import sys
import tempfile

import numpy
from scipy.optimize import LinearConstraint, milp
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import maximum_flow

import tables


def most_placed(programme):
    """The most accounts that eligibility and upper limits let be placed: a maximum flow."""
    strata, takers, total = len(programme.accounts), programme.takers, sum(programme.accounts)
    arcs = [(0, 1 + s, count) for s, count in enumerate(programme.accounts)]
    arcs += [(1 + s, 1 + strata + a, programme.accounts[s]) for s, a, _ in programme.cells]
    arcs += [(1 + strata + a, 1 + strata + takers, total if upper is None else min(upper, total))
             for a, upper in enumerate(programme.upper)]
    rows, columns, data = (numpy.array(part, dtype=numpy.int32) for part in zip(*arcs))
    size = strata + takers + 2
    return maximum_flow(coo_matrix((data, (rows, columns)), (size, size)).tocsr(), 0, size - 1).flow_value


def highs(programme, place_all, values):
    """HiGHS's plan in whole accounts, or None if there is none."""
    strata, count = len(programme.accounts), len(programme.cells)
    if count == 0:
        return None if any(programme.lower) or (place_all and any(programme.accounts)) else []
    rows = [s for s, _, _ in programme.cells] + [strata + a for _, a, _ in programme.cells]
    matrix = coo_matrix((numpy.ones(2 * count), (rows, list(range(count)) * 2)), (strata + programme.takers, count))
    least = (programme.accounts if place_all else [0] * strata) + programme.lower
    most = programme.accounts + [numpy.inf if upper is None else upper for upper in programme.upper]
    if any(low > high for low, high in zip(least, most)):
        return None
    found = milp(-numpy.array(values, dtype=float), constraints=LinearConstraint(matrix.tocsr(), least, most))
    if found.status == 2:
        return None
    assert found.status == 0, found.message
    whole = numpy.rint(found.x)
    assert abs(found.x - whole).max() < 1e-5, "HiGHS's plan is not whole"
    return [int(one) for one in whole]


def faults(programme, place_all, assigned):
    """Limits that a plan does not keep."""
    left, given = list(programme.accounts), [0] * programme.takers
    for (stratum, taker, _), count in zip(programme.cells, assigned):
        left[stratum] -= count
        given[taker] += count
    if min(assigned, default=0) < 0:
        yield "negative counts"
    if any(one < 0 or (place_all and one > 0) for one in left):
        yield "accounts left, or more than there are"
    for taker, count in enumerate(given):
        if count < programme.lower[taker] or (programme.upper[taker] is not None and count > programme.upper[taker]):
            yield f"taker {taker}: {count} beyond its limits"


def worth(programme, assigned):
    return sum(value * count for (_, _, value), count in zip(programme.cells, assigned))


def bound(programme, place_all, prices):
    """What no plan is worth more than."""
    best = [None if place_all else 0] * len(programme.accounts)
    for stratum, taker, value in programme.cells:
        after = value - prices[taker]
        best[stratum] = after if best[stratum] is None else max(best[stratum], after)
    total = sum((one or 0) * count for one, count in zip(best, programme.accounts))
    for price, lower, upper in zip(prices, programme.lower, programme.upper):
        assert price <= 0 or upper is not None, "a price without a limit"
        total += price * (upper if price > 0 else lower)
    return total


def clash_is_true(programme, place_all, clash):
    """Whether the limits named contradict each other by the figures named."""
    takers = {int(name[1:]) for name in clash["assignees"]}
    strata = {int(name[1:]) for name in clash["strata"]}
    needed, available = int(clash["needed"]), int(clash["available"])
    accounts = sum(programme.accounts[s] for s in strata)
    lower = sum(programme.lower[a] for a in takers)
    if needed <= available:
        return False
    if clash["kind"] == "minimums":
        return (needed, available) == (lower, accounts) and all(s in strata for s, a, _ in programme.cells if a in takers)
    room = sum(programme.upper[a] for a in takers)
    if clash["kind"] == "crossed":
        return len(takers) == 1 and (needed, available) == (lower, room)
    inside = all(a in takers for s, a, _ in programme.cells if s in strata)
    return place_all and inside and (needed, available) == (accounts, room)


def differences(programme, path, place_all_asked):
    """What is wrong with the solver's answer to one programme, and what kind of answer it was."""
    options = ["--place-all"] if place_all_asked else []
    answer = tables.solve(path, "--write", path + ".out", *options)
    in_table = {s for s, _, _ in programme.cells}
    shown = sum(programme.accounts[s] for s in in_table)
    most = most_placed(programme) if programme.cells else 0
    place_all = place_all_asked or most == shown
    if answer["place_all"] != place_all:
        return [f"place_all {answer['place_all']}, but {most} of {shown} can be placed"], "wrong"
    plan = highs(programme, place_all, [value for _, _, value in programme.cells])
    if not answer["feasible"]:
        wrong = [] if plan is None else ["HiGHS has a plan"]
        if not clash_is_true(programme, place_all, answer["clash"]):
            wrong.append(f"the clash is not true: {answer['clash']}")
        return wrong, "infeasible"
    if plan is None:
        return ["HiGHS has no plan"], "wrong"
    again, _, takers, assigned = tables.read(path + ".out")
    wrong = list(faults(programme, place_all, assigned))
    value, theirs = worth(programme, assigned), worth(programme, plan)
    places = {name: index for index, name in enumerate(takers)}
    prices = [0] * programme.takers
    for name, price in answer["prices"].items():
        prices[int(name[1:])] = signed(price)
    if (signed(answer["objective"]), signed(answer["bound"])) != (value, value) or answer["placed"] != sum(assigned):
        wrong.append(f"printed {answer['objective']} ≤ {answer['bound']}, but the plan is worth {value}")
    if len(places) == programme.takers and bound(programme, place_all, prices) != value:
        wrong.append("the prices do not prove the plan")
    if list(faults(programme, place_all, plan)):
        wrong.append("HiGHS's plan keeps not all limits")
    if value < theirs:
        wrong.append(f"worth {value}, HiGHS's plan {theirs}")
    scale = sum(programme.accounts) + 1
    if not place_all and max((value for _, _, value in programme.cells), default=0) * scale < 2**40:
        finest = highs(programme, place_all, [value * scale + 1 for _, _, value in programme.cells])
        if (worth(programme, finest), sum(finest)) != (value, sum(assigned)):
            wrong.append(f"{sum(assigned)} placed, HiGHS places {sum(finest)}")
    return wrong, "equal" if value == theirs else "better than HiGHS, proved"


def signed(text):
    return -tables.millionths(text[1:]) if text.startswith("-") else tables.millionths(text)


def drawn(chance, largest):
    """A programme of any shape; every twelfth is large."""
    large = chance.random() < 1 / 12
    strata = int(chance.integers(1, largest + 1 if large else min(largest, 150) + 1))
    takers = int(chance.integers(1, 51 if large else 16))
    return tables.draw(
        chance, strata, takers,
        values=str(chance.choice(["balances", "any", "few", "zero", "big"], p=[0.3, 0.3, 0.2, 0.1, 0.1])),
        room=[None, 0.8, 1.0, 1.01, 1.5][int(chance.integers(5))],
        minimums=[0.0, 0.0, 0.5, 0.95, 0.99, 1.02][int(chance.integers(6))],
        open_share=[1.0, 0.9, 0.5, 0.2][int(chance.integers(4))],
    )


def compare(seed, cases, largest):
    seen, bad = {}, 0
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "strata.csv")
        for case in range(cases):
            chance = numpy.random.default_rng([seed, case])
            programme = drawn(chance, largest)
            # Only what has a row is in a table.
            listed = {s for s, _, _ in programme.cells}, {a for _, a, _ in programme.cells}
            programme.accounts = [n if s in listed[0] else 0 for s, n in enumerate(programme.accounts)]
            programme.lower = [n if a in listed[1] else 0 for a, n in enumerate(programme.lower)]
            tables.write(programme, path)
            wrong, kind = differences(programme, path, bool(chance.random() < 0.3))
            seen[kind] = seen.get(kind, 0) + 1
            for one in wrong:
                print(f"seed {seed} case {case}: {one}")
            bad += bool(wrong)
    print(f"{cases} programmes, seed {seed}: " + ", ".join(f"{count} {kind}" for kind, count in sorted(seen.items()))
          + f"; {bad} different")
    return bad


def check(path):
    """Whether what a table assigns is optimal for the programme it prints; what exploration dealt by chance is given."""
    whole, _, _, all_assigned = tables.read(path)
    explored = tables.explored(path)
    programme, assigned = tables.rest(whole, all_assigned, explored)
    place_all = bool(programme.cells) and most_placed(programme) == sum(programme.accounts)
    plan = highs(programme, place_all, [value for _, _, value in programme.cells])
    with tempfile.TemporaryDirectory() as folder:
        left = os.path.join(folder, "strata.csv")
        tables.write(programme, left)
        answer = tables.solve(left)
    wrong = list(faults(programme, place_all, assigned))
    value = worth(programme, assigned)
    theirs = None if plan is None else worth(programme, plan)
    if not answer["feasible"] or plan is None:
        wrong.append(f"no plan keeps these limits (solver: {answer['feasible']}, HiGHS: {plan is not None})")
    elif not (value >= theirs and value == signed(answer["objective"]) == signed(answer["bound"])):
        wrong.append(f"assigned {tables.decimal(value)}, solver {answer['objective']}, bound {answer['bound']}, "
                     f"HiGHS {tables.decimal(theirs)}")
    elif sum(assigned) != answer["placed"]:
        wrong.append(f"{sum(assigned)} placed, but {answer['placed']} can be at the same value")
    for one in wrong:
        print(f"{path}: {one}")
    print(f"{path}: {len(programme.accounts)} strata, {programme.takers} assignees, {len(programme.cells)} cells, "
          f"{sum(all_assigned)} of {sum(whole.accounts)} accounts assigned"
          + (f" ({sum(explored)} explored)" if any(explored) else "")
          + f", worth {tables.decimal(worth(whole, all_assigned))}; "
          + ("NOT OPTIMAL" if wrong else "optimal"))
    return len(wrong)


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--cases", type=int, default=200)
    words.add_argument("--strata", type=int, default=2000)
    words.add_argument("--table")
    given = words.parse_args()
    bad = check(given.table) if given.table else compare(given.seed, given.cases, given.strata)
    sys.exit(1 if bad else 0)


main()
