"""Cumulative incidence under competing risks: R (validation/), a case worked by hand, properties, bad input."""

import numpy as np
import pandas as pd
import pytest
from golden import read, reference
from hypothesis import given, settings
from hypothesis import strategies as st

from dermcohort import Estimates, ReplicateDesign, SurveyDesign
from dermcohort.survival import cumulative_incidence, kaplan_meier
from dermcohort.variance.replicates import jackknife

AT = [5, 15, 30]
LEVELS = ["censored", "transplant", "death"]


@pytest.fixture
def pbc() -> pd.DataFrame:
    data = read("pbc")
    month = np.ceil(data["time"] / 91)
    return data.assign(
        month=month,
        begin=np.minimum(month - 1, data["id"] % 4 * 3),
        w=1 + 0.5 * (data["age"] > 50),
        center=data["id"] % 25,
        state=pd.Categorical.from_codes(data["status"], LEVELS),
    )


@pytest.fixture
def small() -> pd.DataFrame:
    """Six people: eczema at 1 and 4, death at 2, two censored, at 2 and 5, eczema at 6."""
    ends = ["eczema", "death", "none", "eczema", "none", "eczema"]
    return pd.DataFrame(
        {"years": [1.0, 2, 2, 4, 5, 6], "end": pd.Categorical(ends, ["none", "eczema", "death"])}
    )


def columns(at: pd.DataFrame, *names: str) -> np.ndarray:
    return at[list(names)].to_numpy().T.ravel()


def random_data(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "time": rng.integers(1, 9, n).astype(float),
            "end": pd.Categorical.from_codes(rng.integers(0, 3, n), LEVELS),
            "group": rng.integers(0, 2, n),
        }
    )


# ------------------------------------------------------------------------------------------------ R


def test_curves_errors_and_limits(pbc):
    at = cumulative_incidence(pbc, "month", "state", by="sex").at(AT).sort_values(["cause", "sex", "time"])
    np.testing.assert_allclose(
        columns(at, "estimate", "std_error", "conf_low", "conf_high"), reference("own.cif.sex"), rtol=1e-12
    )


@pytest.mark.parametrize("ci", ["log", "plain", "logit", "arcsin"])
def test_intervals(pbc, ci):
    at = cumulative_incidence(pbc, "month", "state", ci=ci).at([10, 20, 30])
    np.testing.assert_allclose(
        columns(at, "conf_low", "conf_high"), reference(f"own.cif.ci.{ci}"), rtol=1e-12
    )


def test_errors_at_all_times(pbc):
    table = cumulative_incidence(pbc, "month", "state").table
    np.testing.assert_allclose(table["std_error"], reference("own.cif.se.end"), rtol=1e-11, atol=1e-16)


def test_weights(pbc):
    curves = cumulative_incidence(pbc, "month", "state", by="sex", weights="w")
    at = curves.at(AT).sort_values(["cause", "sex", "time"])
    np.testing.assert_allclose(
        columns(at, "estimate", "std_error"), reference("own.cif.weights"), rtol=1e-12, atol=1e-16
    )
    assert "weights" in curves.notes[0]


def test_late_entry(pbc):
    at = cumulative_incidence(pbc, "month", "state", entry="begin").at(AT)
    np.testing.assert_allclose(
        columns(at, "estimate", "std_error"), reference("own.cif.entry"), rtol=1e-12, atol=1e-16
    )


@pytest.mark.parametrize(
    ("identifier", "options"),
    [("own.cif.cluster", {}), ("own.cif.all", {"entry": "begin", "weights": "w"})],
)
def test_clusters(pbc, identifier, options):
    at = cumulative_incidence(pbc, "month", "state", cluster="center", **options).at(AT)
    # R's first state is the one without an event
    expected = reference(identifier).reshape(2, 3, 3)[:, 1:].ravel()
    np.testing.assert_allclose(columns(at, "estimate", "std_error"), expected, rtol=1e-12, atol=1e-16)


def test_aalen_variance_in_four_groups(pbc):
    curves = cumulative_incidence(pbc, "month", "state", by="stage", variance="aalen")
    at = curves.at(AT).sort_values(["time", "cause", "stage"])
    expected = reference("own.cuminc.stage")
    # without events R has no variance before the first one and gives 0, as here
    np.testing.assert_allclose(np.r_[at["estimate"], at["std_error"] ** 2], expected, rtol=1e-11, atol=1e-17)


def test_gray_in_four_groups(pbc):
    test = cumulative_incidence(pbc, "month", "state", by="stage").gray_test()
    # R's p-value is 1 - pchisq(): of 4e-13 only the first digits are right
    np.testing.assert_allclose(
        columns(test, "statistic", "p_value", "df"), reference("own.gray.stage"), rtol=1e-11, atol=1e-15
    )


def test_gray_without_ties(pbc):
    test = cumulative_incidence(pbc, "time", "state", by="sex").gray_test()
    np.testing.assert_allclose(columns(test, "statistic", "p_value"), reference("own.gray.sex"), rtol=1e-11)


def test_risk_difference(pbc):
    table = cumulative_incidence(pbc, "month", "state", by="sex").risk_difference(20).table
    np.testing.assert_allclose(
        columns(table, "estimate", "std_error"), reference("own.cif.difference"), rtol=1e-12
    )


def test_risks_of_groups_that_share_clusters(pbc):
    curves = cumulative_incidence(pbc, "month", "state", by="sex", cluster="center")
    difference, ratio = curves.risk_difference(20).table, curves.risk_ratio(20).table
    found = np.r_[columns(difference, "estimate", "std_error"), columns(ratio, "coef", "std_error")]
    np.testing.assert_allclose(found, reference("own.cif.difference.cluster"), rtol=1e-12)


def test_attributable_fraction(pbc):
    def found(curves, time):
        return columns(curves.attributable_fraction(time).table, "estimate", "std_error")

    curves = cumulative_incidence(pbc, "month", "state", by="sex")
    both = np.r_[found(curves, 15), found(curves, 30)]
    np.testing.assert_allclose(both, reference("own.cif.fraction"), rtol=1e-11)
    late = cumulative_incidence(pbc, "month", "state", by="sex", entry="begin", weights="w")
    np.testing.assert_allclose(found(late, 20), reference("own.cif.fraction.entry"), rtol=1e-11)
    clustered = cumulative_incidence(pbc, "month", "state", by="sex", weights="w", cluster="center")
    np.testing.assert_allclose(found(clustered, 20), reference("own.cif.fraction.cluster"), rtol=1e-11)


# ------------------------------------------------------------------------------------ by hand and properties


@pytest.mark.parametrize(
    ("identifier", "design"),
    [
        ("own.cif.survey", SurveyDesign("v", strata="region", cluster="center")),
        ("own.cif.survey.fpc", SurveyDesign("v", strata="region", cluster="center", fpc="per_region")),
        ("own.cif.survey.stages", SurveyDesign(cluster=["center", "id"], fpc=["f1", "f2"])),
    ],
)
def test_surveys(pbc, identifier, design):
    data = sampled(pbc)
    curves = cumulative_incidence(data, "month", "state", by="sex", design=design)
    at, difference = curves.at(20), curves.risk_difference(20).table
    found = np.r_[columns(at, "estimate", "std_error"), columns(difference, "estimate", "std_error")]
    np.testing.assert_allclose(found, reference(identifier), rtol=1e-10)
    fraction = curves.attributable_fraction(20).table
    assert (fraction["std_error"] > 0).all() and "sample survey" in curves.method
    with pytest.raises(ValueError, match="neither weights nor clusters"):
        curves.gray_test()


def test_replicates(pbc):
    data = sampled(pbc)
    survey = SurveyDesign("v", strata="region", cluster="center")
    sample = jackknife(survey.sample(data))
    names = [f"r{i}" for i in range(sample.replicates.shape[1])]
    data = pd.concat([data, pd.DataFrame(sample.replicates, data.index, names)], axis=1)
    design = ReplicateDesign("v", names, kind="JKn", rscales=list(sample.factors))
    curves = cumulative_incidence(data, "month", "state", design=design)
    np.testing.assert_allclose(curves.at(20)["std_error"], reference("own.cif.replicates"), rtol=1e-10)
    groups = cumulative_incidence(data, "month", "state", by="sex", design=design)
    with pytest.raises(ValueError, match="compare groups with a SurveyDesign"):
        groups.risk_difference(20)


def sampled(pbc: pd.DataFrame) -> pd.DataFrame:
    return pbc.assign(v=1.0 + pbc["id"] % 4, region=pbc["center"] // 5, per_region=8, f1=60, f2=40)


def test_attributable_fraction_by_hand():
    """Unexposed: 1 eczema of 4; exposed: 3 of 4, so 1 - (1/4) / (4/8) = 1/2. Influence of row i on F, 1/8 (y_i - 1/2),
    and of the unexposed on F0, 1/4 (y_i - 1/4): together (du / 2 - du0) / (1/2).
    """
    end = pd.Categorical(
        ["eczema", "none", "none", "none", "eczema", "eczema", "eczema", "death"], ["none", "eczema", "death"]
    )
    data = pd.DataFrame({"years": 1.0, "end": end, "exposed": [0] * 4 + [1] * 4})
    curves = cumulative_incidence(data, "years", "end", by="exposed")
    table = curves.attributable_fraction([0.5, 1]).table
    eczema = table[table["cause"] == "eczema"]
    y, unexposed = (end == "eczema").astype(float), np.arange(8) < 4
    influence = (0.5 * (y - 0.5) / 8 - unexposed * (y - 0.25) / 4) / 0.5
    assert np.isnan(eczema["estimate"].iloc[0]) and eczema["reference"].tolist() == ["0", "0"]
    np.testing.assert_allclose(eczema["estimate"].iloc[1], 0.5, rtol=1e-12)
    np.testing.assert_allclose(eczema["std_error"].iloc[1], np.sqrt(influence @ influence), rtol=1e-12)
    assert curves.attributable_fraction(2).table["estimate"].isna().all()
    with pytest.raises(ValueError, match="there is one group only"):
        cumulative_incidence(data, "years", "end").attributable_fraction(1)


def test_a_group_in_one_cluster_has_estimates_without_errors(pbc):
    data = pbc.assign(first=pbc["center"] > 0)
    curves = cumulative_incidence(data, "month", "state", by="first", cluster="center")
    for found in (curves.risk_difference(20), curves.risk_ratio(20), curves.attributable_fraction(20)):
        death = found.table.iloc[1]
        assert np.isfinite(death["estimate"]) and death[["std_error", "conf_low", "p_value"]].isna().all()
    assert "single cluster" in " ".join(curves.notes)


def test_fraction_is_not_known_from_a_file(small, tmp_path):
    curves = cumulative_incidence(small.assign(arm=list("aabbab")), "years", "end", by="arm")
    loaded = Estimates.load(curves.save(tmp_path / "curves"))
    with pytest.raises(ValueError, match="loaded from a file"):
        loaded.attributable_fraction(4)


def test_worked_by_hand(small):
    """S: 1, 5/6, 4/6, 4/9 at 4 (3 at risk), 0 at 6. Eczema: 1/6, then + 4/6 x 1/3, then + 4/9; death 1/6."""
    at = cumulative_incidence(small, "years", "end").at([0, 1, 2, 4, 6, 9])
    eczema, death = at[at["cause"] == "eczema"], at[at["cause"] == "death"]
    np.testing.assert_allclose(eczema["estimate"], [0, 1 / 6, 1 / 6, 7 / 18, 5 / 6, 5 / 6], rtol=1e-12)
    np.testing.assert_allclose(death["estimate"], [0, 0, 1 / 6, 1 / 6, 1 / 6, 1 / 6], rtol=1e-12)
    assert eczema["n_risk"].tolist() == [6, 6, 5, 3, 1, 0]
    # without censoring before it: the binomial proportion
    np.testing.assert_allclose(eczema["std_error"].iloc[1], np.sqrt(1 / 6 * 5 / 6 / 6), rtol=1e-12)


def test_without_censoring_it_is_the_proportion():
    data = random_data(40, 1)
    data = data[data["end"] != "censored"]
    at = cumulative_incidence(data, "time", "end").at(5)
    p = [((data["end"] == cause) & (data["time"] <= 5)).mean() for cause in LEVELS[1:]]
    np.testing.assert_allclose(at["estimate"], p, rtol=1e-12)
    np.testing.assert_allclose(
        at["std_error"], np.sqrt(np.multiply(p, np.subtract(1, p)) / len(data)), rtol=1e-12
    )


def test_one_cause_is_one_minus_kaplan_meier(small):
    data = small.assign(
        end=(small["end"] == "eczema").map({False: "none", True: "eczema"}).astype("category")
    )
    data["end"] = data["end"].cat.reorder_categories(["none", "eczema"])
    found = cumulative_incidence(data, "years", "end").at([1, 2, 4, 5])
    expected = kaplan_meier(data, "years", "end", robust=True).at([1, 2, 4, 5])
    np.testing.assert_allclose(found["estimate"], 1 - expected["estimate"], rtol=1e-12)
    np.testing.assert_allclose(found["std_error"], expected["std_error"], rtol=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 60), st.integers(0, 10_000))
def test_incidences_and_survival_add_up_and_rows_may_come_in_any_order(n, seed):
    data = random_data(n, seed)
    curves = cumulative_incidence(data, "time", "end")
    shuffled = cumulative_incidence(data.sample(frac=1, random_state=seed), "time", "end")
    pd.testing.assert_frame_equal(curves.table, shuffled.table, rtol=1e-12)
    total = curves.table.groupby("time")["estimate"].sum().to_numpy()
    any_event = data.assign(any=data["end"] != "censored")
    survival = kaplan_meier(any_event, "time", "any").table["estimate"].to_numpy()
    np.testing.assert_allclose(total, 1 - survival, rtol=1e-12, atol=1e-15)
    # the closed form is the recursion over rows
    rows = cumulative_incidence(data.assign(row=np.arange(n)), "time", "end", cluster="row")
    np.testing.assert_allclose(curves.table["std_error"], rows.table["std_error"], rtol=1e-9, atol=1e-12)


@settings(max_examples=15, deadline=None)
@given(st.integers(4, 40), st.integers(0, 10_000))
def test_weight_2_is_two_rows_of_a_cluster_and_late_entry_splits_nothing(n, seed):
    data = random_data(n, seed).assign(row=np.arange(n), w=1.0 + np.arange(n) % 2, zero=-1.0)
    weighted = cumulative_incidence(data, "time", "end", weights="w")
    twice = data.loc[data.index.repeat(data["w"].astype(int))]
    clustered = cumulative_incidence(twice, "time", "end", cluster="row")
    for name in ("estimate", "std_error", "n_risk"):
        np.testing.assert_allclose(weighted.table[name], clustered.table[name], rtol=1e-9, atol=1e-12)
    half = data["time"] / 2
    first = data.assign(end=pd.Categorical(["censored"] * n, LEVELS), begin=-1.0, time=half)
    split = pd.concat([first, data.assign(begin=half)])
    whole = cumulative_incidence(data, "time", "end").at([2, 4])
    episodes = cumulative_incidence(split, "time", "end", entry="begin", cluster="row").at([2, 4])
    for name in ("estimate", "std_error", "n_risk"):
        np.testing.assert_allclose(episodes[name], whole[name], rtol=1e-9, atol=1e-12)


@settings(max_examples=15, deadline=None)
@given(st.integers(10, 60), st.integers(0, 10_000))
def test_swapping_the_groups_turns_the_comparison_around_and_leaves_the_test(n, seed):
    data = random_data(n, seed).assign(group=np.arange(n) % 2)
    one = cumulative_incidence(data, "time", "end", by="group")
    other = cumulative_incidence(data.assign(group=1 - data["group"]), "time", "end", by="group")
    np.testing.assert_allclose(
        one.risk_difference(4).table["estimate"], -other.risk_difference(4).table["estimate"], atol=1e-14
    )
    np.testing.assert_allclose(
        one.risk_ratio(4).table["estimate"], 1 / other.risk_ratio(4).table["estimate"], rtol=1e-12
    )
    np.testing.assert_allclose(one.gray_test()["statistic"], other.gray_test()["statistic"], rtol=1e-8)


# --------------------------------------------------------------------------------------- what users see


def test_table_saving_and_views(small, tmp_path):
    data = small.assign(sex=pd.Categorical(["f", "m"] * 3, ["m", "f"]))
    curves = cumulative_incidence(data, "years", "end", by="sex")
    assert list(curves.table)[:6] == ["sex", "cause", "time", "measure", "estimate", "conf_low"]
    assert curves.n == 6 and curves.events == 4
    loaded = Estimates.load(curves.save(tmp_path / "curves"))
    pd.testing.assert_frame_equal(loaded.at([1, 3]), curves.at([1, 3]))
    pd.testing.assert_frame_equal(loaded.gray_test(), curves.gray_test())
    assert loaded.at(1)["sex"].tolist() == ["m", "m", "f", "f"]
    assert "At risk" in curves.to_display()
    axes = curves.plot(show="eczema")
    assert axes.get_ylabel() == "Cumulative incidence"
    assert [line.get_label() for line in axes.lines] == ["m", "f"]
    assert len(curves.plot().lines) == 4


def test_missing_values_are_counted(small):
    data = small.assign(end=small["end"].where(small["years"] != 4))
    curves = cumulative_incidence(data, "years", "end")
    assert curves.n == 5 and curves.n_missing["end"] == 1
    assert "1 of 6 rows left out" in curves.notes[0]


def test_no_event_and_one_row(small):
    none = small.assign(end=pd.Categorical(["none"] * 6, ["none", "eczema", "death"]))
    curves = cumulative_incidence(none, "years", "end")
    assert (curves.table["estimate"] == 0).all() and curves.table["conf_low"].isna().all()
    assert "'eczema' never happens" in curves.notes[0]
    assert curves.plot().get_ylim() == (0, 1)
    one = cumulative_incidence(small.head(1), "years", "end").at([0.5, 1, 2])
    assert one.loc[one["cause"] == "eczema", "estimate"].tolist() == [0, 1, 1]


def test_after_the_last_time_the_incidence_is_unknown_unless_all_had_an_event(small):
    assert cumulative_incidence(small.head(5), "years", "end").at(7)["estimate"].isna().all()
    assert cumulative_incidence(small, "years", "end").at(7)["estimate"].notna().all()


def test_one_cluster_of_a_group_has_no_error(small):
    data = small.assign(sex=["f", "f", "f", "m", "m", "m"], village=[1, 1, 1, 1, 2, 3])
    curves = cumulative_incidence(data, "years", "end", by="sex", cluster="village")
    assert curves.table.loc[curves.table["sex"] == "f", "std_error"].isna().all()
    assert "single cluster has no standard error" in " ".join(curves.notes)


def test_a_risk_set_that_empties_early_is_told(small):
    data = small.assign(begin=[0.0, 1, 1, 1, 1, 1])
    assert "few were at risk" in " ".join(cumulative_incidence(data, "years", "end", entry="begin").notes)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"end": [0, 1, 2, 0, 1, 2]}, {}, "first level means censored .* it is int64"),
        ({}, {"ci": "wald"}, "ci='wald' is unknown"),
        ({}, {"variance": "greenwood"}, "variance='greenwood' is unknown; choose one of jackknife, aalen"),
        ({"w": 1.0}, {"variance": "aalen", "weights": "w"}, "takes neither weights= nor cluster="),
        ({"years": np.nan}, {}, "no row has all of"),
        ({"years": -1.0}, {}, "is negative in 6 rows"),
        ({"c": 1}, {"cluster": "c"}, "all rows are in one cluster"),
        ({}, {"by": "sx"}, "no column 'sx'"),
    ],
)
def test_bad_input(small, change, options, message):
    with pytest.raises(ValueError, match=message):
        cumulative_incidence(small.assign(**change), "years", "end", **options)


def test_what_needs_groups_or_plain_counts_says_so(small):
    curves = cumulative_incidence(small, "years", "end")
    with pytest.raises(ValueError, match="name the groups with by="):
        curves.gray_test()
    with pytest.raises(ValueError, match="name the groups with by="):
        curves.risk_difference(2)
    weighted = cumulative_incidence(small.assign(w=2.0, g=[0, 1] * 3), "years", "end", by="g", weights="w")
    with pytest.raises(ValueError, match="neither weights nor clusters nor late entry"):
        weighted.gray_test()
    with pytest.raises(ValueError, match="show='rash' is not among eczema, death"):
        curves.plot(show="rash")


def test_clustered_comparison_needs_the_data(pbc, tmp_path):
    curves = cumulative_incidence(pbc, "month", "state", by="sex", cluster="center")
    loaded = Estimates.load(curves.save(tmp_path / "curves"))
    with pytest.raises(ValueError, match="loaded from a file"):
        loaded.risk_difference(5)
