"""The first table against R (validation/own/). Closed forms: 1e-12."""

import numpy as np
from golden import read, reference

from dermcohort import describe


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
