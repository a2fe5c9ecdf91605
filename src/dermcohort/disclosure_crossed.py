"""Counts behind tables that tell of people crossed by two things: tests and truth, two raters, exposure and outcome.

Their cells are not in the table itself, but follow from its numbers: a cell that is small takes the measures made of it.
"""

from __future__ import annotations

import numpy as np

from .accuracy.diagnostic import CELLS, Diagnostic
from .accuracy.kappa import Kappa
from .disclosure_cells import TOTAL, Counts, counts_of_tidy, counts_of_totals
from .prevalence.stratified import MantelHaenszel
from .regression.interaction import Interaction


def counts_of_diagnostic(estimates: Diagnostic) -> Counts:
    """The four cells of each group, and the sums of them that each measure prints as `n` and `events`."""
    table, counts = estimates.table.reset_index(drop=True), Counts()
    n_measures = table["measure"].nunique()
    totals: dict[str, list[int]] = {"n": [], "events": []}
    for number, (_, cells) in enumerate(estimates.counts.iterrows()):
        tp, fp, fn, tn = (counts.cells.add(cells[name], shown=False) for name in CELLS)
        everyone, diseased = [tp, fp, fn, tn], [tp, fn]
        parts = {
            "sensitivity": (diseased, [tp]),
            "specificity": ([fp, tn], [tn]),
            "PPV": ([tp, fp], [tp]),
            "NPV": ([fn, tn], [tn]),
            "accuracy": (everyone, [tp, tn]),
        }
        rows = range(number * n_measures, (number + 1) * n_measures)
        for row in rows:
            measure = table.at[row, "measure"]
            n, events = parts.get(measure, (everyone, diseased))
            if table.at[row, "n"] != sum(counts.cells.values[i] for i in n):
                n, events = everyone, diseased  # predictive values at another prevalence
            for column, of in (("n", n), ("events", events)):
                counts.add(row, column, table.at[row, column])
                counts.cells.add_sum(counts.places[row, column], of)
            if n is everyone and events is diseased:
                counts.made_of[row] = everyone
            if measure == "accuracy":
                totals["n"].append(counts.places[row, "n"])
            if measure == "sensitivity":
                totals["events"].append(counts.places[row, "n"])
    for column, of in totals.items():
        counts.add(TOTAL, column, getattr(estimates, column))
        counts.cells.add_sum(counts.places[TOTAL, column], of)
    return counts


def counts_of_kappa(estimates: Kappa) -> Counts:
    """The pairs of ratings; kappa tells of all of them."""
    table, counts = estimates.table.reset_index(drop=True), Counts()
    pairs = np.array(
        [[counts.cells.add(value, shown=False) for value in row] for row in estimates.confusion.to_numpy()]
    )
    everyone, same = list(pairs.ravel()), list(np.diagonal(pairs))
    either = {
        "positive agreement": ([i for i in everyone if i != pairs[0, 0]], [pairs[-1, -1]]),
        "negative agreement": ([i for i in everyone if i != pairs[-1, -1]], [pairs[0, 0]]),
    }
    for row in table.index:
        measure = table.at[row, "measure"]
        n, events = either.get(measure, (everyone, same))
        for column, of in (("n", n), ("events", events)):
            counts.add(row, column, table.at[row, column])
            if (row, column) in counts.places:
                counts.cells.add_sum(counts.places[row, column], map(int, of))
        if measure.endswith("kappa"):
            counts.made_of[row] = [int(i) for i in everyone]
    counts.add(TOTAL, "n", estimates.n)
    counts.cells.add_sum(counts.places[TOTAL, "n"], map(int, everyone))
    return counts


def counts_of_interaction(estimates: Interaction) -> Counts:
    """Those with and without the outcome at each combination of the exposures; every measure tells of four of them."""
    counts = counts_of_totals(estimates)
    joint = estimates.joint[estimates.joint["comparison"] == "joint"]
    cells = [
        counts.cells.add(value, shown=False)
        for column in ("n", "events", "non_events")
        for value in joint[column].dropna()
    ]
    for row in range(len(estimates.table)):
        counts.made_of.setdefault(row, []).extend(cells)
    return counts


def counts_of_strata(estimates: MantelHaenszel) -> Counts:
    """Rows and events of each stratum, and those of each level of the exposure in it, which a ratio tells."""
    if estimates.counts is None:
        raise ValueError(
            "suppress: estimates by stratum loaded from a file do not have the counts of the exposed; pass them before "
            "they are saved"
        )
    counts = counts_of_tidy(estimates)
    everything: list[int] = []
    for row, (_, of_stratum) in enumerate(estimates.counts.iterrows()):
        told = dict(of_stratum)
        for i in ("0", "1"):
            if f"n{i}" in told:  # of rates the person-years are told, not the people
                told[f"rest{i}"] = told[f"n{i}"] - told[f"x{i}"]
        cells = [counts.cells.add(value, shown=False) for value in told.values()]
        counts.made_of[row] = cells
        everything += cells
    counts.made_of[len(estimates.counts)] = everything
    return counts
