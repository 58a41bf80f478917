#!/usr/bin/env python3
"""Times the solver and OR-tools' SimpleMinCostFlow on the same programmes of 5,000 strata and 50 takers.

  tests/programmes/speed.py [--seeds N] [--strata N] [--takers N]    needs: pip install ortools

Solving only on both sides: reading the table, and building OR-tools' arcs, are not counted. Each side is timed three
times and its best time counts. Ends with 1 when the objectives differ."""

import argparse
import os
import sys
import tempfile
import time

import numpy
from ortools.graph.python import min_cost_flow

import tables

KINDS = {
    "tight": {"room": 1.01},
    "slack": {"room": 1.6},
    "tight, minimums": {"room": 1.01, "minimums": 0.97},
    "no maximums, minimums": {"room": None, "minimums": 0.97},
    "too little room": {"room": 0.8},
    "tight, half open": {"room": 1.02, "open_share": 0.5},
    "tight, any values": {"room": 1.01, "values": "any"},
    "tight, five values": {"room": 1.01, "values": "few"},
    "tight, worth nothing": {"room": 1.01, "values": "zero"},
}


def ortools(programme):
    """The largest value, and the seconds. A taker's minimum is a demand of its own; where the room is too little, one
    taker more takes what is left and is worth nothing."""
    strata, takers, total = len(programme.accounts), programme.takers, sum(programme.accounts)
    if None not in programme.upper and sum(programme.upper) < total:
        cells = programme.cells + [(stratum, takers, 0) for stratum in range(strata)]
        return ortools(tables.Programme(programme.accounts, cells, programme.lower + [0], programme.upper + [None]))
    stratum, taker, value = (numpy.array(part, dtype=numpy.int64) for part in zip(*programme.cells))
    flow = min_cost_flow.SimpleMinCostFlow()
    flow.add_arcs_with_capacity_and_unit_cost(stratum, strata + taker, numpy.array(programme.accounts)[stratum], -value)
    rooms = [(total if upper is None else upper) - lower for lower, upper in zip(programme.lower, programme.upper)]
    flow.add_arcs_with_capacity_and_unit_cost(strata + numpy.arange(takers), numpy.full(takers, strata + takers),
                                              numpy.array(rooms), numpy.zeros(takers, dtype=numpy.int64))
    supplies = programme.accounts + [-lower for lower in programme.lower] + [sum(programme.lower) - total]
    flow.set_nodes_supplies(numpy.arange(strata + takers + 1), numpy.array(supplies))
    began = time.perf_counter()
    status = flow.solve()
    seconds = time.perf_counter() - began
    assert status == flow.OPTIMAL, status
    return -flow.optimal_cost(), seconds


def main():
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--seeds", type=int, default=3)
    words.add_argument("--strata", type=int, default=5000)
    words.add_argument("--takers", type=int, default=50)
    given = words.parse_args()
    ratios, bad = [], 0
    print(f"{given.strata} strata, {given.takers} takers\nseed  kind                     solver s   OR-tools s   ratio")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "strata.csv")
        for seed in range(given.seeds):
            for kind, shape in KINDS.items():
                programme = tables.draw(numpy.random.default_rng(seed), given.strata, given.takers, **shape)
                tables.write(programme, path)
                answers = [tables.solve(path) for _ in range(3)]
                if not answers[0]["feasible"]:
                    print(f"{seed:4}  {kind:23}  infeasible: {answers[0]['clash']['kind']}")
                    continue
                theirs = [ortools(programme) for _ in range(3)]
                ours, other = min(float(one["seconds"]) for one in answers), min(seconds for _, seconds in theirs)
                same = tables.millionths(answers[0]["objective"]) == theirs[0][0]
                bad += not same
                ratios.append(ours / other)
                print(f"{seed:4}  {kind:23} {ours:9.3f} {other:12.3f} {ours / other:7.2f}{'' if same else '  DIFFERENT'}")
    print(f"{len(ratios)} programmes: ratio {min(ratios):.2f} to {max(ratios):.2f}, "
          f"mean {sum(ratios) / len(ratios):.2f}; {bad} different objectives")
    sys.exit(1 if bad else 0)


main()
