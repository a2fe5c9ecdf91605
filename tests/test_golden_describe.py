"""Prevalence, rates and the first table against R (validation/golden.csv). Closed forms: 1e-12."""

import numpy as np
import pandas as pd
import pytest
from golden import read, reference

from dermcohort import describe, prevalence
from dermcohort.survival import incidence_rate


@pytest.mark.parametrize(
    ("identifier", "ci", "cases", "n"),
    [
        ("prev.wilson", "wilson", 81, 263),
        ("prev.wilson0", "wilson", 0, 20),
        ("prev.cp", "clopper-pearson", 15, 148),
        ("prev.cp1", "clopper-pearson", 1, 29),
        ("prev.ac", "agresti-coull", 81, 263),
        ("prev.logit", "logit", 15, 148),
        ("prev.jeffreys", "jeffreys", 15, 148),
    ],
)
def test_intervals_of_a_proportion(identifier, ci, cases, n):
    data = pd.DataFrame({"eczema": np.arange(n) < cases})
    row = prevalence.crude(data, "eczema", ci=ci).table.iloc[0]
    np.testing.assert_allclose([row.conf_low, row.conf_high], reference(identifier), rtol=1e-12, atol=1e-14)


def test_exact_rate():
    data = pd.DataFrame({"years": [28010 / 41] * 41, "died": 1})
    row = incidence_rate(data, "years", "died", per=1).table.iloc[0]
    np.testing.assert_allclose([row.estimate, row.conf_low, row.conf_high], reference("ir.exact"), rtol=1e-12)


def test_standardized_differences():
    data = read("rotterdam")
    table = describe.table_one(data, ["age", "size", "meno", "nodes"], by="hormon").table
    found = table.loc[table["measure"] == "SMD", "estimate"]
    np.testing.assert_allclose(found, reference("own.smd"), rtol=1e-12)


def test_standardized_difference_over_three_groups_is_the_mean_of_pairs():
    data = read("rotterdam")
    table = describe.table_one(data, ["age", "meno"], by="size").table
    found = table.loc[table["measure"] == "SMD", "estimate"]
    np.testing.assert_allclose(found, reference("own.smd.three"), rtol=1e-12)
