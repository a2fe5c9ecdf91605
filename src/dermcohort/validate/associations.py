"""What is made of fitted associations: interaction, attributable fractions, E-values, adjusted p-values."""

from __future__ import annotations

import itertools

import pandas as pd

from ..prevalence import mantel_haenszel
from ..regression import adjust_p_values, attributable_fraction, e_value, interaction, logistic
from .registry import ITERATIVE, Read, Values, interval, recomputes


def oral_cancer() -> pd.DataFrame:
    """Rothman & Keller (1972): cases and controls by smoking and alcohol."""
    cells = [(0, 0, 3, 20), (0, 1, 6, 12), (1, 0, 8, 18), (1, 1, 225, 166)]
    rows = [
        {"smoke": smoke, "alcohol": alcohol, "case": case}
        for smoke, alcohol, cases, controls in cells
        for case in (*[1] * cases, *[0] * controls)
    ]
    return pd.DataFrame(rows)


@recomputes("reri.oral", tolerance=ITERATIVE)
def _oral_cancer(read: Read) -> Values:
    found = interaction(logistic("case ~ alcohol * smoke", oral_cancer()), "alcohol", "smoke")
    joint = found.joint.query("comparison == 'joint'").set_index(["alcohol", "smoke"])["estimate"]
    rows = found.table.set_index("measure").loc[["RERI", "AP", "S"]]
    return [
        joint["1", "0"],
        joint["0", "1"],
        joint["1", "1"],
        *itertools.chain.from_iterable(map(interval, rows.to_dict("records"))),
    ]


@recomputes("paf", tolerance=ITERATIVE)
def _smoking(read: Read) -> Values:
    fit = logistic("case ~ smoke", oral_cancer())
    return attributable_fraction(fit, "smoke").table["estimate"].to_numpy()


@recomputes("evalue")
def _e_value(read: Read) -> Values:
    return e_value(3.9, 1.8, 8.7).table[["e_value", "e_value_limit"]].to_numpy()[0]


@recomputes("mt")
def _eight_tests(read: Read) -> Values:
    p = [0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205]
    return [value for method in ("holm", "BH", "BY") for value in adjust_p_values(p, method)]


@recomputes("zou.mh")
def _receptor_level(read: Read) -> Values:
    found = mantel_haenszel(read("zou192"), "y", "low", "stage", measure="PR").table
    return found.loc[found["term"] == "pooled", "estimate"].to_numpy()
