"""Rows between visits, worked out by hand on the people of test_study.

Days from baseline (2015-01-01): 2016-01-01 365, 2016-07-01 547, 2017-01-01 731, 2019-01-01 1461.

===  =======================================  =====================================================
who  smoking at 0, 731, 1461                  psoriasis
===  =======================================  =====================================================
A    never, current, former                   absent at 0 and 731, found at 1461
B    current, (not asked), -                  present from the start
C    former, former, -                        absent at 0 and 731
D    never, -, -                              absent at 0, died at 365
===  =======================================  =====================================================
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from test_study import YEAR, harmonized, paper  # noqa: F401

from dermcohort.study import StudyError
from dermcohort.survival import cox, incidence_rate
from dermcohort.time_varying import split_at_visits

SMOKING = {
    ("A", "baseline"): "never", ("A", "followup1"): "current", ("A", "followup2"): "former",
    ("B", "baseline"): "current", ("C", "baseline"): "former", ("C", "followup1"): "former",
    ("D", "baseline"): "never", ("F", "baseline"): "never", ("F", "followup1"): "never",
}  # fmt: skip


@pytest.fixture
def smokers(paper):  # noqa: F811
    visits = paper.visits
    answers = [
        SMOKING.get(key) for key in zip(visits["participant_id"], visits["wave"].astype(str), strict=True)
    ]
    visits = visits.assign(smoking=pd.Categorical(answers, ["never", "former", "current"]))
    return replace(paper, visits=visits, reasons=visits.isna().astype(np.int8) * 2)


def rows_of(frame, *columns):
    """What a person's rows say, times in days."""
    data = frame.data.assign(**{name: frame.data[name] * YEAR for name in ("entry", "exit", "left", "right")})
    return [tuple(round(v) if isinstance(v, float) and np.isfinite(v) else v for v in row)
            for row in data[list(columns)].itertuples(index=False)]  # fmt: skip


def test_values_hold_until_the_next_visit_and_the_event_stands_where_it_was_found(smokers):
    frame = smokers.survival_frame(
        "psoriasis", covariates=["sex"], time_varying=["smoking"], competing="death"
    )
    found = rows_of(frame, "participant_id", "wave", "smoking", "entry", "exit", "event", "left", "right")
    assert found == [
        ("A", "baseline", "never", 0, 731, "censored", 731, 1461),
        ("A", "followup1", "current", 731, 1461, "psoriasis", 731, 1461),
        ("C", "baseline", "former", 0, 731, "censored", 731, np.inf),
        ("D", "baseline", "never", 0, 365, "death", 0, np.inf),
    ]
    assert frame.data.columns.tolist() == [
        "cohort", "participant_id", "sex", "wave", "smoking", "entry", "exit", "event", "left", "right",
    ]  # fmt: skip
    assert frame.data["sex"].tolist() == ["female", "female", "male", "female"]
    assert frame.data["event"].cat.categories.tolist() == ["censored", "psoriasis", "death"]
    one_row = smokers.survival_frame("psoriasis", covariates=["sex"], competing="death")
    assert list(frame.flow) == list(one_row.flow)  # persons are counted, not rows


def test_person_years_and_events_are_those_of_the_unsplit_frame(smokers):
    for condition in ("psoriasis", "melanoma", "death"):
        for scale in ("follow-up", "age"):
            whole = smokers.survival_frame(condition, time_scale=scale, covariates=[])
            split = smokers.survival_frame(condition, time_scale=scale, covariates=[], time_varying=["age"])
            rates = [
                incidence_rate(frame.data.assign(years=frame.data["exit"] - frame.data["entry"]), "years", "event")
                for frame in (whole, split)
            ]  # fmt: skip
            for name in ("events", "person_years"):
                assert rates[0].table[name].iloc[0] == pytest.approx(rates[1].table[name].iloc[0], rel=1e-14)
            last = split.data.groupby("participant_id")["exit"].last()
            assert last.tolist() == whole.data["exit"].tolist()  # to the last bit


def test_dated_events_end_the_row_in_which_they_fall_and_missing_values_stay_missing(smokers):
    frame = smokers.survival_frame("melanoma", covariates=[], time_varying=["smoking"])
    assert frame.data["smoking"].astype(object).fillna("?").tolist() == [
        "never",
        "current",
        "?",
        "never",
        "never",
    ]
    assert rows_of(frame, "participant_id", "entry", "exit", "event") == [
        ("A", 0, 547, 1), ("B", 0, 731, 0), ("B", 731, 1461, 0), ("D", 0, 365, 0), ("F", 0, 731, 0),
    ]  # fmt: skip


def test_after_carry_for_a_person_is_out_of_sight_until_the_next_visit(smokers):
    """With one year: A is at risk for two years of 365.25 days, and the onset is found in the second gap."""
    frame = smokers.survival_frame("psoriasis", covariates=[], time_varying=["smoking"], carry_for=1)
    assert rows_of(frame, "participant_id", "smoking", "entry", "exit", "event") == [
        ("A", "never", 0, 365, 0), ("A", "current", 731, 1096, 0), ("C", "former", 0, 365, 0),
    ]  # fmt: skip
    assert frame.data["exit"].iloc[0] == 1
    assert [(step.label, step.n, step.excluded) for step in frame.flow.steps[-2:]] == [
        ("With incident Psoriasis", 1, ()),
        ("With onset under observation", 0, (("later than 1 years after the visit before", 1),)),
    ]
    longer = smokers.survival_frame("psoriasis", covariates=[], time_varying=["smoking"], carry_for=2)
    np.testing.assert_allclose(longer.data["exit"] * YEAR, [730.5, 1461, 730.5])  # 731 and 730 days apart
    assert longer.data["event"].tolist() == [0, 1, 0] and longer.flow.steps[-1].n == 1
    death = smokers.survival_frame(
        "psoriasis", covariates=[], time_varying=["smoking"], carry_for=0.5, competing="death"
    )
    assert (death.data["event"] == "censored").all()


def test_age_scale_later_origins_and_several_origins(smokers):
    by_age = smokers.survival_frame("psoriasis", covariates=[], time_varying=["age"], time_scale="age").data
    np.testing.assert_allclose(by_age["entry"], [50, 50 + 731 / YEAR, 50])
    np.testing.assert_allclose(by_age["exit"], [50 + 731 / YEAR, 50 + 1461 / YEAR, 50 + 731 / YEAR])
    assert by_age["age"].tolist() == [50, 52, 50]
    later = smokers.survival_frame(
        "psoriasis", origin="followup1", covariates=["sex"], time_varying=["smoking"]
    )
    assert rows_of(later, "participant_id", "wave", "smoking", "entry", "exit", "event") == [
        ("A", "followup1", "current", 0, 730, 1)
    ]
    several = smokers.survival_frame(
        "psoriasis", origin=["baseline", "followup1"], covariates=[], time_varying=["smoking"]
    ).data
    assert several.columns.tolist().count("wave") == 1 and several["wave"].tolist() == [
        "baseline", "followup1", "baseline",
    ]  # fmt: skip


def test_visits_without_date_and_two_on_one_day(smokers):
    visits = smokers.visits
    at = (visits["participant_id"] == "A") & (visits["wave"] == "followup1")
    undated = replace(smokers, visits=visits.assign(visit_date=visits["visit_date"].mask(at)))
    rows = undated.survival_frame("psoriasis", covariates=[], time_varying=["smoking"])
    assert ("A", "never", 0, 1461, 1) in rows_of(rows, "participant_id", "smoking", "entry", "exit", "event")
    same_day = replace(
        smokers, visits=visits.assign(visit_date=visits["visit_date"].mask(at, pd.Timestamp("2015-01-01")))
    )
    rows = same_day.survival_frame("melanoma", covariates=[], time_varying=["smoking"])
    assert rows_of(rows, "participant_id", "wave", "smoking", "entry", "exit")[0] == (
        "A", "followup1", "current", 0, 547,
    )  # fmt: skip


def test_rows_do_not_depend_on_the_order_of_visits(smokers):
    order = np.random.default_rng(3).permutation(len(smokers.visits))
    shuffled = replace(
        smokers,
        visits=smokers.visits.iloc[order].reset_index(drop=True),
        reasons=smokers.reasons.iloc[order].reset_index(drop=True),
    )
    frames = [
        study.survival_frame("melanoma", covariates=["age"], time_varying=["smoking"]).data
        for study in (smokers, shuffled)
    ]
    pd.testing.assert_frame_equal(
        *(frame.sort_values(["participant_id", "entry"], ignore_index=True) for frame in frames)
    )


def test_a_model_of_what_does_not_change_is_that_of_the_unsplit_people():
    """40 people seen every year: the partial likelihood is the same, and with clusters the variance too."""
    rng = np.random.default_rng(11)
    n = 40
    people = pd.DataFrame(
        {
            "cohort": pd.Categorical(["northbay"] * n),
            "participant_id": [f"P{i}" for i in range(n)],
            "exposed": rng.integers(0, 2, n),
            "entry": 0.0,
            "exit": rng.integers(100, 2000, n) / YEAR,
            "event": rng.integers(0, 2, n).astype(float),
        }
    )
    origin = np.full(n, np.datetime64("2015-01-01"))
    visits = pd.concat(
        people[["cohort", "participant_id"]].assign(
            wave=pd.Categorical([f"w{year}"] * n, [f"w{i}" for i in range(6)]),
            visit_date=pd.Timestamp(f"{2015 + year}-01-01"),
            dose=rng.random(n),
        )
        for year in range(6)
    )
    rows, cut_short = split_at_visits(people, origin, people["exit"].to_numpy(), visits, None)
    assert len(rows) > 2 * n and not cut_short.any()
    options = {"time": "exit", "event": "event", "entry": "entry", "cluster": ["cohort", "participant_id"]}
    whole, split = cox("exposed", people, **options), cox("exposed", rows, **options)
    for name in ("coef", "std_error"):
        np.testing.assert_allclose(split.table[name], whole.table[name], rtol=1e-9)
    assert cox("dose", rows, **options).events == people["event"].sum()


def test_nobody_at_risk_gives_no_rows(smokers):
    everybody = replace(smokers, visits=smokers.visits.assign(psoriasis="yes"))
    frame = everybody.survival_frame("psoriasis", covariates=[], time_varying=["smoking"])
    assert len(frame.data) == 0 and {"wave", "smoking", "entry", "event"} <= set(frame.data)


def test_values_below_the_detection_limit_need_a_choice(smokers):
    codes = {name: code for code, name in smokers.reason_names.items()}
    visits = smokers.visits.assign(crp=1.0)
    below = (visits["participant_id"] == "A") & (visits["wave"] == "followup1")
    visits["crp"] = visits["crp"].mask(below)
    reasons = smokers.reasons.assign(crp=np.where(below, codes["below_lod"], 0).astype(np.int8))
    limits = pd.DataFrame(
        [("northbay", "A", "followup1", "crp", 0.5)],
        columns=["cohort", "participant_id", "wave", "variable", "limit"],
    )
    study = replace(smokers, visits=visits, reasons=reasons, detection_limits=limits)
    with pytest.raises(StudyError, match="below the detection limit: crp"):
        study.survival_frame("psoriasis", time_varying=["crp"])
    halves = study.survival_frame("psoriasis", covariates=[], time_varying=["crp"], lod="limit/2").data
    assert halves["crp"].tolist() == [1, 0.25, 1]
    marked = study.survival_frame("psoriasis", covariates=["crp"], time_varying=["crp"], lod="censored").data
    assert marked["crp__below"].tolist() == [False, True, False] and marked.columns.is_unique


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"time_varying": ["smokng"]}, "'smokng' is not a column of visits. Did you mean 'smoking'"),
        ({"time_varying": ["sex"]}, "'sex' does not change between visits: give it in covariates"),
        ({"time_varying": ["wave"]}, "'wave' says which visit it is"),
        ({"carry_for": 2}, "carry_for is for time_varying variables"),
        ({"time_varying": ["smoking"], "carry_for": 0}, "must be a number of years above 0"),
        ({"time_varying": ["smoking"], "carry_for": np.nan}, "must be a number of years above 0"),
    ],
)
def test_what_cannot_vary(smokers, options, message):
    with pytest.raises(StudyError, match=message):
        smokers.survival_frame("psoriasis", covariates=[], **options)
