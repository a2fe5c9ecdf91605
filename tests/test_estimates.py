"""The result type: the order of columns, the views, and files that are whole or not there."""

import json
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest

from dermcohort.estimates import COLUMNS, Estimates, tidy
from dermcohort.prevalence import crude
from dermcohort.regression import GLMFit, logistic
from dermcohort.survival import KaplanMeier, cox, incidence_rate, kaplan_meier

matplotlib.use("Agg")


@pytest.fixture
def people() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    n = 300
    sex = pd.Categorical(rng.choice(["male", "female"], n), ["male", "female", "other"])
    return pd.DataFrame(
        {
            "sex": sex,
            "age": rng.normal(50, 10, n),
            "case": pd.Categorical(rng.choice(["no", "yes"], n), ["no", "yes"]),
            "years": rng.exponential(5, n).round(2) + 0.01,
            "died": rng.random(n) < 0.5,
        }
    )


def all_estimates(people):
    return {
        "prevalence": crude(people, "case", "sex"),
        "rate": incidence_rate(people, "years", "died", "sex"),
        "logistic": logistic("case ~ age + sex", people),
        "cox": cox("age + sex", people, time="years", event="died"),
        "curve": kaplan_meier(people, "years", "died", by="sex"),
    }


def test_columns_come_in_the_order_of_the_contract(people):
    for name, found in all_estimates(people).items():
        known = [c for c in found.table.columns if c in COLUMNS]
        assert known == [c for c in COLUMNS if c in known], name
        assert "estimate" in known


def test_every_result_has_its_views(people):
    for found in all_estimates(people).values():
        assert found.method.endswith(".")
        assert "<table" in found._repr_html_()
        axes = found.plot()
        assert axes.has_data()
        matplotlib.pyplot.close(axes.figure)


def test_printed_table_reads_as_in_a_paper(people):
    shown = logistic("case ~ age + sex", people).to_display({"sex": "Sex"})
    assert shown[""].tolist() == ["age", "Sex", "\u2003male (reference)", "\u2003female"]
    assert shown.columns[1] == "OR (95% CI)"
    assert shown["OR (95% CI)"].iloc[2] == "1.00"
    assert "Prevalence, % (95% CI)" in crude(people, "case").to_display()


@pytest.mark.parametrize("name", ["prevalence", "rate", "logistic", "cox", "curve"])
def test_saving_loses_nothing(people, tmp_path, name):
    before = all_estimates(people)[name]
    before.save(tmp_path / "results" / name)
    after = Estimates.load(tmp_path / "results" / f"{name}.parquet")
    assert type(after) is type(before)
    pd.testing.assert_frame_equal(after.table, before.table)
    assert (after.method, after.n, after.events, after.notes) == (
        before.method,
        before.n,
        before.events,
        before.notes,
    )
    assert dict(after.n_missing) == before.n_missing
    after.plot()
    matplotlib.pyplot.close("all")
    if isinstance(before, KaplanMeier):
        pd.testing.assert_frame_equal(after.at([1, 2]), before.at([1, 2]))
    if isinstance(before, GLMFit):
        pd.testing.assert_series_equal(after.coefficients, before.coefficients)
        pd.testing.assert_frame_equal(after.covariance, before.covariance)
        with pytest.raises(ValueError, match="fit the model again"):
            after.predict(people)


def test_categories_survive_whatever_they_hold(tmp_path):
    table = pd.DataFrame(
        {
            "wave": pd.Categorical([2, None, 1], [3, 2, 1], ordered=True),
            "site": pd.Categorical(["b", "a", None], ["c", "b", "a"]),
            "estimate": [0.1, np.nan, np.inf],
        }
    )
    Estimates(table, method="Test.", n=3, notes=("a", "b")).save(tmp_path / "x")
    after = Estimates.load(tmp_path / "x")
    pd.testing.assert_frame_equal(after.table, table)
    assert after.notes == ("a", "b")


def test_sidecar_is_strict_json_for_other_programs(people, tmp_path):
    incidence_rate(people, "years", "died").save(tmp_path / "rate")
    document = json.loads((tmp_path / "rate.json").read_text("utf-8"), parse_constant=pytest.fail)
    assert document["class"] == "Estimates"
    assert document["fields"]["n"] == 300


def test_interrupted_save_leaves_the_former_estimates(people, tmp_path, monkeypatch):
    first = crude(people, "case")
    first.save(tmp_path / "x")
    monkeypatch.setattr(Path, "replace", _stop)
    with pytest.raises(KeyboardInterrupt):
        crude(people, "died").save(tmp_path / "x")
    with pytest.raises(KeyboardInterrupt):
        first.save(tmp_path / "never")
    monkeypatch.undo()
    pd.testing.assert_frame_equal(Estimates.load(tmp_path / "x").table, first.table)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.json", "x.parquet"]


def _stop(*_):
    raise KeyboardInterrupt


def test_other_files_are_refused(tmp_path):
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "other.parquet")
    with pytest.raises(ValueError, match=r"not written by Estimates\.save"):
        Estimates.load(tmp_path / "other")
    (tmp_path / "broken.parquet").write_bytes(b"PAR1")
    with pytest.raises(ValueError, match="damaged"):
        Estimates.load(tmp_path / "broken")
    with pytest.raises(FileNotFoundError):
        Estimates.load(tmp_path / "absent")


def test_tidy_puts_groups_first_and_keeps_what_a_method_adds():
    rows = pd.DataFrame({"extra": [1], "n": [2], "estimate": [0.5], "site": ["a"], "term": ["x"]})
    assert tidy(rows, ["site"]).columns.tolist() == ["site", "term", "estimate", "n", "extra"]
