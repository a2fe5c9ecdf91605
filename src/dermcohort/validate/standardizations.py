"""Direct and indirect standardization and rates (ids std.*, sir.*, ir.*)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .. import prevalence, survival
from .registry import Read, Values, interval, recomputes

AGES = ["<20", "20-24", "25-29", "30-34", "35-39", "40+"]
BIRTHS = np.reshape(
    [230061, 329449, 114920, 39487, 14208, 3052, 72202, 326701, 208667, 83228, 28466, 5375, 15050, 175702,
     207081, 117300, 45026, 8660, 2293, 68800, 132424, 98301, 46075, 9834, 327, 30666, 123419, 149919, 104088,
     34392], (5, 6),
)  # fmt: skip
DOWN = np.reshape(
    [107, 141, 60, 40, 39, 25, 25, 150, 110, 84, 82, 39, 3, 71, 114, 103, 108, 75, 1, 26, 64, 89, 137, 96, 0,
     8, 63, 112, 262, 295], (5, 6),
)  # fmt: skip
CANCER = """
    <1     45   906897   141  1784033
    1-4   201  3794573   926  7065148
    5-14  320 10003544  1253 15658730
    15-24   670 10629526  1080 10482916
    25-34  1126  9465330  1869  9939972
    35-44  3160  8249558  4891 10563872
    45-54  9723  7294330 14956  9114202
    55-64 17935  5022499 30888  6850263
    65-74 22179  2920220 41725  4702482
    75-84 13461  1019504 26501  1874619
    85+    2238   142532  5928   330915"""


@recomputes("std.direct.ff.{}", "1", "2", "3", "4", "5")
def _fay_feuer(read: Read, member: str) -> Values:
    """Down syndrome by age of the mother, one order of birth (Fay & Feuer 1997, table 1; Fleiss 1981)."""
    order = int(member) - 1
    data = pd.DataFrame({"age": AGES, "cases": DOWN[order], "births": BIRTHS[order]})
    standard = pd.DataFrame({"age": AGES, "population": BIRTHS.sum(axis=0)})
    found = prevalence.standardized(data, "cases", age="age", standard=standard, population="births")
    rows = found.table.set_index("measure")
    crude, adjusted = rows.loc["crude prevalence"], rows.loc["standardized prevalence"]
    return [1e5 * value for value in (float(crude["estimate"]), *interval(adjusted))]


@recomputes("std.indirect")
def _indirect(read: Read) -> Values:
    """Deaths from cancer, white men of the United States, 1940 at the rates of 1960 (Selvin)."""
    names = ["age", "deaths", "years", "deaths_1960", "years_1960"]
    data = pd.DataFrame([line.split() for line in CANCER.split("\n")[1:]], columns=names)
    data[names[1:]] = data[names[1:]].astype(float)
    rates = pd.DataFrame({"age": data["age"], "rate": data["deaths_1960"] / data["years_1960"]})
    row = survival.smr(data, "deaths", "years", age="age", rates=rates, ci="log-normal").table.iloc[0]
    return [row["events"], row["expected"], *interval(row)]


@recomputes("sir.exact")
def _exact(read: Read) -> Values:
    data = pd.DataFrame({"observed": [17], "expected": [12.4]})
    return interval(survival.smr(data, "observed", expected="expected", ci="exact").table.iloc[0])


@recomputes("sir.byar")
def _byar(read: Read) -> Values:
    data = pd.DataFrame({"observed": [17], "expected": [12.4]})
    return interval(survival.smr(data, "observed", expected="expected", ci="byar").table.iloc[0])[1:]


@recomputes("ir.exact")
def _rate(read: Read) -> Values:
    data = pd.DataFrame({"years": [28010 / 41] * 41, "died": 1})
    return interval(survival.incidence_rate(data, "years", "died", per=1).table.iloc[0])
