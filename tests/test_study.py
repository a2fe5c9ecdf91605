"""The study: analysis frames worked out by hand, and coming back from the disk as it was.

Six people and one who came later, small enough for paper. Baseline is 2015-01-01 for all:

===  =========  ==========  ==========  ==========================================================================
who  baseline   2017-01-01  2019-01-01  besides
===  =========  ==========  ==========  ==========================================================================
A    no         no          yes         melanoma in the register 2016-07-01; last contact 2019-01-01
B    yes        yes         .           last contact 2019-01-01
C    no         no          .           melanoma 2014-06-01, before baseline; last contact 2018-01-01
D    no         .           .           died 2016-01-01
E    no         .           .           nothing after baseline
F    unknown    yes         .           last contact 2017-01-01
G    .          no          .           entered at the second wave
===  =========  ==========  ==========  ==========================================================================

Days from baseline: 2016-01-01 365, 2016-07-01 547, 2017-01-01 731, 2018-01-01 1096, 2019-01-01 1461.
"""

from __future__ import annotations

import json
from dataclasses import replace

import northbay as files
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dermcohort.describe import table_one
from dermcohort.dictionary import read_dictionary
from dermcohort.harmonize import harmonize
from dermcohort.study import TABLES, StudyError, open_study
from dermcohort.survival import cumulative_incidence

YEAR = 365.25
WAVES = {"baseline": "2015-01-01", "followup1": "2017-01-01", "followup2": "2019-01-01"}
SEEN = {
    "A": ("no", "no", "yes"), "B": ("yes", "yes", None), "C": ("no", "no", None), "D": ("no", None, None),
    "E": ("no", None, None), "F": ("?", "yes", None), "G": (None, "no", None),
}  # fmt: skip


@pytest.fixture(scope="module")
def harmonized(tmp_path_factory):
    folder = tmp_path_factory.mktemp("northbay")
    return harmonize(read_dictionary(files.write_dictionary(folder / "d")), files.write_raw(folder / "r"))


@pytest.fixture(scope="module")
def paper(harmonized):
    """The people of the table above, in the schema of the northbay study."""
    rows = [
        (person, wave, status)
        for person, answers in SEEN.items()
        for wave, status in zip(WAVES, answers, strict=True)
        if status is not None
    ]
    n = len(rows)
    visits = pd.DataFrame(
        {
            "cohort": pd.Categorical(["northbay"] * n),
            "participant_id": [person for person, _, _ in rows],
            "wave": pd.Categorical([wave for _, wave, _ in rows], list(WAVES)),
            "visit_date": pd.to_datetime([WAVES[wave] for _, wave, _ in rows]),
            "age": [50.0 + 2 * list(WAVES).index(wave) for _, wave, _ in rows],
            "psoriasis": pd.Categorical([None if s == "?" else s for _, _, s in rows], ["no", "yes"]),
            "obese": pd.Categorical(["no"] * n, ["no", "yes"]),
        }
    )
    reasons = visits.isna().astype(np.int8) * 2
    day = pd.to_datetime
    people = pd.DataFrame(
        {
            "cohort": pd.Categorical(["northbay"] * 7),
            "participant_id": list(SEEN),
            "sex": pd.Categorical(
                ["female", "male", "male", "female", "male", "female", "male"], ["female", "male"]
            ),
            "last_contact_date": day(
                ["2019-01-01", "2019-01-01", "2018-01-01", None, None, "2017-01-01", None]
            ),
            "death_date": day([None, None, None, "2016-01-01", None, None, None]),
        }
    )
    events = pd.DataFrame(
        [("A", "psoriasis", "2017-01-01", "2019-01-01"), ("B", "psoriasis", None, "2015-01-01"),
         ("F", "psoriasis", None, "2017-01-01"), ("D", "death", "2016-01-01", "2016-01-01"),
         ("A", "melanoma", "2018-02-01", "2018-02-01"), ("A", "melanoma", "2016-07-01", "2016-07-01"),
         ("C", "melanoma", "2014-06-01", "2014-06-01")],
        columns=["participant_id", "event", "lower", "upper"],
    )  # fmt: skip
    events["lower"], events["upper"] = day(events["lower"]), day(events["upper"])
    events["cohort"], events["ascertainment"] = pd.Categorical(["northbay"] * len(events)), "record"
    return replace(
        harmonized, visits=visits, reasons=reasons, participants=people, events=events,
        participant_reasons=people.isna().astype(np.int8) * 5,
    )  # fmt: skip


def by_person(frame):
    return frame.data.set_index("participant_id")


# ---------------------------------------------------------------- time to event


def test_condition_seen_at_visits_with_death_as_competing_event(paper):
    frame = paper.survival_frame("psoriasis", competing="death", covariates=["sex"])
    data = by_person(frame)
    assert data["event"].cat.categories.tolist() == ["censored", "psoriasis", "death"]
    assert data["event"].to_dict() == {"A": "psoriasis", "C": "censored", "D": "death"}
    np.testing.assert_allclose(data.loc[["A", "C", "D"], "exit"] * YEAR, [1461, 731, 365])
    np.testing.assert_allclose(data.loc[["A", "C", "D"], "left"] * YEAR, [731, 731, 0])
    np.testing.assert_allclose(data.loc[["A", "C", "D"], "right"] * YEAR, [1461, np.inf, np.inf])
    assert (data["entry"] == 0).all() and data["sex"].to_dict() == {"A": "female", "C": "male", "D": "female"}
    assert [(step.label, step.n, step.excluded) for step in frame.flow] == [
        ("Participants", 7, ()),
        ("Examined at baseline", 6, (("not examined", 1),)),
        ("At risk", 3, (("Psoriasis present at baseline", 1), ("status unknown at baseline", 1),
                        ("no observation after baseline", 1))),
        ("With incident Psoriasis", 1, ()),
    ]  # fmt: skip


def with_deaths(study, **dates):
    """The study with a register that tells of these deaths."""
    dates = {person: pd.Timestamp(date) for person, date in dates.items()}
    people = study.participants
    events = pd.DataFrame({"participant_id": list(dates), "event": "death", "lower": dates.values()})
    events = events.assign(upper=events["lower"], cohort="northbay", ascertainment="record")
    return replace(
        study,
        participants=people.assign(death_date=people["participant_id"].map(dates)),
        events=pd.concat([study.events[study.events["event"] != "death"], events], ignore_index=True),
    )


def test_a_death_counts_until_the_end_of_the_next_wave_and_never_after_the_last(paper):
    """C was last seen at the second of three waves, D at the first; A came to the last one."""

    def ends(study):
        data = by_person(study.survival_frame("psoriasis", competing="death", covariates=[]))
        return {
            who: (event, round(days))
            for who, event, days in zip(data.index, data["event"], data["exit"] * YEAR, strict=True)
        }

    during = ends(with_deaths(paper, C="2019-01-01", D="2017-01-01"))
    assert during["C"] == ("death", 1461) and during["D"] == ("death", 731)
    after = ends(with_deaths(paper, C="2019-01-02", D="2017-01-02"))
    assert after["C"] == ("censored", 731) and "D" not in after  # as E, who lives and was never seen again
    healthy = paper.visits["psoriasis"].mask(paper.visits["participant_id"] == "A", "no")
    events = paper.events[paper.events["participant_id"] != "A"]
    healthy = replace(paper, visits=paper.visits.assign(psoriasis=healthy), events=events)
    assert ends(with_deaths(healthy, A="2019-01-02"))["A"] == ("censored", 1461)
    came = paper.visits["psoriasis"].mask(
        (paper.visits["participant_id"] == "C") & (paper.visits["wave"] == "followup1")
    )
    came = replace(paper, visits=paper.visits.assign(psoriasis=came))  # C came, but nobody knows the status
    assert "C" not in ends(with_deaths(came, C="2018-01-01"))


def test_the_next_wave_is_one_that_looked_for_the_condition(paper):
    """Nobody was asked at the second wave: who died after it had missed no visit that could have told."""
    visits = paper.visits
    asked = visits["psoriasis"].mask(visits["wave"] == "followup1")
    study = with_deaths(replace(paper, visits=visits.assign(psoriasis=asked)), C="2018-06-01")
    data = by_person(study.survival_frame("psoriasis", competing="death", covariates=[]))
    assert data.loc["C", "event"] == "death" and data.loc["C", "exit"] * YEAR == pytest.approx(1247)


@pytest.mark.parametrize("missed", [0.0, 0.1])
def test_risk_of_death_is_the_true_one_where_the_register_outlives_the_visits(paper, missed):
    """Deaths at 3% a year for ten years; visits in three waves that take a year each, then none.

    Those who leave (`missed` of the living at each wave) are not at risk after their last visit, while a death before
    the end of the wave counts, a year and a half later on average: so the risk of death may be too large by one
    and a half times that share, and by no more.
    """
    rng, n = np.random.default_rng(20), 20_000
    dies = rng.exponential(1 / 0.03, n) * YEAR
    onset = rng.exponential(1 / 0.02, n) * YEAR
    first = rng.integers(0, 365, n)
    days = np.stack([first, 365 + rng.integers(0, 365, n), 730 + rng.integers(0, 365, n)], axis=1)
    dies, onset = np.floor(dies + first).astype(int), onset + first
    stays = rng.random((n, 3)) >= [0, missed, missed]
    person, wave = np.nonzero((days < dies[:, None]) & np.logical_and.accumulate(stays, axis=1))
    start = np.datetime64("2015-01-01")
    seen = pd.DataFrame(
        {
            "cohort": pd.Categorical(["northbay"] * len(person)),
            "participant_id": person.astype(str),
            "wave": pd.Categorical.from_codes(wave, list(WAVES)),
            "visit_date": start + days[person, wave],
            "psoriasis": pd.Categorical.from_codes(
                (onset[person] <= days[person, wave]).astype(int), ["no", "yes"]
            ),
        }
    )
    has = seen[seen["psoriasis"] == "yes"].drop_duplicates("participant_id")
    told = dies < 3650
    events = pd.DataFrame(
        {
            "participant_id": np.r_[has["participant_id"], np.flatnonzero(told).astype(str)],
            "event": np.repeat(["psoriasis", "death"], [len(has), told.sum()]),
            "upper": np.r_[has["visit_date"].to_numpy().astype("datetime64[D]"), start + dies[told]],
        }
    )
    events = events.assign(lower=events["upper"], cohort="northbay", ascertainment="record")
    people = pd.DataFrame(
        {"cohort": pd.Categorical(["northbay"] * n), "participant_id": np.arange(n).astype(str)}
    )
    study = replace(
        paper, visits=seen, reasons=seen.isna().astype(np.int8), participants=people, events=events,
        participant_reasons=people.isna().astype(np.int8),
    )  # fmt: skip
    rows = study.survival_frame("psoriasis", competing="death", covariates=[]).data
    risk = cumulative_incidence(rows, "exit", "event").at([0.5, 1, 1.5, 2, 2.5]).query("cause == 'death'")
    truth = 1 - np.exp(-0.03 * risk["time"])  # so few fall ill before that it changes little
    room = 3 * risk["std_error"]
    assert (risk["estimate"] > 0.97 * truth - room).all()
    assert (risk["estimate"] < truth * (1 + 1.5 * missed / (1 - missed)) + room).all()


def test_without_competing_event_the_dead_are_not_observed_after_their_last_visit(paper):
    data = by_person(paper.survival_frame("psoriasis", covariates=[]))
    assert data["event"].to_dict() == {"A": 1.0, "C": 0.0}
    assert data["event"].dtype == float


def test_event_of_a_register_is_the_first_one_and_follow_up_ends_at_last_contact(paper):
    frame = paper.survival_frame("melanoma", covariates=["sex"])
    data = by_person(frame)
    assert data["event"].to_dict() == {
        "A": 1.0,
        "B": 0.0,
        "D": 0.0,
        "F": 0.0,
    }  # C had it before, E was never seen again
    np.testing.assert_allclose(data.loc[list("ABDF"), "exit"] * YEAR, [547, 1461, 365, 731])
    assert dict(frame.flow.steps[2].excluded) == {
        "melanoma present at baseline": 1,
        "no observation after baseline": 1,
    }
    competing = by_person(paper.survival_frame("melanoma", covariates=[], competing="death"))
    assert competing["event"].to_dict() == {"A": "melanoma", "B": "censored", "D": "death", "F": "censored"}
    death = by_person(paper.survival_frame("death", covariates=[]))
    assert death["event"].to_dict() == {"A": 0.0, "B": 0.0, "C": 0.0, "D": 1.0, "F": 0.0}


def test_age_as_time_scale_enters_at_the_age_of_the_visit(paper):
    data = by_person(paper.survival_frame("psoriasis", covariates=[], time_scale="age"))
    assert data.loc["A", ["entry", "exit", "left", "right"]].tolist() == pytest.approx(
        [50, 50 + 1461 / YEAR, 50 + 731 / YEAR, 50 + 1461 / YEAR]
    )
    unknown = replace(
        paper, visits=paper.visits.assign(age=paper.visits["age"].mask(paper.visits["participant_id"] == "A"))
    )
    frame = unknown.survival_frame("psoriasis", covariates=[], time_scale="age")
    assert by_person(frame).index.tolist() == ["C"] and dict(frame.flow.steps[2].excluded)["age unknown"] == 1


def test_a_later_origin_takes_its_own_people_and_clock(paper):
    frame = paper.survival_frame("psoriasis", origin="followup1", covariates=["age"])
    data = by_person(frame)
    assert data.index.tolist() == ["A"] and data.loc["A", "exit"] == pytest.approx(730 / YEAR)
    assert data.loc["A", "age"] == 52
    assert frame.flow.steps[1].n == 5


def test_of_several_origins_the_first_visit_of_each_person_counts(paper):
    seen_later = paper.participants["last_contact_date"].mask(
        paper.participants["participant_id"] == "G", pd.Timestamp("2018-01-01")
    )
    study = replace(paper, participants=paper.participants.assign(last_contact_date=seen_later))
    frame = study.survival_frame("melanoma", origin=["followup1", "baseline"], covariates=["age"])
    data = by_person(frame)
    assert data["wave"].to_dict() == {**dict.fromkeys("ABDF", "baseline"), "G": "followup1"}
    np.testing.assert_allclose(data.loc[list("ABDFG"), "exit"] * YEAR, [547, 1461, 365, 731, 365])
    assert data["age"].to_dict() == {**dict.fromkeys("ABDF", 50.0), "G": 52.0}
    assert (frame.flow.steps[1].label, frame.flow.steps[1].n) == ("Examined at their first visit", 7)
    with pytest.raises(StudyError, match="'followup9' is not a wave"):
        study.survival_frame("melanoma", origin=["baseline", "followup9"])


def test_what_survival_frame_cannot_answer(paper):
    for arguments, words in [
        (("psoriasys",), "neither a condition nor an event. Did you mean 'psoriasis'"),
        (("obese",), "'obese' records no disease"),  # it would be free of events, in silence
        (("age",), "'age' records no disease"),
    ]:
        with pytest.raises(StudyError, match=words):
            paper.survival_frame(*arguments)
    with pytest.raises(StudyError, match="choose follow-up or age"):
        paper.survival_frame("psoriasis", time_scale="calendar")
    with pytest.raises(StudyError, match="'followup9' is not a wave"):
        paper.survival_frame("psoriasis", origin="followup9")
    with pytest.raises(
        StudyError, match=r"'northbai' is not a cohort of this study .*Did you mean 'northbay'"
    ):
        paper.survival_frame("psoriasis", cohorts="northbai")


def test_an_event_that_nobody_had_is_still_an_event(paper):
    nobody = replace(paper, events=paper.events[paper.events["event"] != "death"])
    data = by_person(nobody.survival_frame("psoriasis", competing="death", covariates=[]))
    assert data["event"].to_dict() == {"A": "psoriasis", "C": "censored"}


def test_onset_at_a_visit_without_date_is_bounded_by_the_next_one(tmp_path):
    """Psoriasis at both visits after a healthy baseline, the first of them undated: known to have begun before the
    second. Without a date the event would be lost."""
    followup2 = files.FOLLOWUP.replace("followup1", "followup2")
    cohort = files.COHORT.replace(
        "  deaths:    {order",
        "  followup2: {order: 2, file: fu2.csv, encoding: gb18030}\n  deaths:    {order",
    ).replace(
        "  deaths:    {from", "  followup2: {from: 编号, expr: \"'NB' + zfill(编号, 4)\"}\n  deaths:    {from"
    )
    folder = files.write_dictionary(tmp_path / "d", cohort=cohort)
    (folder / "cohorts/northbay/followup2.yaml").write_text(followup2, "utf-8")
    raw = files.write_raw(tmp_path / "r", followup=files.FOLLOWUP_ROWS.replace("2020年1月1日", ""))
    (raw / "fu2.csv").write_bytes(files.FOLLOWUP_ROWS.replace("2020年1月1日", "2021/01/01").encode("gb18030"))
    study = harmonize(read_dictionary(folder), raw)
    event = study.events.set_index(["participant_id", "event"]).loc[("NB0001", "psoriasis")]
    assert (event["lower"], event["upper"]) == (pd.Timestamp("2018-01-01"), pd.Timestamp("2021-01-01"))
    data = by_person(study.survival_frame("psoriasis", covariates=[]))
    assert data.loc["NB0001", "event"] == 1 and data.loc["NB0001", "exit"] == pytest.approx(1096 / YEAR)


# ---------------------------------------------------------------- frame


def test_frame_has_keys_full_categories_and_one_row_a_visit(paper):
    data = paper.frame(["sex", "psoriasis", "sex"], wave=["followup1", "followup2"]).data
    assert data.columns.tolist() == ["cohort", "participant_id", "wave", "sex", "psoriasis"]
    assert data["participant_id"].tolist() == ["A", "A", "B", "C", "F", "G"]
    assert data["sex"].tolist() == ["female", "female", "male", "male", "female", "male"]
    assert data["psoriasis"].cat.categories.tolist() == ["no", "yes"]  # the reference first
    only_men = paper.frame(["sex"], wave="followup2").data
    assert only_men["sex"].cat.categories.tolist() == ["female", "male"]  # also where one is absent
    everything = paper.frame().data
    assert {"sex", "death_date", "visit_date", "psoriasis"} <= set(everything.columns) and len(
        everything
    ) == len(paper.visits)


def test_frame_tells_why_and_counts_what_it_drops(paper):
    frame = paper.frame(["psoriasis", "last_contact_date"], wave="baseline", reasons=True)
    why = by_person(frame)
    assert why["psoriasis__why"].to_dict() == {**dict.fromkeys("ABCDE", "observed"), "F": "dont_know"}
    assert why.loc["D", "last_contact_date__why"] == "not_collected"
    assert why["psoriasis__why"].cat.categories[0] == "observed"
    dropped = paper.frame(["psoriasis", "last_contact_date"], wave="baseline", on_missing="drop")
    assert dropped.data["participant_id"].tolist() == ["A", "B", "C"]
    n = [step.n for step in dropped.flow]
    lost = [sum(count for _, count in step.excluded) for step in dropped.flow]
    assert n == [12, 6, 3] and lost == [0, 6, 3]
    assert all(before - gone == after for before, gone, after in zip(n, lost[1:], n[1:], strict=False))


def test_frame_of_one_cohort_and_wrong_choices(paper):
    assert len(paper.frame(["sex"], cohorts="northbay").data) == len(paper.visits)
    for arguments, words in [
        ({"variables": ["sexx"]}, "'sexx' is not a variable of this study. Did you mean 'sex'"),
        ({"cohorts": ["southbay"]}, r"'southbay' is not a cohort of this study \(northbay\)"),
        ({"wave": "base"}, "'base' is not a wave"),
        ({"lod": "zero"}, "lod='zero' is unknown; choose one of drop, limit/2"),
        ({"on_missing": "impute"}, "choose keep or drop"),
    ]:
        with pytest.raises(StudyError, match=words):
            paper.frame(**arguments)


def test_every_choice_below_the_limit_of_detection(harmonized):
    """NB0002: below 0.2 at baseline and below 0.05 mg/dL = 0.5 mg/L at follow-up."""
    row = lambda data: data.loc[data["participant_id"] == "NB0002", "crp"].tolist()  # noqa: E731
    assert row(harmonized.frame(["crp"], lod="limit/2").data) == [0.1, 0.25]
    assert row(harmonized.frame(["crp"], lod="limit/sqrt2").data) == pytest.approx(
        [0.2 / 2**0.5, 0.5 / 2**0.5]
    )
    censored = harmonized.frame(["crp"], lod="censored").data
    assert row(censored) == [0.2, 0.5]
    assert censored.loc[censored["crp__below"], "participant_id"].tolist() == ["NB0002", "NB0002"]
    assert np.isnan(row(harmonized.frame(["crp"], lod="drop").data)).all()
    assert harmonized.frame(["bmi"]).data.shape[0] == 10  # no choice where nothing is below a limit
    unlimited = replace(harmonized, detection_limits=harmonized.detection_limits.iloc[:0])
    with pytest.raises(StudyError, match="a detection limit that no file tells"):
        unlimited.frame(["crp"], lod="limit/2")


def test_frames_do_not_change_the_study(harmonized):
    before = harmonized.visits.copy(deep=True)
    frame = harmonized.frame(["crp", "bmi"], lod="limit/2", reasons=True)
    frame.data["bmi"] = -1.0
    other, wide = harmonized.survival_frame("psoriasis").data, harmonized.wide("bmi")
    other["age"] = wide["bmi__baseline"] = -1.0
    pd.testing.assert_frame_equal(harmonized.visits, before)


# ---------------------------------------------------------------- wide, why, select


def test_wide_has_one_row_a_person_and_one_column_a_wave(paper):
    wide = paper.wide(["psoriasis", "age"]).set_index("participant_id")
    assert wide.index.tolist() == list("ABCDEFG")
    assert wide.columns.tolist() == ["cohort", *[f"{v}__{w}" for v in ("psoriasis", "age") for w in WAVES]]
    assert wide.loc["A", "psoriasis__followup2"] == "yes" and pd.isna(wide.loc["G", "psoriasis__baseline"])
    assert wide["age__followup1"].tolist()[:3] == [52, 52, 52] and np.isnan(wide.loc["D", "age__followup1"])
    with pytest.raises(StudyError, match="'sex' is not a column of visits"):
        paper.wide(["sex"])


@pytest.mark.parametrize("by", ["wave", "cohort", ["cohort", "wave"], []])
def test_why_adds_up_to_the_rows(paper, harmonized, by):
    for study in (paper, harmonized):
        for variable in [*study.visits.columns[3:], *study.participants.columns[2:]]:
            table = study.why(variable, by=by)
            source = study.visits if variable in study.visits else study.participants
            assert table["n"].sum() == len(source)
            assert (table.drop(columns="n").sum(axis=1) == table["n"]).all()
            assert table.get("observed", pd.Series(0)).sum() == source[variable].notna().sum()
    with pytest.raises(StudyError, match="Did you mean 'psoriasis'"):
        paper.why("psoriasi")


def test_select_filters_values_and_reasons_alike(paper):
    chosen = paper.select(paper.visits["participant_id"].isin(["F", "A"]))
    assert chosen.visits["participant_id"].tolist() == ["A", "A", "A", "F", "F"]
    assert chosen.reasons["psoriasis"].tolist() == [0, 0, 0, 2, 0]
    assert chosen.visits.index.equals(chosen.reasons.index)
    assert len(paper.visits) == 12  # the study itself stays
    with pytest.raises(StudyError, match="the mask has 3 values, but the study has 12 visits"):
        paper.select([True, False, True])


# ---------------------------------------------------------------- disk


def assert_same(one, other):
    for name in (*TABLES, "schema"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name), obj=name)
    assert one.manifest == other.manifest


def test_every_table_comes_back_with_its_types(harmonized, tmp_path):
    again = open_study(harmonized.save(tmp_path / "out"))
    assert_same(harmonized, again)
    assert (
        again.save(tmp_path / "twice")
        and (tmp_path / "out/visits.parquet").read_bytes() == (tmp_path / "twice/visits.parquet").read_bytes()
    )
    assert again.label("bmi", "zh") == harmonized.label("bmi", "zh") == "体质指数（kg/m2）"
    with pytest.raises(StudyError, match=r"language='fr' is not in the dictionary \(en, zh\)"):
        again.labels("fr")


people = st.integers(1, 9).map("NB{:04d}".format)
numbers = st.one_of(st.just(np.nan), st.integers(-10, 400).map(float))
rows = st.tuples(
    people, st.sampled_from([1.0, 2.0, 3.0, np.nan]), st.sampled_from(["1960-01-01", "1990-02-03"]),
    st.sampled_from(["V1", "", "村"]), st.sampled_from(["2018-01-01", "2031-01-01"]), numbers, numbers, numbers, numbers,
    numbers, numbers, numbers, st.sampled_from([0.0, 1.0, 9.0, 5.0]), st.just("x"),
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(st.lists(rows, max_size=8), st.booleans())
def test_any_study_comes_back_from_the_disk(tmp_path_factory, lines, with_followup):
    folder = tmp_path_factory.mktemp("any")
    table = pd.DataFrame(lines, columns=files.baseline_rows().columns).astype(
        {"NBID": str, "VILLAGE": str, "NAME": str}
    )
    for name in ("DOB", "EXAMDT"):
        table[name] = [files.spss_date(text) for text in table[name]]
    table = table.astype({name: float for name in table.columns if name not in ("NBID", "VILLAGE", "NAME")})
    followup = files.FOLLOWUP_ROWS if with_followup else files.FOLLOWUP_ROWS.splitlines()[0]
    raw = files.write_raw(folder / "r", baseline=table, followup=followup)
    study = harmonize(read_dictionary(files.write_dictionary(folder / "d")), raw)
    assert_same(study, open_study(study.save(folder / "out")))


def test_a_damaged_study_says_which_file(harmonized, tmp_path):
    def damaged(name, content):
        target = harmonized.save(tmp_path / "out")
        (target / name).write_bytes(content) if content is not None else (target / name).unlink()
        with pytest.raises(StudyError) as caught:
            open_study(target)
        return str(caught.value)

    whole = (harmonized.save(tmp_path / "out") / "visits.parquet").read_bytes()
    assert damaged("visits.parquet", None) == "out/visits.parquet is missing: the study is incomplete"
    assert "out/visits.parquet is damaged" in damaged("visits.parquet", whole[:-50])
    assert "out/visits.parquet is damaged" in damaged("visits.parquet", b"")
    assert "out/schema.json is missing or damaged" in damaged("schema.json", b'[{"varia')
    assert "out/manifest.json is missing or damaged" in damaged("manifest.json", b"\xff\xfe")
    (tmp_path / "out/manifest.json").unlink()
    for folder in (tmp_path / "out", tmp_path / "nowhere", tmp_path):
        with pytest.raises(StudyError, match=r"is no harmonized study: manifest.json is missing"):
            open_study(folder)


def test_a_study_of_another_format_is_refused(harmonized, tmp_path):
    """A later version may name things otherwise: better a sentence than a wrong column."""
    target = harmonized.save(tmp_path / "out")
    manifest = json.loads((target / "manifest.json").read_text("utf-8"))
    (target / "manifest.json").write_text(json.dumps({**manifest, "format": 99}), "utf-8")
    with pytest.raises(StudyError, match="format 99"):
        open_study(target)


# ---------------------------------------------------------------------------------- into the first table


def test_first_table_follows_the_roles_and_reasons_of_the_study(harmonized):
    """Age is declared to be shown by its median here; a column made in the analysis has no role."""
    schema = harmonized.schema.copy()
    schema.loc["age", "role"] = "median"
    study = replace(harmonized, schema=schema)
    names = ["age", "psoriasis", "made_up"]
    assert study.medians(names) == ["age"]
    assert harmonized.medians(names) == []
    data = study.frame(["age", "psoriasis"], wave="baseline", reasons=True).data
    found = table_one(
        data, ["age", "psoriasis"], median=study.medians(names), reasons=True, labels=study.labels()
    )
    assert found.to_display()["Characteristic"][0].endswith("median (Q1, Q3)")
    missing = found.table[(found.table["measure"] == "missing") & found.table["level"].notna()]
    counts = study.select(study.visits["wave"] == "baseline").why("psoriasis", by="wave").iloc[0]
    of_psoriasis = missing[missing["term"] == "psoriasis"].set_index("level")["events"]
    assert of_psoriasis.to_dict() == counts.drop(["observed", "n"]).to_dict()
    assert len(of_psoriasis)
    label = study.manifest["reason_labels"][of_psoriasis.index[0]]["en"]
    assert f"\u2003\u2003{label}" in found.to_display()["Characteristic"].tolist()
