"""No small count can be read or derived from what is shown; the rest stays as it was."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dermcohort as dc
from dermcohort.cell_suppression import PRIMARY, UNMARKED, Cells, protect
from dermcohort.describe import flow, listing, table_one
from dermcohort.disclosure import suppress
from dermcohort.estimates import Estimates
from dermcohort.prevalence import co_occurrence, crude, multimorbidity, pooled, standardized, survey
from dermcohort.regression import logistic, risk_factors
from dermcohort.report import Results
from dermcohort.survival import cox, incidence_rate, kaplan_meier, nelson_aalen


def people(counts):
    """One row a person, from {(levels ...): (n, events)}; columns a, b, ... and y."""
    rows = []
    for levels, (n, events) in counts.items():
        levels = levels if isinstance(levels, tuple) else (levels,)
        rows += [(*levels, int(i < events)) for i in range(n)]
    names = [*"abc"[: len(rows[0]) - 1], "y"]
    return pd.DataFrame(rows, columns=names)


def by_group(events, n=100):
    """A table of prevalences of groups f, m, x, ... of n people each."""
    return crude(people({chr(97 + i): (n, count) for i, count in enumerate(events)}), "y", by="a")


# ------------------------------------------------------------------------------------- hand-worked tables


def test_one_small_count_takes_the_next_smallest_with_it():
    """20 + 10 + 3 = 33 below the table: 3 could be had by subtraction, unless 10 goes as well."""
    safe = suppress(by_group([20, 10, 3]))
    assert safe.table["events"].tolist()[0] == 20
    assert safe.table["events"].isna().tolist() == [False, True, True]
    assert safe.to_display()["Events"].tolist() == ["20", "suppressed", "<5"]
    assert safe.table["n"].tolist() == [100, 100, 100]
    for column in ("estimate", "conf_low", "conf_high"):
        assert safe.table[column].isna().tolist() == [False, True, True]
    why = safe.suppressed["cells"].set_index(["row", "column"])["why"]
    assert why[2, "events"] == "primary"
    assert why[1, "events"] == "complementary"
    assert why[1, "estimate"] == "derived"
    assert any("1 to 4" in note for note in safe.notes)


def test_two_small_counts_protect_each_other():
    """3 and 2 of a total of 25: 4 + 1 and 1 + 4 would do as well."""
    assert suppress(by_group([20, 3, 2])).table["events"].tolist()[0] == 20


def test_two_small_counts_that_the_total_gives_away():
    """1 and 1 of a total of 22: "<5" is at least 1, so both would be known."""
    safe = suppress(by_group([20, 1, 1]))
    assert safe.events is None or safe.table["events"].isna().all()


def test_those_without_the_event_are_a_count_too():
    """97 of 100 have it: 3 have not."""
    safe = suppress(by_group([97, 50, 40]))
    assert math.isnan(safe.table["events"][0])
    assert safe.to_display()["Events"].tolist() == ["suppressed", "50", "suppressed"]


def test_a_small_group_loses_its_row_and_another_its_size():
    data = people({"a": (50, 10), "b": (40, 8), "c": (4, 0)})
    safe = suppress(crude(data, "y", by="a"))
    assert safe.to_display()["n"].tolist() == ["50", "suppressed", "<5"]
    assert math.isnan(safe.table["events"][2])
    assert safe.table.loc[0, "estimate"] == 0.2


def test_zeros_are_shown_unless_asked_otherwise():
    table = by_group([20, 10, 0])
    assert suppress(table).table.equals(table.table)
    hidden = suppress(table, show_zeros=False)
    assert hidden.to_display()["Events"].tolist() == ["20", "suppressed", "<5"]
    assert any("0 to 4" in note for note in hidden.notes)


def test_smaller_than_2_means_0_or_1():
    assert suppress(by_group([20, 10, 0]), 2).to_display()["Events"][2] == "<2"


def test_a_small_total_is_told_nowhere():
    safe = suppress(crude(people({"a": (100, 3)}), "y"))
    assert safe.events is None
    assert "3" not in "".join(safe._footnotes())
    fit = logistic("y ~ x", people({"a": (100, 3)}).assign(x=np.arange(100) % 7))
    note = next(note for note in suppress(fit).notes if note.startswith("Few events"))
    assert note.startswith("Few events: suppressed for 1 coefficient")


def test_margins_of_two_ways():
    """The 3 in its row and its column: three others must go, one of them in neither."""
    data = people({("a", "x"): (90, 3), ("a", "y"): (90, 30), ("b", "x"): (90, 40), ("b", "y"): (90, 50)})
    design = dc.SurveyDesign("w", cluster="id")
    data = data.assign(w=1.0, id=range(len(data)))
    for table in (
        crude(data, "y", by=["a", "b"], margins=True),
        survey(data, "y", design, by=["a", "b"], margins=True),
    ):
        safe = suppress(table)
        inside = (safe.table[["a", "b"]] != "All").all(axis=1)
        assert safe.table.loc[inside, "events"].isna().all()
        assert safe.table.loc[~inside, "events"].notna().all()


def test_levels_of_the_first_table():
    data = pd.DataFrame(
        {
            "sex": ["f"] * 60 + ["m"] * 60,
            "type": ["I"] * 30 + ["II"] * 28 + ["III"] * 2 + ["I"] * 20 + ["II"] * 25 + ["III"] * 15,
            "age": np.arange(120.0),
        }
    )
    shown = suppress(table_one(data, ["type", "age"], by="sex")).to_display().set_index("Characteristic")
    lines = shown[[column for column in shown if column != "SMD"]]
    assert lines.loc["\u2003III"].tolist() == ["<5", "suppressed", "17 (14.2)"]
    # 15 hides the 2 in its row; 20 and 30 hide both in their columns
    assert lines.loc["\u2003I"].tolist() == ["suppressed", "suppressed", "50 (41.7)"]
    assert lines.loc["\u2003II"].tolist() == ["28 (46.7)", "25 (41.7)", "53 (44.2)"]
    assert shown.loc["type, n (%)", "SMD"] == "suppressed"
    assert shown.loc["age, mean (SD)", "SMD"] != "suppressed"


def test_a_small_group_of_the_first_table():
    data = pd.DataFrame({"g": ["a"] * 40 + ["b"] * 30 + ["c"] * 3, "age": np.arange(73.0)})
    shown = suppress(table_one(data, ["age"], by="g")).to_display()
    assert list(shown.columns[1:5]) == ["a (n = 40)", "b (n = suppressed)", "c (n = <5)", "Overall (n = 73)"]
    assert shown.iloc[0, 2:4].tolist() == ["suppressed", "suppressed"]


def test_a_reference_level_that_is_hidden_takes_the_ratios_with_it():
    """The odds ratio of a shown level, with its counts, gives the odds of the reference."""
    data = people({"a": (100, 3), "b": (100, 30), "c": (100, 40)})
    safe = suppress(logistic("y ~ a", data))
    assert safe.table["estimate"].isna().all()
    assert safe.coefficients.isna().all()
    assert safe.covariance.isna().all(axis=None)
    assert math.isnan(safe.loglik)
    assert safe.design is None


def test_steps_of_a_flow():
    steps = flow(
        [("Enrolled", 500), ("Examined", 400, [("ill", 3), ("moved", 30), ("dead", 67)]), ("Cases", 397)]
    )
    safe = suppress(steps)
    # 400 less 397 are 3 as well
    assert safe.to_display()["n"].tolist() == ["500", "<5", "suppressed", "67", "suppressed", "397"]
    text = " ".join(text.get_text() for text in safe.plot().texts)
    assert "ill (n = <5)" in text
    assert "Excluded\n" in text
    assert "nan" not in text


def test_levels_shared_by_a_group_and_the_mean_of_their_numbers():
    """Conditions a person: with 3 and 4 hidden, "two or more" and the mean number would give both."""
    numbers = np.repeat([0, 1, 2, 3, 4], [50, 30, 20, 6, 2])
    data = pd.DataFrame({f"c{i}": (numbers > i).astype(int) for i in range(4)})
    safe = suppress(multimorbidity(data, list(data)))
    table = safe.table
    mean = table["measure"] == "mean"
    assert table.loc[mean, "estimate"].isna().all()
    levels = pd.to_numeric(table["level"]).where(table["measure"] == "proportion")
    hidden = [int(level) for level in levels[table["events"].isna()].dropna()]
    assert 4 in hidden
    assert _completions_of_mean(table, levels, safe) > 1


def _completions_of_mean(table, levels, safe):
    """Values of the count at level 4 that fit all that is shown."""
    known = {int(v): e for v, e in zip(levels, table["events"], strict=True) if v == v}
    mean = table.loc[table["measure"] == "mean", "events"].iloc[0]
    two = table.loc[table["term"] == "two or more", "events"].iloc[0]
    unknown = [level for level, count in known.items() if np.isnan(count)]
    fits = set()
    for values in itertools.product(range(safe.n + 1), repeat=len(unknown) - 1):
        guess = {**known, **dict(zip(unknown[1:], values, strict=True))}
        guess[unknown[0]] = safe.n - sum(count for level, count in guess.items() if level != unknown[0])
        if guess[unknown[0]] < 0 or not 1 <= guess[4] <= 4:
            continue
        if not np.isnan(mean) and sum(level * count for level, count in guess.items()) != mean:
            continue
        if not np.isnan(two) and guess[2] + guess[3] + guess[4] != two:
            continue
        fits.add(guess[4])
    return len(fits)


def test_two_measures_of_the_same_people_hide_the_same():
    data = people({"a": (90, 3), "b": (90, 30), "c": (90, 40), "d": (90, 50)})
    data["band"] = np.where(np.arange(len(data)) % 2, "20-39", "40-59")
    standard = pd.DataFrame({"age": ["20-39", "40-59"], "population": [60.0, 40.0]})
    full = standardized(data, "y", age="band", standard=standard, by="a")
    assert full.table["measure"].nunique() == 2
    gone = suppress(full).table["events"].isna()
    assert gone.groupby(full.table["a"]).nunique().eq(1).all()
    assert gone[full.table["a"] == "a"].all()


def test_a_pooled_estimate_of_hidden_studies_is_hidden():
    safe = suppress(pooled([10, 1, 2], [2000, 500, 140], ["x", "y", "z"]))
    assert safe.table["estimate"].isna().tolist() == [False, True, True, True]
    assert math.isnan(safe.tau2)
    assert all(math.isnan(limit) for limit in safe.prediction_interval)
    safe.plot()


def test_rates_and_hazard_ratios():
    rng = np.random.default_rng(2)
    data = pd.DataFrame({"g": ["a"] * 200 + ["b"] * 200 + ["c"] * 40, "t": rng.uniform(1, 9, 440)})
    data["d"] = 0
    data.loc[[*range(40), *range(200, 230), 401], "d"] = 1
    rates = suppress(incidence_rate(data, "t", "d", by="g"))
    assert rates.to_display()["Events"].tolist() == ["40", "suppressed", "<5"]
    assert rates.table["person_years"].notna().all()
    hazards = suppress(cox("g", data, time="t", event="d"))
    assert hazards.table["estimate"].isna().tolist() == [False, True, True]


def test_pairs_of_conditions_are_hidden_one_by_one():
    rng = np.random.default_rng(5)
    data = pd.DataFrame(rng.binomial(1, [0.3, 0.3, 0.02], (300, 3)), columns=["p", "q", "r"])
    safe = suppress(co_occurrence(data, ["p", "q", "r"]))
    both = [int((data[a] * data[b]).sum()) for a, b in itertools.combinations("pqr", 2)]
    assert both[0] >= 5
    assert 0 < both[1] < 5
    assert safe.table["estimate"].isna().tolist()[:2] == [False, True]
    assert safe.to_display()["Both"][1] == "<5"
    safe.plot()


def test_counts_of_a_listing_are_named():
    attended = listing(pd.DataFrame({"cohort": ["a", "b"], "seen": [90, 3], "%": [90.0, 3.0]}), "Who came.")
    assert suppress(attended).table.equals(attended.table)
    safe = suppress(attended, counts=["seen"])
    assert safe.to_display().to_numpy().tolist() == [["a", "90", "90"], ["b", "<5", "suppressed"]]
    with pytest.raises(KeyError, match="'sen' is not in the listing"):
        suppress(attended, counts=["sen"])
    with pytest.raises(ValueError, match="only a listing"):
        suppress(by_group([20, 10]), counts=["n"])


# ------------------------------------------------------------------------------------- curves


@pytest.mark.parametrize("estimator", [kaplan_meier, nelson_aalen])
def test_steps_of_curves_are_never_single_events(estimator):
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"g": ["a"] * 150 + ["b"] * 150, "t": rng.exponential(5, 300)})
    data["d"] = rng.binomial(1, 0.5, 300)
    curve = estimator(data, "t", "d", by="g")
    safe = suppress(curve)
    for name, steps in safe.table.groupby("g"):
        full = curve.table[curve.table["g"] == name]
        assert (steps["events"].iloc[:-1] >= 5).all()
        assert ((steps["events"] == 0) | (steps["events"] >= 5)).all()
        assert ((steps["censored"] == 0) | (steps["censored"] >= 5)).all()
        assert steps["events"].sum() == full["events"].sum()
        lost = -np.diff(np.append(steps["n_risk"], 0))
        assert (lost == steps["events"] + steps["censored"]).all()
        at = full.set_index("time").loc[steps["time"], "estimate"]
        assert (at.to_numpy() == steps["estimate"].to_numpy()).all()
    safe.plot()
    safe.to_display()


def test_what_is_left_joins_the_last_step():
    """Six deaths in the first six years, then nobody dies: one step at the sixth, and a flat end."""
    data = pd.DataFrame({"t": np.arange(1.0, 41), "d": [1] * 6 + [0] * 34})
    safe = suppress(kaplan_meier(data, "t", "d"))
    assert safe.table[["time", "events", "censored", "n_risk"]].to_numpy().tolist() == [
        [6, 6, 0, 40],
        [40, 0, 34, 34],
    ]
    assert safe.table["estimate"].tolist() == pytest.approx([34 / 40, 34 / 40], rel=1e-12)


def test_a_curve_of_few_events_is_not_drawn():
    data = pd.DataFrame(
        {"g": ["a"] * 50 + ["b"] * 50, "t": np.arange(1.0, 101), "d": [1, 0] * 25 + [1] * 3 + [0] * 47}
    )
    safe = suppress(kaplan_meier(data, "t", "d", by="g"))
    assert safe.table.loc[safe.table["g"] == "b", ["estimate", "events", "n_risk"]].isna().all(axis=None)
    assert safe.events is None
    text = safe.to_display().to_string()
    assert "nan" not in text
    assert "suppressed" in text
    assert safe.at(10).loc[1, ["estimate", "n_risk"]].isna().all()
    axes = safe.plot()
    assert all("nan" not in text.get_text() for text in axes.texts)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a", "b (suppressed)"]
    assert len(axes.lines[1].get_xdata()) == 0


# ------------------------------------------------------------------------------------- what cannot be derived


def _fitting(cells, hidden, min_cell):
    """For each small cell the values it has in all completions that fit what is shown, by enumeration."""
    unknown = [i for i in range(len(cells.values)) if i in hidden or not cells.shown[i]]
    highest = int(max(cells.values)) + min_cell
    ranges = [
        range(1, min_cell) if hidden.get(i) == PRIMARY
        else range(0 if UNMARKED in hidden.values() else min_cell, highest + 1)
        for i in unknown
    ]  # fmt: skip
    found = {i: set() for i in unknown}
    for values in itertools.product(*ranges):
        guess = {**dict(enumerate(cells.values)), **dict(zip(unknown, values, strict=True))}
        if all(abs(sum(w * guess[i] for i, w in terms.items())) < 1e-9 for terms in cells.sums):
            for i in unknown:
                found[i].add(guess[i])
    return found


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=2, max_size=4), st.sampled_from([3, 4, 5]))
def test_a_line_with_its_total_has_several_completions(parts, min_cell):
    cells = Cells()
    numbers = [cells.add(value) for value in parts]
    cells.add_sum(cells.add(sum(parts)), numbers)
    hidden = protect(cells, min_cell, zeros_too=False)
    small = [i for i in numbers if 1 <= parts[i] < min_cell]
    assert set(small) <= set(hidden)
    found = _fitting(cells, hidden, min_cell)
    assert all(len(found[i]) > 1 for i in small)
    if not small and not 1 <= sum(parts) < min_cell:
        assert hidden == {}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 7), min_size=4, max_size=4))
def test_two_by_two_with_margins_has_several_completions(inner):
    """The four counts, both margins and the total: each small one could be another number."""
    min_cell, cells = 4, Cells()
    a, b, c, d = (cells.add(value) for value in inner)
    lines = [(a, b), (c, d), (a, c), (b, d)]
    margins = [cells.add(inner[i] + inner[j]) for i, j in lines]
    for total, line in zip(margins, lines, strict=True):
        cells.add_sum(total, line)
    total = cells.add(sum(inner))
    cells.add_sum(total, margins[:2])
    cells.add_sum(total, margins[2:])
    hidden = protect(cells, min_cell, zeros_too=False)
    # enumerate the four inner counts: the margins follow from them
    guess = np.indices((sum(inner) + min_cell + 2,) * 4).reshape(4, -1)
    values = np.array([*guess, *(guess[i] + guess[j] for i, j in lines), guess.sum(axis=0)])
    fits = np.ones(values.shape[1], bool)
    for i, value in enumerate(cells.values):
        fits &= _says(hidden.get(i), values[i], value, min_cell, UNMARKED in hidden.values())
    for i, value in enumerate(cells.values):
        if 1 <= value < min_cell:
            assert i in hidden
            assert len(np.unique(values[i][fits])) > 1


def _says(why, guess, value, min_cell, some_unmarked):
    """Whether the mark of a cell allows a guess."""
    if why is None:
        return guess == value
    if why == PRIMARY:
        return (guess >= 1) & (guess < min_cell)
    return guess >= (0 if some_unmarked else min_cell)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 12), st.integers(0, 12)), min_size=2, max_size=3))
def test_a_table_of_prevalences_has_several_completions(groups):
    """From counts, totals and the percentages with all their digits, nobody can tell a small count."""
    counts = {chr(97 + i): (n, min(n, events)) for i, (n, events) in enumerate(groups)}
    full = crude(people(counts), "y", by="a")
    safe = suppress(full)
    shown, marks = safe.table, safe.marks
    fits = []
    options = [_rows_that_fit(i, shown, marks, sum(n for n, _ in counts.values())) for i in range(len(shown))]
    for guess in itertools.product(*options):
        n, events = sum(g[0] for g in guess), sum(g[1] for g in guess)
        if safe.n not in (0, n) or (safe.events is not None and safe.events != events):
            continue
        fits.append(guess)
    for i, (n, events) in enumerate(counts.values()):
        for k, value in ((0, n), (1, events), (2, n - events)):
            if 1 <= value < 5:
                values = {(g[i][0], g[i][1], g[i][0] - g[i][1])[k] for g in fits}
                assert len(values) > 1, (counts, i, k, shown.to_string())


def _rows_that_fit(i, shown, marks, most):
    """(n, events) of a row that its shown numbers and its marks allow."""
    found = []
    for n in range(1, most + 1):
        if not _cell_fits(n, shown["n"][i], marks.get((i, "n"))):
            continue
        for events in range(n + 1):
            fits = _cell_fits(events, shown["events"][i], marks.get((i, "events")))
            estimate = shown["estimate"][i]
            if fits and (np.isnan(estimate) or abs(estimate - events / n) < 1e-12):
                found.append((n, events))
    return found


def _cell_fits(guess, shown, mark):
    if mark is None:
        return guess == shown
    return 1 <= guess < 5 if mark == "<5" else True


# ------------------------------------------------------------------------------------- what stays as it was


def test_nothing_small_nothing_changed():
    table = by_group([20, 30, 40])
    safe = suppress(table)
    assert safe.table.equals(table.table)
    assert (safe.n, safe.events, safe.notes) == (table.n, table.events, table.notes)
    assert safe.to_display().equals(table.to_display())
    assert safe.suppressed["cells"].empty
    small = by_group([20, 10, 3])
    assert suppress(small, 1).table.equals(small.table)


def test_what_has_passed_stays_as_it_is():
    safe = suppress(by_group([20, 10, 3]))
    assert suppress(safe) is safe
    assert suppress(safe, 3) is safe
    with pytest.raises(ValueError, match="passed with min_cell=5"):
        suppress(safe, 10)


def test_the_argument_is_left_alone():
    table = by_group([20, 10, 3])
    before = table.table.copy()
    suppress(table)
    assert table.table.equals(before)
    assert table.suppressed is None


def test_marks_are_saved(tmp_path):
    safe = suppress(by_group([20, 10, 3]))
    loaded = Estimates.load(safe.save(tmp_path / "x"))
    assert loaded.to_display().equals(safe.to_display())
    assert loaded.marks == safe.marks
    whole = suppress(by_group([20, 30]))
    assert Estimates.load(whole.save(tmp_path / "y")).suppressed["cells"].empty
    assert suppress(safe).to_markdown().count("\\<5") == 2


def test_what_has_no_rule_is_refused():
    curve = Estimates(pd.DataFrame({"time": [1.0], "n_risk": [10], "n": [10]}), "A curve.", n=10)
    with pytest.raises(ValueError, match="no rule for Estimates with the columns time, n_risk, n"):
        suppress(curve)


def test_the_report_lists_what_was_suppressed(tmp_path, capsys):
    suppress(by_group([20, 10, 3])).save(tmp_path / "small")
    suppress(by_group([20, 30])).save(tmp_path / "large")
    by_group([20, 30]).save(tmp_path / "raw")
    listing(pd.DataFrame({"file": ["a"], "rows": [3]}), "Rows.").save(tmp_path / "files")
    Results(tmp_path).suppressed()
    text = capsys.readouterr().out
    assert "| small | 5 | 1 | 1 |" in text
    assert "Nothing had to be suppressed in: large." in text
    assert "Not checked: raw." in text
    assert "Lists of which no column was named that counts people, or published numbers: files." in text
    Results(tmp_path).table("raw")
    assert "Not checked for small counts." in capsys.readouterr().out
    for name in ("large", "files"):
        Results(tmp_path).table(name)
        assert "Not checked" not in capsys.readouterr().out


def test_risk_factors_side_by_side():
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"y": rng.integers(0, 2, 200), "age": rng.normal(40, 9, 200)})
    data["grade"] = pd.Categorical(np.repeat(["a", "b", "c"], [100, 90, 10]), ["a", "b", "c"], ordered=True)
    data.loc[data["grade"] == "c", "y"] = [1, 1, 1, 0, 0, 0, 0, 0, 0, 0]
    found = risk_factors(data, "y", ["grade", "age"], {"Crude": [], "Adjusted": ["age", "grade"]})
    shown = suppress(found).to_display().set_index("")
    assert shown.loc["\u2003c", "Events (%)"] == "<5"
    # the row of age has all events: without a second hidden level a subtraction would tell the small count
    assert (shown["Events (%)"] == "suppressed").sum() == 1
    assert shown.loc["\u2003c", "Adjusted: OR (95% CI)"] == "suppressed"
    assert suppress(found).tests["p_value"].isna().all()
    assert "3 (30.0)" in set(found.to_display()["Events (%)"])
