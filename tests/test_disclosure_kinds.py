"""Each kind of estimates has a rule, and what its rule hides cannot be had from what it shows."""

import importlib
import math
import pkgutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dermcohort as dc
from dermcohort.accuracy import bland_altman, diagnostic, kappa, roc
from dermcohort.describe import listing, table_one
from dermcohort.disclosure import suppress
from dermcohort.disclosure_rules import RULES
from dermcohort.estimates import Estimates
from dermcohort.prevalence import mantel_haenszel
from dermcohort.regression import (
    contrast,
    dose_response,
    interaction,
    linear,
    logistic,
    propensity_weights,
    standardized_risks,
    term_tests,
)
from dermcohort.survival import (
    additive_hazards,
    adjusted_curves,
    cox,
    cumulative_incidence,
    fine_gray,
    logrank,
    multi_state,
    rmst,
    turnbull,
)

DOCS = Path(__file__).parent.parent / "docs" / "disclosure.md"


def crossed(tp, fp, fn, tn, names=("test", "truth")):
    """One row a person, from the four cells."""
    pairs = [(1, 1)] * tp + [(1, 0)] * fp + [(0, 1)] * fn + [(0, 0)] * tn
    return pd.DataFrame(pairs, columns=list(names))


def followed(n=400, seed=3):
    rng = np.random.default_rng(seed)
    data = pd.DataFrame({"g": np.repeat(["a", "b"], n // 2), "t": rng.exponential(5, n).round(3) + 0.001})
    data["end"] = pd.Categorical(
        rng.choice(["none", "eczema", "death"], n, p=[0.4, 0.4, 0.2]), ["none", "eczema", "death"]
    )
    data["ill"] = (data["end"] == "eczema").astype(int)
    return data


# ------------------------------------------------------------------------------------- every kind


def _kinds():
    for module in pkgutil.walk_packages(dc.__path__, "dermcohort."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)

    def below(cls):
        for kind in cls.__subclasses__():
            yield kind
            yield from below(kind)

    return {kind.__name__ for kind in below(Estimates) if kind.__module__.startswith("dermcohort.")}


def test_every_kind_has_a_rule_that_the_docs_tell():
    kinds = _kinds()
    without = sorted(kinds - set(RULES))
    assert not without, f"add to RULES in disclosure_rules.py what these tell of people: {', '.join(without)}"
    assert set(RULES) - kinds == {"Estimates"}
    told = DOCS.read_text("utf-8")
    untold = sorted(kind for kind in RULES if f"`{kind}`" not in told)
    assert not untold, f"the table of docs/disclosure.md lacks {', '.join(untold)}"


def test_a_kind_without_a_rule_is_refused():
    class Unheard(Estimates):
        pass

    table = pd.DataFrame({"term": ["a"], "estimate": [1.0], "n": [100]})
    with pytest.raises(ValueError, match="no rule for Unheard"):
        suppress(Unheard(table, "Unheard.", n=100))
    del Estimates._known["Unheard"]


# ------------------------------------------------------------------------------------- accuracy and agreement


def test_accuracy_with_a_small_cell():
    """Three false negatives: sensitivity and NPV tell them; accuracy less specificity would."""
    safe = suppress(diagnostic(crossed(60, 20, 3, 200), "test", "truth"))
    shown = safe.table.set_index("measure")
    assert shown.loc[["sensitivity", "NPV", "LR+", "LR-", "DOR", "Youden index"], "estimate"].isna().all()
    assert safe.counts[["true_positive", "false_negative"]].isna().all(axis=None)
    whole = diagnostic(crossed(60, 20, 30, 200), "test", "truth")
    assert suppress(whole).table.equals(whole.table)


CELL = st.integers(1, 6)


@settings(max_examples=25, deadline=None)
@given(st.tuples(CELL, CELL, CELL, CELL))
def test_no_cell_of_a_test_can_be_told(cells):
    """All tables of four cells with the same shown numbers: each small cell has several values among them."""
    shown = suppress(diagnostic(crossed(*cells), "test", "truth"), 4)
    guesses = np.indices((sum(cells) + 4,) * 4).reshape(4, -1)
    n = guesses.sum(axis=0)
    guesses = guesses[:, n == shown.n if shown.n else (n > 0) & (n < sum(cells) + 4)]
    fits = guesses[:, _agrees(shown, *guesses)]
    assert (cells == fits.T).all(axis=1).any()
    for i, value in enumerate(cells):
        if value < 4:
            assert len(np.unique(fits[i])) > 1, (cells, shown.table.to_string())


def _agrees(shown, tp, fp, fn, tn):
    """Which guesses of four cells give all that is shown; measures by their definition."""
    everyone, ill, well = tp + fp + fn + tn, tp + fn, fp + tn
    of = {
        "sensitivity": (tp, ill), "specificity": (tn, well), "PPV": (tp, tp + fp), "NPV": (tn, tn + fn),
        "accuracy": (tp + tn, everyone),
    }  # fmt: skip
    ratios = {
        "LR+": (tp * well, fp * ill), "LR-": (fn * well, tn * ill), "DOR": (tp * tn, fp * fn),
        "Youden index": (tp * well - fp * ill, ill * well),
    }  # fmt: skip
    agrees = np.ones(len(tp), bool) if shown.events is None else ill == shown.events
    for row in shown.table.itertuples():
        x, m = of.get(row.measure, (ill, everyone))
        over, under = of.get(row.measure) or ratios[row.measure]
        if not np.isnan(row.n):
            agrees &= m == row.n
        if not np.isnan(row.events):
            agrees &= x == row.events
        if not np.isnan(row.estimate):
            agrees &= (under > 0) & (np.abs(over - row.estimate * under) < 1e-9 * np.maximum(under, 1))
    return agrees


def test_kappa_tells_of_single_pairs():
    data = crossed(40, 3, 20, 80, ("nurse", "doctor"))
    safe = suppress(kappa(data, "nurse", "doctor"))
    shown = safe.table.set_index("measure")
    assert math.isnan(shown.loc["kappa", "estimate"])
    assert shown.loc["agreement", "events"] == 120
    assert safe.confusion.isna().all(axis=None)
    whole = kappa(crossed(40, 10, 20, 80, ("nurse", "doctor")), "nurse", "doctor")
    assert suppress(whole).table.equals(whole.table)


def test_figures_of_agreement_keep_no_person():
    rng = np.random.default_rng(4)
    data = pd.DataFrame({"a": rng.normal(size=80), "b": rng.normal(size=80)})
    safe = suppress(bland_altman(data, "a", "b"))
    assert safe.table["estimate"].notna().all()
    with pytest.raises(ValueError, match="keep no measurements of persons"):
        safe.plot()


def test_points_of_roc_curves_are_people_apart():
    rng = np.random.default_rng(4)
    data = pd.DataFrame({"score": rng.normal(size=200), "ill": rng.binomial(1, 0.4, 200)})
    full = roc(data, "score", "ill")
    safe = suppress(full)
    ill = data["ill"].sum()
    above = np.column_stack([safe.curve["sensitivity"] * ill, (1 - safe.curve["specificity"]) * (200 - ill)])
    steps = np.abs(np.diff(above, axis=0)).round()
    assert len(safe.curve) < len(full.curve) / 5
    assert ((steps == 0) | (steps >= 5)).all()
    kept = full.curve.merge(safe.curve, on=["threshold", "sensitivity", "specificity"])
    assert len(kept) == len(safe.curve)
    assert safe.table.equals(full.table)
    safe.plot()


# ------------------------------------------------------------------------------------- curves


def test_causes_of_a_group_step_together():
    data = followed()
    full = cumulative_incidence(data, "t", "end", by="g")
    safe = suppress(full)
    assert safe.rows is None
    for name, group in safe.table.groupby("g", observed=True):
        causes = [part.set_index("time") for _, part in group.groupby("cause", observed=True)]
        assert causes[0].index.equals(causes[1].index)
        counts = [cause["events"] for cause in causes] + [causes[0]["censored"]]
        for count in counts:
            assert ((count == 0) | (count >= 5)).all()
        lost = -np.diff(np.append(causes[0]["n_risk"], 0))
        assert (lost == sum(counts)).all()
        of_full = full.table[full.table["g"] == name]
        for cause, part in group.groupby("cause", observed=True):
            at = of_full[of_full["cause"] == cause].set_index("time").loc[part["time"], "estimate"]
            assert (at.to_numpy() == part["estimate"].to_numpy()).all()
    safe.plot()


def test_a_rare_cause_takes_the_curves_of_its_group():
    data = followed()
    in_b = data.index[(data["g"] == "b") & (data["end"] == "death")]
    data.loc[in_b[3:], "end"] = "none"
    safe = suppress(cumulative_incidence(data, "t", "end", by="g"))
    in_b = safe.table["g"] == "b"
    assert safe.table.loc[in_b, ["estimate", "events", "n_risk", "censored"]].isna().all(axis=None)
    assert safe.table.loc[~in_b, "estimate"].notna().all()
    assert safe.events is None
    shown = safe.to_display()
    assert shown.loc[shown["g"] == "b", "At risk"].eq("suppressed").all()
    assert shown.iloc[-1, 3] == "suppressed"
    assert "nan" not in shown.to_string()
    safe.plot()


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.sampled_from(["none", "eczema", "death"])), min_size=6, max_size=40
    )
)
def test_no_step_of_a_cause_is_small(people):
    data = pd.DataFrame(people, columns=["t", "end"]).astype({"t": float})
    data["end"] = pd.Categorical(data["end"], ["none", "eczema", "death"])
    if not (data["end"] != "none").any():
        return
    table = suppress(cumulative_incidence(data, "t", "end"), 3).table
    for column in ("events", "censored", "n_risk"):
        count = table[column].dropna()
        assert ((count == 0) | (count >= 3)).all()
    if table["estimate"].isna().all():  # the whole group: someone is few
        ends = data["end"].value_counts()
        assert (((ends > 0) & (ends < 3)).any()) or len(data) < 3


def test_states_that_few_are_in_or_leave():
    rng = np.random.default_rng(2)
    first = rng.exponential(3, 300).round(2) + 0.01
    rows = []
    for person, time in enumerate(first):
        rows.append((person, 0.0, time, rng.choice(["none", "eczema", "death"])))
        if rows[-1][3] == "eczema":
            rows.append((person, time, time + 2.0, rng.choice(["none", "death"])))
    data = pd.DataFrame(rows, columns=["id", "begin", "end", "to"])
    data["to"] = pd.Categorical(data["to"], ["none", "eczema", "death"])
    safe = suppress(multi_state(data, "end", "to", id="id", entry="begin", start="healthy"))
    inside = safe.table.pivot(index="time", columns="state", values="in_state")
    entered = safe.table.pivot(index="time", columns="state", values="events")
    left = entered.iloc[:-1].to_numpy() - np.diff(inside, axis=0)
    for count in (entered.to_numpy(), left):
        assert ((count.round(6) == 0) | (np.abs(count) >= 5)).all()
    safe.plot()


def test_times_of_a_comparison_are_people_apart():
    data = followed()
    full = cumulative_incidence(data, "t", "end", by="g")
    difference = full.risk_difference([2.0, 2.01, 6.0])
    with pytest.raises(ValueError, match="name the model or the curves"):
        suppress(difference)
    shown = suppress(difference, of=full).table
    assert shown.loc[shown["time"] != 2.01, "estimate"].notna().all()
    assert shown.loc[shown["time"] == 2.01, "estimate"].isna().all()


def test_intervals_of_turnbull_are_joined():
    rng = np.random.default_rng(2)
    left = rng.integers(0, 9, 120).astype(float)
    data = pd.DataFrame(
        {"l": left, "r": np.where(rng.random(120) < 0.3, np.inf, left + rng.integers(1, 4, 120))}
    )
    full = turnbull(data, "l", "r")
    safe = suppress(full)
    assert (safe.table["mass"] * 120 > 5 - 1e-9).all()
    assert safe.table["mass"].sum() == pytest.approx(1)
    assert len(safe.table) < len(full.table)
    safe.plot()
    with pytest.raises(ValueError, match="without by="):
        suppress(turnbull(data.assign(g=data.index % 2), "l", "r", by="g"))


def test_adjusted_curves_step_at_several_events():
    data = followed()
    curves = adjusted_curves(cox("g", data, time="t", event="ill"), "g")
    safe = suppress(curves)
    times = np.append(0.0, np.unique(safe.table["time"]))
    events = np.histogram(data.loc[data["ill"] == 1, "t"], np.append(times[:-1], np.inf) + 1e-9)[0]
    assert (events >= 5).all()
    assert safe.fit is None
    safe.plot()
    few = data[(data["g"] == "a") | (data.index < 203)]
    gone = suppress(adjusted_curves(cox("g", few, time="t", event="ill"), "g"))
    assert gone.table["estimate"].isna().all()


def test_curves_kept_in_models_are_thinned():
    data = followed().assign(x=lambda d: (d["g"] == "b").astype(int))
    full = additive_hazards("x", data, time="t", event="ill")
    safe = suppress(full)
    assert len(safe.cumulative) <= len(full.cumulative) / 5
    assert not safe.cumulative["n_risk"].between(1, 4).any()
    safe.plot()
    model = fine_gray("x", data, time="t", event="end", cause="eczema")
    assert len(suppress(model).baseline) <= len(model.baseline) / 5
    assert suppress(model).table.equals(model.table)


def test_tests_and_restricted_means_of_small_groups():
    data = followed()
    data = pd.concat([data, data.head(3).assign(g="c", t=20.0, ill=1)])
    table = suppress(logrank(data, "t", "ill", by="g")).table.set_index("g")
    assert table.loc["c", ["n", "events", "observed", "expected"]].isna().all()
    assert math.isnan(suppress(logrank(data, "t", "ill", by="g")).p_value)
    means = suppress(rmst(data, "t", "ill", by="g", tau=3.0)).table
    assert means.loc[means["g"] == "c", "estimate"].isna().all()
    # the size of "a" hides that of "c"; what is compared with "a" goes with it
    shown = means[means["estimate"].notna()]
    assert shown[["g", "measure"]].to_numpy().tolist() == [["b", "RMST"]]


# ------------------------------------------------------------------------------------- of models


@pytest.fixture(scope="module")
def small_level():
    rng = np.random.default_rng(5)
    data = pd.DataFrame(
        {"smoke": np.repeat(["never", "now", "past"], [200, 150, 40]), "age": rng.normal(50, 9, 390)}
    )
    data["ill"] = rng.binomial(1, 0.3, 390)
    data.loc[data["smoke"] == "past", "ill"] = [1] * 2 + [0] * 38
    data["twice"] = rng.integers(0, 2, 390)
    return data


def test_what_is_made_of_a_model_is_hidden_with_it(small_level):
    model = logistic("ill ~ smoke + twice + age", small_level)
    risks = standardized_risks(model, "smoke")
    with pytest.raises(ValueError, match="name the model"):
        suppress(risks)
    assert suppress(risks, of=model).table["estimate"].isna().all()
    others = standardized_risks(model, "twice", values=[0, 1])
    assert suppress(others, of=model).table["estimate"].equals(others.table["estimate"])
    tests = suppress(term_tests(model), of=model)
    assert tests.table.set_index("term")["statistic"].isna().tolist() == [True, False, False]
    assert tests.to_display()["Chi-squared"].tolist()[0] == "suppressed"
    against = contrast(model, "smoke", "now", "never")
    assert suppress(against, of=model).table["estimate"].isna().all()


def test_a_number_of_two_values_is_counted():
    """The odds ratio of 0 and 1, with its standard error and the totals, tells all four cells."""
    data = crossed(3, 40, 60, 200, ("exposed", "ill"))
    assert suppress(logistic("ill ~ exposed", data)).table["estimate"].isna().all()
    data = crossed(30, 40, 60, 200, ("exposed", "ill"))
    assert suppress(logistic("ill ~ exposed", data)).table["estimate"].notna().all()


def test_interaction_tells_of_each_combination():
    cells = [(0, 0, 3, 20), (1, 0, 8, 18), (0, 1, 6, 12), (1, 1, 225, 166)]
    rows = [(s, d, c) for s, d, y, n in cells for c in [1] * y + [0] * n]
    data = pd.DataFrame(rows, columns=["smoke", "drink", "case"])
    safe = suppress(interaction(logistic("case ~ smoke * drink", data), "smoke", "drink"))
    assert safe.table["estimate"].isna().all()
    assert safe.joint["n"].isna().all()
    assert "nan" not in safe.to_display().to_string()
    full = interaction(logistic("case ~ smoke * drink", data), "smoke", "drink")
    assert suppress(full, 3).table.equals(full.table)


def test_strata_of_few_exposed():
    cells = {"f": (30, 40, 20, 60), "m": (2, 40, 30, 50), "x": (20, 30, 20, 40)}
    data = pd.concat([crossed(*four, ("exposed", "ill")).assign(sex=sex) for sex, four in cells.items()])
    full = mantel_haenszel(data, "ill", "exposed", "sex")
    safe = suppress(full)
    assert safe.table["estimate"].isna().tolist() == [False, True, False, True]
    assert safe.table["n"].equals(full.table["n"].astype(float)) or safe.table["n"].equals(full.table["n"])
    assert math.isnan(safe.homogeneity["statistic"])
    assert "nan" not in safe.to_markdown()


def test_records_of_people_do_not_pass(small_level):
    weights = suppress(propensity_weights("twice ~ age", small_level))
    assert weights.weights.empty and weights.scores.empty
    assert weights.table["estimate"].notna().all()
    curve = suppress(dose_response(linear("ill ~ age", small_level), "age", 50.0))
    assert curve.observed is None
    curve.plot()
    data = followed().assign(x=lambda d: np.arange(len(d)) % 7)
    test = suppress(cox("x", data, time="t", event="ill").ph_test())
    assert test.residuals.empty
    with pytest.raises(ValueError, match="residuals, one an event"):
        test.plot()


# ------------------------------------------------------------------------------------- missing values


def test_reasons_of_missing_values_in_a_listing():
    why = pd.DataFrame(
        {"cohort": ["a", "b"], "observed": [90, 80], "refused": [3, 9], "lost": [7, 6], "n": [100, 95]}
    )
    safe = suppress(listing(why, "Why."), counts=["observed", "refused", "lost", "n"])
    assert safe.to_display().iloc[0].tolist() == ["a", "90", "<5", "suppressed", "100"]
    assert safe.to_display().iloc[1].tolist() == ["b", "80", "9", "6", "95"]
    total = pd.DataFrame({"cohort": ["a", "b", "all"], "deaths": [3, 20, 23]})
    assert suppress(listing(total, "Deaths."), counts=["deaths"]).table["deaths"].isna().sum() == 2


def test_missing_values_of_the_first_table():
    data = pd.DataFrame({"sex": ["f"] * 60 + ["m"] * 60, "age": np.arange(120.0), "bmi": np.arange(120.0)})
    data.loc[[0, 1, 2], "age"] = np.nan
    full = table_one(data, ["age", "bmi"], by="sex")
    assert suppress(full).table.equals(full.table)  # they tell of the data
    safe = suppress(full, missing=True)
    shown = safe.to_display().set_index("Characteristic")
    assert "<5" in shown.iloc[1].tolist()
    known = safe.table[(safe.table["term"] == "age") & (safe.table["measure"] == "mean")].set_index("sex")[
        "n"
    ]
    assert math.isnan(known["f"])
    assert (
        shown.loc["bmi, mean (SD)"].tolist()
        == full.to_display().set_index("Characteristic").loc["bmi, mean (SD)"].tolist()
    )


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(1, 8), st.integers(1, 8)), min_size=2, max_size=2))
def test_no_count_of_missing_values_can_be_told(groups):
    """Per group (missing, no, yes): from sizes, counts and percentages of the table."""
    rows = [
        (name, value)
        for name, (gone, no, yes) in zip("ab", groups, strict=True)
        for value in [np.nan] * gone + [0.0] * no + [1.0] * yes
    ]
    safe = suppress(table_one(pd.DataFrame(rows, columns=["g", "y"]), ["y"], by="g"), 3, missing=True)
    guesses = np.indices((11,) * 3).reshape(3, -1)
    options = [guesses[:, _group_fits(safe, name, *guesses)] for name in "ab"]
    i, j = np.indices([option.shape[1] for option in options]).reshape(2, -1)
    together = [options[0][:, i], options[1][:, j]]
    fits = _group_fits(safe, "Overall", *(together[0] + together[1]))
    for cells, guess in zip(groups, together, strict=True):
        for value, guessed in zip(cells, guess, strict=True):
            assert value in guessed[fits]
            if 1 <= value < 3:
                assert len(np.unique(guessed[fits])) > 1, (groups, safe.table.to_string())


def _group_fits(safe, name, gone, no, yes):
    """Which guesses give what the table shows of a group."""
    size = safe.group_sizes[name]
    fits = (gone + no + yes == size) if size >= 0 else np.ones(len(gone), bool)
    for index, row in safe.table[safe.table["g"] == name].iterrows():
        is_missing = row["measure"] == "missing"
        events = gone if is_missing else yes if row["level"] == "yes" else no
        n = gone + no + yes if is_missing else no + yes
        for column, value in (("events", events), ("n", n)):
            if not np.isnan(row[column]):
                fits &= value == row[column]
            elif safe.marks.get((index, column)) == "<3":
                fits &= (value >= 1) & (value < 3)
        if not np.isnan(row["estimate"]):
            fits &= (n > 0) & (np.abs(events - row["estimate"] * n) < 1e-9)
    return fits
