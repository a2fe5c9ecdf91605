"""Population attributable fractions: numbers from R, a case worked by hand, properties and degenerate data."""

import numpy as np
import pandas as pd
import pytest
from golden import read, reference
from hypothesis import given, settings
from hypothesis import strategies as st

from dermcohort import Estimates, SurveyDesign
from dermcohort.regression import attributable_fraction, linear, logistic, modified_poisson, poisson
from dermcohort.survival import cox
from dermcohort.validate.associations import oral_cancer

SIZE = ["estimate", "std_error"]


def fraction(fit, exposure, **options) -> np.ndarray:
    return attributable_fraction(fit, exposure, **options).table[SIZE].to_numpy(float)[0]


def close(found, identifier):
    np.testing.assert_allclose(found, reference(identifier), rtol=1e-8)


@pytest.fixture(scope="module")
def infert():
    data = read("infert")
    data = data.assign(spont=(data["spontaneous"] > 0).astype(int), ind=(data["induced"] > 0).astype(int))
    return data, logistic("case ~ spont * ind + age", data)


def test_oral_cancer():
    """Miettinen (1974): the share of cases exposed times (OR - 1) / OR."""
    data = oral_cancer()
    fit = logistic("case ~ smoke", data)
    found = fraction(fit, "smoke")
    np.testing.assert_allclose(found[:1], reference("paf"), rtol=1e-8)
    odds_ratio = fit.table["estimate"][0]
    exposed = data.loc[data["case"] == 1, "smoke"].mean()
    assert found[0] == pytest.approx(exposed * (1 - 1 / odds_ratio))


def test_from_cases(infert):
    close(fraction(infert[1], "spont"), "own.paf.cases")


def test_from_cases_with_clusters_and_another_reference():
    data = read("colon").query("etype == 2")
    data = data.assign(
        village=(data["id"] - 1) // 20, rx=pd.Categorical(data["rx"], ["Obs", "Lev", "Lev+5FU"])
    )
    fit = poisson("status ~ rx * sex + age", data, cluster="village")
    close(fraction(fit, "rx", reference="Lev+5FU"), "own.paf.cases.cluster")


def test_standardized(infert):
    close(fraction(infert[1], "spont", method="standardized"), "own.paf.std")


def test_standardized_with_clusters():
    data = read("ohio").assign(older=lambda d: (d["age"] > -1).astype(int))
    fit = logistic("resp ~ older * smoke", data, cluster="id")
    close(fraction(fit, "smoke", method="standardized"), "own.paf.std.cluster")


def test_standardized_with_a_log_link():
    data = read("rotterdam")
    data = data.assign(old=(data["age"] > 60).astype(int), many=(data["nodes"] > 3).astype(int))
    fit = modified_poisson("death ~ many * old + meno", data)
    close(fraction(fit, "many", method="standardized"), "own.paf.std.poisson")


def cohort(seed: int, n: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    exposed, age = rng.integers(0, 2, n), rng.normal(size=n)
    case = rng.random(n) < 0.2 + 0.3 * exposed
    return pd.DataFrame({"case": case, "exposed": exposed, "age": age, "one": 1.0, "id": np.arange(n)})


def test_by_hand():
    """Risks 1/4 and 3/4, half exposed: P = 1/2, P0 = 1/4, so half of the cases; RR 3, 3 of 4 cases exposed."""
    data = pd.DataFrame({"case": [1, 0, 0, 0, 1, 1, 1, 0], "exposed": [0, 0, 0, 0, 1, 1, 1, 1]})
    assert fraction(logistic("case ~ exposed", data), "exposed", method="standardized")[0] == pytest.approx(
        0.5
    )
    assert fraction(modified_poisson("case ~ exposed", data), "exposed")[0] == pytest.approx(0.75 * 2 / 3)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_properties(seed):
    """With risk ratios the two methods agree; row order, coding of the exposure and singleton clusters do not matter."""
    data = cohort(seed)
    for method in ("cases", "standardized"):
        fit = modified_poisson("case ~ exposed + age", data)
        found = fraction(fit, "exposed", method=method)
        shuffled = modified_poisson("case ~ exposed + age", data.sample(frac=1, random_state=seed))
        np.testing.assert_allclose(fraction(shuffled, "exposed", method=method), found, rtol=1e-7)
        words = data.assign(exposed=np.where(data["exposed"] == 1, "yes", "no"))
        coded = modified_poisson("case ~ exposed + age", words)
        np.testing.assert_allclose(fraction(coded, "exposed", method=method), found, rtol=1e-7)
        single = modified_poisson("case ~ exposed + age", data, cluster="id")
        np.testing.assert_allclose(fraction(single, "exposed", method=method), found, rtol=1e-7)
    both = [fraction(fit, "exposed", method=method)[0] for method in ("cases", "standardized")]
    assert both[0] == pytest.approx(both[1], rel=1e-6)


def test_survey_design_of_equal_weights_is_a_simple_random_sample():
    data = cohort(1)
    plain = fraction(logistic("case ~ exposed + age", data), "exposed", method="standardized")
    design = logistic("case ~ exposed + age", data, design=SurveyDesign("one"))
    np.testing.assert_allclose(fraction(design, "exposed", method="standardized"), plain, rtol=1e-8)


def test_nobody_exposed_leaves_nothing_and_protection_is_negative():
    data = cohort(2).assign(safe=lambda d: 1 - d["exposed"])
    found = attributable_fraction(logistic("case ~ safe", data), "safe", method="standardized")
    assert found.table["estimate"][0] < 0
    assert any("negative fraction" in note for note in found.notes)
    none = attributable_fraction(logistic("case ~ exposed", data), "exposed", reference=0)
    assert none.table["reference"][0] == "0"
    assert "%" in found.to_display().columns[1]


def test_what_is_refused(tmp_path):
    data = cohort(3).assign(group=lambda d: np.where(d["exposed"] == 1, "yes", "no"))
    fit = logistic("case ~ group + age", data)
    with pytest.raises(ValueError, match="'group' has no level maybe; it has no, yes"):
        attributable_fraction(fit, "group", reference="maybe")
    with pytest.raises(ValueError, match="'age' is a number, so its reference is one, not 'young'"):
        attributable_fraction(fit, "age", reference="young")
    with pytest.raises(ValueError, match=r"'grp' is not in the model\. Did you mean 'group'"):
        attributable_fraction(fit, "grp")
    with pytest.raises(ValueError, match="method='levin' is unknown; choose one of cases, standardized"):
        attributable_fraction(fit, "group", method="levin")
    with pytest.raises(ValueError, match="has no ratios"):
        attributable_fraction(linear("age ~ group", data), "group")
    with pytest.raises(TypeError, match="it is CoxFit"):
        attributable_fraction(cox("group", data.assign(t=1.0 + data["id"]), time="t", event="case"), "group")
    fit.save(tmp_path / "fit")
    with pytest.raises(ValueError, match="loaded from a file"):
        attributable_fraction(Estimates.load(tmp_path / "fit"), "group")
