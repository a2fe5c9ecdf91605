"""Regressions of 1 to 12 rows, separated, constant or collinear: a table whose gaps are explained, or a clear error.

A `RuntimeWarning` is an error here (`simplefilter`), as is any exception but ValueError with a sentence.
"""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dermcohort import regression as models
from dermcohort.survival import cox, fine_gray

SAID = ("no finite", "not converge", "boundary", "No standard error", "Separation", "Monotone")
FORMULAS = ("x", "g", "x + g", "x * h", "x + v", "1")
VARIANCES = (
    {}, {"cluster": "k"}, {"cluster": "k", "robust": "CR2"}, {"cluster": "k", "robust": "CR3"}, {"robust": "HC3"},
    {"weights": "w"}, {"weights": "w", "robust": False},
)  # fmt: skip
OUTCOMES = {
    "logistic": "y", "log_binomial": "y", "modified_poisson": "y", "risk_difference": "y", "complementary_log_log": "y",
    "poisson": "c", "negative_binomial": "c", "linear": "z",
}  # fmt: skip


@st.composite
def tiny(draw) -> pd.DataFrame:
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    n = draw(st.integers(1, 12))
    x = draw(
        st.sampled_from([rng.integers(0, 2, n), rng.normal(size=n).round(1), np.arange(n), np.full(n, 2)])
    )
    y = draw(st.sampled_from([rng.integers(0, 2, n), (x > np.median(x)).astype(int), np.ones(n, int)]))
    return pd.DataFrame(
        {
            "x": x,
            "v": draw(st.sampled_from([2 * x, rng.normal(size=n)])),
            "g": pd.Categorical(rng.choice(list("abc"), n)),
            "h": rng.integers(0, 2, n),
            "k": rng.integers(0, 4, n),
            "w": rng.choice([0.5, 1, 3], n),
            "y": y,
            "c": draw(st.sampled_from([rng.integers(0, 3, n), 100 * y])),
            "z": draw(st.sampled_from([rng.normal(size=n), np.ones(n), 2.0 * x, 1e8 * rng.normal(size=n)])),
            "t": draw(st.sampled_from([rng.integers(1, 5, n), np.arange(1, n + 1), np.ones(n)])),
            "o": pd.Categorical(rng.choice(list("pqr"), n), ordered=True),
            "end": pd.Categorical(rng.choice(["no", "a", "b"], n), ["no", "a", "b"]),
        }
    )


def fits(data: pd.DataFrame, formula: str, variance: dict):
    for name, outcome in OUTCOMES.items():
        yield lambda f=name, y=outcome: getattr(models, f)(f"{y} ~ {formula}", data, **variance)
    yield lambda: models.logistic(f"y ~ {formula}", data, interval="profile")
    yield lambda: models.poisson(f"c ~ {formula}", data, interval="profile")
    yield lambda: models.firth(f"y ~ {formula}", data)
    yield lambda: models.ordinal(f"o ~ {formula}", data)
    yield lambda: models.multinomial(f"o ~ {formula}", data)
    yield lambda: models.conditional_logistic(f"y ~ {formula}", data, strata="k")
    yield lambda: models.gee(f"c ~ {formula}", data, groups="k", family="poisson")
    yield lambda: models.mixed_linear(f"z ~ {formula}", data, groups="k")
    given_to_cox = {name: value for name, value in variance.items() if name != "robust"}
    yield lambda: cox(formula, data, time="t", event="y", **given_to_cox)
    yield lambda: cox(formula, data, time="t", event="y", strata="h", ties="exact")
    yield lambda: fine_gray(formula, data, time="t", event="end", cause="a")


@settings(max_examples=25, deadline=None)
@given(tiny(), st.sampled_from(FORMULAS), st.sampled_from(VARIANCES))
def test_finite_or_explained(data, formula, variance):
    for fit in fits(data, formula, variance):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                found = fit()
            except ValueError as problem:
                assert not isinstance(problem, np.linalg.LinAlgError) and len(str(problem)) > 20
                continue
        rows = found.table
        if rows.empty:
            continue
        rows = rows[~(rows["level"].notna() & (rows["level"] == rows["reference"]))]
        gaps = ~np.isfinite(rows["estimate"].to_numpy(float)) & (rows["coef"].abs() < 700).to_numpy()
        gaps |= rows["std_error"].isna().to_numpy()
        assert not (rows["std_error"] <= 0).any()
        if gaps.any():
            assert any(word in note for note in found.notes for word in SAID), (found.table, found.notes)


def test_outcome_without_residual_has_no_standard_error():
    data = pd.DataFrame({"x": [0, 1, 2, 3.0], "z": [1, 3, 5, 7.0]})
    found = models.linear("z ~ x", data)
    assert found.table["estimate"].item() == pytest.approx(2)
    assert np.isnan(found.table["std_error"].item())
    assert any("No standard error of x" in note for note in found.notes)


@pytest.mark.parametrize("ties", ["efron", "breslow", "exact"])
def test_a_covariate_alike_among_those_at_risk_is_refused(ties):
    """All exposed leave before the first event; R's coxph gives NA."""
    data = pd.DataFrame(
        {"t": [1, 1, 2, 3, 4, 5], "y": [0, 0, 1, 1, 0, 1], "x": [1, 1, 0, 0, 0, 0], "u": [3, 1, 4, 1, 5, 9]}
    )
    with pytest.raises(ValueError, match="'x' is the same for all who are at risk"):
        cox("x", data, time="t", event="y", ties=ties)
    data["v"] = data["u"] + data["x"]  # u among those at risk
    with pytest.raises(ValueError, match="'v' is determined by the columns before it"):
        cox("u + v", data, time="t", event="y", ties=ties)


def test_degrees_of_freedom_do_not_depend_on_the_unit():
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"g": np.repeat(range(6), 5), "x": rng.normal(size=30)})
    data["z"] = data["x"] + rng.normal(size=6)[data["g"]] + rng.normal(size=30)
    one, other = (
        models.mixed_linear("z ~ x", data.assign(z=data["z"] * unit), groups="g") for unit in (1, 1e9)
    )
    assert one.table["df"].item() == pytest.approx(other.table["df"].item(), rel=1e-4)
