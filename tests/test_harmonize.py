"""From raw files to a study: every value, every reason and every row of a cohort that fits on a page."""

from __future__ import annotations

import northbay
import numpy as np
import pandas as pd
import pytest

from dermcohort.dictionary import read_dictionary
from dermcohort.harmonize import HarmonizeError, harmonize
from dermcohort.harmonize.verbs import Context, apply_rule
from dermcohort.raw_table import RawColumn
from dermcohort.study import StudyError, open_study

REASON = {"refused": 1, "dont_know": 2, "no_answer": 3, "not_applicable": 4, "not_collected": 5, "below_lod": 6,
          "invalid": 8, "unmapped": 9}  # fmt: skip


@pytest.fixture
def study(northbay):
    dictionary, raw = northbay
    return harmonize(read_dictionary(dictionary), raw)


def build(tmp_path, dictionary=None, **raw):
    folder = northbay.write_dictionary(tmp_path / "d", **(dictionary or {}))
    return harmonize(read_dictionary(folder), northbay.write_raw(tmp_path / "r", **raw))


def cell(study, person, variable, wave="baseline"):
    row = (study.visits["participant_id"] == person) & (study.visits["wave"] == wave)
    return study.visits.loc[row, variable].item(), int(study.reasons.loc[row, variable].item())


def finding(study, code, variable=None):
    rows = study.findings[study.findings["code"] == code]
    if variable is not None:
        rows = rows[rows["variable"] == variable]
    assert len(rows), f"{code} not among {study.findings['code'].tolist()}"
    return rows.iloc[0]


@pytest.mark.parametrize(
    ("person", "wave", "variable", "value", "reason"),
    [
        ("NB0001", "baseline", "smoking_status", "current", 0),
        ("NB0003", "baseline", "smoking_status", None, "dont_know"),
        ("NB0005", "baseline", "smoking_status", None, "unmapped"),  # code 5 has no rule
        ("NB0006", "baseline", "smoking_status", None, "not_applicable"),  # 99 by the cohort's codes
        ("NB0003", "baseline", "smoke_start_age", None, "refused"),
        ("NB0002", "baseline", "smoke_start_age", None, "not_applicable"),  # never smoker, blank
        ("NB0004", "baseline", "smoke_start_age", 18.0, 0),  # never smoker who answered: kept, and counted
        ("NB0003", "baseline", "height", None, "invalid"),  # 999 cm
        ("NB0003", "baseline", "bmi", None, "invalid"),  # the reason of the first unknown input travels along
        ("NB0004", "baseline", "weight_kg", 97.0, 0),  # 97 is a weight, not a missing code
        ("NB0002", "baseline", "crp", None, "below_lod"),
        ("NB0003", "baseline", "crp", None, "no_answer"),
        ("NB0005", "baseline", "crp", None, "unmapped"),  # declared missing in the file, no rule says why
        ("NB0001", "baseline", "phq2", 3.0, 0),
        ("NB0003", "baseline", "phq2", None, "no_answer"),
        ("NB0004", "baseline", "psoriasis", None, "dont_know"),
        ("NB0002", "followup1", "weight_kg", 80.0, 0),  # full-width １６０ jin
        ("NB0001", "followup1", "crp", 2.0, 0),  # 0.2 mg/dL
        ("NB0002", "followup1", "crp", None, "below_lod"),
        ("NB0003", "followup1", "crp", None, "unmapped"),  # text where a number belongs
        ("NB0001", "followup1", "phq2", None, "not_collected"),
        ("NB0001", "followup1", "visit_date", pd.Timestamp("2020-01-01"), 0),
    ],
)
def test_values_and_reasons(study, person, wave, variable, value, reason):
    found, why = cell(study, person, variable, wave)
    assert why == (REASON[reason] if reason else 0)
    assert pd.isna(found) if value is None else found == value, found


def test_tables_have_the_dtypes_models_need(study):
    assert study.visits["bmi"].dtype == np.float64
    assert study.visits["smoking_status"].cat.categories.tolist() == ["never", "former", "current"]
    assert study.visits["smoking_status"].cat.ordered
    assert study.visits["psoriasis"].cat.categories.tolist() == ["no", "yes"]
    assert study.visits["visit_date"].dtype == "datetime64[ns]"
    assert (study.reasons.dtypes == np.int8).all()
    assert study.reasons.shape == study.visits.shape
    assert study.reasons.columns.equals(study.visits.columns) and study.reasons.index.equals(
        study.visits.index
    )
    observed = study.visits.drop(columns=["cohort", "participant_id", "wave"]).notna().to_numpy()
    assert (observed == (study.reasons.iloc[:, 3:] == 0).to_numpy()).all()


def test_reasons_are_kept_for_participants_too(study):
    codes = study.participant_reasons["death_date"].tolist()
    assert codes == [REASON["not_applicable"]] * 4 + [0] + [REASON["not_applicable"]]
    assert study.why("death_date").loc["northbay"].to_dict() == {"observed": 1, "not_applicable": 5, "n": 6}


def test_not_collected_is_for_a_whole_wave_or_not_at_all(study):
    for variable in study.visits.columns[3:]:
        for _, rows in study.reasons.groupby(study.visits["wave"], observed=True):
            share = (rows[variable] == REASON["not_collected"]).mean()
            assert share in (0, 1), variable


def test_conditions_become_interval_events(study):
    events = study.events.set_index(["participant_id", "event"])
    new = events.loc[("NB0001", "psoriasis")]
    assert (new["lower"], new["upper"]) == (pd.Timestamp("2018-01-01"), pd.Timestamp("2020-01-01"))
    assert new["ascertainment"] == "self_report"
    assert pd.isna(events.loc[("NB0002", "psoriasis"), "lower"])  # there when first seen
    died = events.loc[("NB0005", "death")]
    assert died["lower"] == died["upper"] == pd.Timestamp("2019-06-01")


def test_survival_frame_counts_everybody(study):
    frame = study.survival_frame("psoriasis", competing="death", covariates=["sex", "age"])
    data = frame.data.set_index("participant_id")
    assert data["event"].to_dict() == {"NB0001": "psoriasis", "NB0003": "censored", "NB0005": "death"}
    assert data.loc["NB0001", ["left", "right"]].tolist() == [0.0, pytest.approx(730 / 365.25)]
    assert data.loc["NB0003", "right"] == np.inf
    assert data.loc["NB0003", "left"] == pytest.approx(730 / 365.25)
    at_risk = frame.flow.steps[2]
    assert at_risk.n == 3
    assert sum(n for _, n in at_risk.excluded) == 3  # prevalent, unknown status, never seen again
    by_age = study.survival_frame("psoriasis", time_scale="age", covariates=["sex"]).data
    assert by_age.loc[0, "entry"] == pytest.approx(58.0, abs=0.01)
    assert by_age.loc[0, "exit"] - by_age.loc[0, "entry"] == pytest.approx(730 / 365.25)


def test_frame_asks_for_a_choice_below_the_limit(study):
    with pytest.raises(StudyError, match=r"crp 20\.0%.*lod="):
        study.frame(["crp"])
    half = study.frame(["crp"], lod="limit/2").data
    assert half.loc[(half["participant_id"] == "NB0002"), "crp"].tolist() == [
        0.1,
        0.25,
    ]  # limits 0.2 and 0.5 mg/L
    censored = study.frame(["crp"], lod="censored").data
    assert censored["crp__below"].sum() == 2
    assert study.frame(["crp"], lod="drop").data["crp"].notna().sum() == 5


def test_survival_frame_forces_the_same_choice_for_named_covariates(study):
    with pytest.raises(StudyError, match=r"crp .*lod="):
        study.survival_frame("death", covariates=["crp"])
    half = study.survival_frame("death", covariates=["crp"], lod="limit/2").data
    censored = study.survival_frame("death", covariates=["crp"], lod="censored").data
    assert half["crp"].min() == pytest.approx(censored.loc[censored["crp__below"], "crp"].min() / 2)
    assert study.survival_frame("death").data["crp"].isna().any()  # nothing named, nothing chosen: missing


def test_frame_carries_reasons_and_flow(study):
    frame = study.frame(["bmi", "sex", "smoking_status"], wave="baseline", reasons=True, on_missing="drop")
    assert frame.data.shape[0] == 3
    assert [step.n for step in frame.flow.steps] == [10, 6, 3]
    assert dict(frame.flow.steps[2].excluded) == {
        "Body mass index (kg/m2) missing": 1,
        "Smoking status missing": 2,
    }
    assert frame.data["bmi__why"].unique().tolist() == ["observed"]
    assert frame.data["sex"].dtype == "category"
    with pytest.raises(StudyError, match="Did you mean 'bmi'"):
        study.frame(["bmii"])
    with pytest.raises(StudyError, match="'followup2' is not a wave"):
        study.frame(["bmi"], wave="followup2")


def test_wide_why_select(study):
    wide = study.wide("weight_kg")
    assert wide.columns.tolist() == [
        "cohort",
        "participant_id",
        "weight_kg__baseline",
        "weight_kg__followup1",
    ]
    assert wide["weight_kg__followup1"].notna().sum() == 4
    why = study.why("crp", by="wave")
    assert why.loc["baseline"].to_dict() == {
        "observed": 3,
        "no_answer": 1,
        "below_lod": 1,
        "unmapped": 1,
        "n": 6,
    }
    chosen = study.select(study.visits["wave"] == "baseline")
    assert len(chosen.visits) == len(chosen.reasons) == 6


def test_provenance_tells_file_rule_and_counts(study):
    rows = study.provenance.set_index(["wave", "variable"])
    weight = rows.loc[("followup1", "weight_kg")]
    assert (weight["file"], weight["columns"], weight["slope"]) == ("fu1.csv", "体重斤", 0.5)
    assert len(weight["sha256"]) == 64
    smoking = rows.loc[("baseline", "smoking_status")]
    assert smoking["status"] == "partial" and "Daily and occasional" in smoking["note"]
    assert (smoking["n"], smoking["observed"], smoking["n_unmapped"]) == (6, 3, 1)
    assert '"source": "(fewer than 5 people)", "target": "unmapped", "n": 1' in smoking["before"]
    assert '"source": "3", "target": "former"' not in smoking["before"]  # nobody gave this answer
    assert '"source": "1", "target": "current", "n": null' in smoking["before"]  # one person did
    assert rows.loc[("baseline", "bmi"), "status"] == "derived"
    total = rows[["observed", *[c for c in rows.columns if c.startswith("n_")]]].sum(axis=1)
    assert (total == rows["n"]).all()


def test_every_raw_row_is_in_the_ledger(study):
    counts = study.ledger.groupby("wave", observed=True).size()
    assert counts.to_dict() == {"baseline": 6, "followup1": 4, "deaths": 6}
    assert (study.ledger["action"] == "kept").all()


def test_findings_count_without_naming_rare_codes(study):
    unmapped = finding(study, "H101", "smoking_status")
    assert (unmapped["n"], unmapped["of"], unmapped["severity"]) == (1, 6, "error")
    assert "'5'" not in unmapped["message"]  # one person holds it
    assert finding(study, "H303", "smoke_start_age")["n"] == 1
    assert finding(study, "H302", "height")["n"] == 1


def test_strict_refuses_error_findings(northbay):
    dictionary, raw = northbay
    with pytest.raises(HarmonizeError, match=r"northbay/baseline: H101 .*smoking_status: 1 of 6"):
        harmonize(read_dictionary(dictionary), raw, strict=True)


# ---------------------------------------------------------------- people


def test_same_person_twice_is_merged_by_the_declared_policy(tmp_path):
    rows = northbay.baseline_rows()
    again = rows.iloc[[0]].assign(WT=71.0)
    study = build(tmp_path, baseline=pd.concat([rows, again], ignore_index=True))
    ledger = study.ledger[study.ledger["wave"] == "baseline"]
    assert ledger["action"].value_counts().to_dict() == {"kept": 6, "merged": 1, "quarantined": 0}
    assert ledger.set_index("row").loc[7, "reason"] == "same person twice"
    assert cell(study, "NB0001", "weight_kg")[0] == 70
    assert finding(study, "H203")["severity"] == "warning"


def test_duplicates_are_an_error_by_default(tmp_path):
    rows = northbay.baseline_rows()
    cohort = northbay.COHORT.replace("duplicates: keep_first\n", "")
    study = build(tmp_path, {"cohort": cohort}, baseline=pd.concat([rows, rows.iloc[[0]]], ignore_index=True))
    assert finding(study, "H203")["severity"] == "error"
    assert (study.ledger["reason"] == "same person twice").sum() == 2
    assert "NB0001" not in study.participants["participant_id"].tolist()


def test_keep_latest_takes_the_later_visit(tmp_path):
    rows = northbay.baseline_rows()
    later = rows.iloc[[0]].assign(EXAMDT=northbay.spss_date("2018-03-01"), WT=72.0)
    cohort = northbay.COHORT.replace("keep_first", "keep_latest(visit_date)")
    study = build(tmp_path, {"cohort": cohort}, baseline=pd.concat([rows, later], ignore_index=True))
    assert cell(study, "NB0001", "weight_kg")[0] == 72


def test_two_persons_with_one_number_are_set_aside(tmp_path):
    """Conflicting sex: nobody can tell who is who, so both rows and the follow-up are quarantined."""
    rows = northbay.baseline_rows()
    other = rows.iloc[[1]].assign(NBID="NB0001")
    study = build(tmp_path, baseline=pd.concat([rows, other], ignore_index=True))
    reasons = study.ledger.groupby("wave", observed=True)["reason"].value_counts()
    assert reasons["baseline", "two persons with one number"] == 2
    assert reasons["followup1", "follow-up of an unknown person"] == 1
    assert "NB0001" not in study.participants["participant_id"].tolist()
    assert finding(study, "H204")["n"] == 2


def test_followup_of_an_unknown_person_is_set_aside(tmp_path):
    followup = northbay.FOLLOWUP_ROWS + "77,男,1960/01/01,2020/01/01,从不,,170,140,0.2,否,1\n"
    study = build(tmp_path, followup=followup)
    assert finding(study, "H205")["n"] == 1
    assert (study.ledger["reason"] == "follow-up of an unknown person").sum() == 1
    assert len(study.ledger[study.ledger["wave"] == "followup1"]) == 5


def test_another_person_under_a_known_number_is_set_aside(tmp_path):
    followup = northbay.FOLLOWUP_ROWS.replace("4,男,1990/01/01", "4,女,1950/03/03")
    study = build(tmp_path, followup=followup)
    assert finding(study, "H206")["n"] == 1
    assert len(study.visits[study.visits["wave"] == "followup1"]) == 3


def test_one_conflicting_item_is_a_warning_and_the_first_value_stays(tmp_path):
    study = build(tmp_path, followup=northbay.FOLLOWUP_ROWS.replace("4,男,1990/01/01", "4,女,1990/01/01"))
    assert finding(study, "H207", "sex")["n"] == 1
    people = study.participants.set_index("participant_id")
    assert people.loc["NB0004", "sex"] == "male"


def test_malformed_and_missing_ids_are_set_aside(tmp_path):
    rows = northbay.baseline_rows()
    rows.loc[4, "NBID"], rows.loc[5, "NBID"] = "XX9", ""
    study = build(tmp_path, baseline=rows)
    baseline = study.ledger[study.ledger["wave"] == "baseline"]["reason"].tolist()
    assert baseline[4:] == ["id does not match the pattern", "id missing"]
    assert finding(study, "H202")["n"] == 1 and finding(study, "H201")["n"] == 1


def test_impossible_dates_are_removed_and_told(tmp_path):
    rows = northbay.baseline_rows()
    rows.loc[0, "EXAMDT"] = northbay.spss_date("2023-01-01")  # after the follow-up visit
    rows.loc[1, "EXAMDT"] = northbay.spss_date("1955-01-01")  # outside the hard range, before birth
    rows.loc[2, "EXAMDT"] = 1e14  # no date at all
    rows.loc[4, "EXAMDT"] = northbay.spss_date("2019-12-31")  # after death
    followup = northbay.FOLLOWUP_ROWS.replace("2020/01/03", "2020/13/45")
    study = build(tmp_path, baseline=rows, followup=followup)
    for person in ("NB0002", "NB0003", "NB0005"):
        assert cell(study, person, "visit_date")[1] == REASON["invalid"]
        assert cell(study, person, "age")[1] == REASON["invalid"]
    assert cell(study, "NB0001", "visit_date", "followup1")[1] == REASON["invalid"]
    assert cell(study, "NB0003", "visit_date", "followup1")[1] == REASON["invalid"]
    assert finding(study, "H305")["n"] == 1


# ---------------------------------------------------------------- privacy


def test_ids_can_be_replaced_by_a_keyed_hash(tmp_path):
    cohort = northbay.COHORT + "protect: hash\n"
    folder = northbay.write_dictionary(tmp_path / "d", cohort=cohort)
    raw = northbay.write_raw(tmp_path / "r")
    key = tmp_path / "key"
    key.write_text("a secret of at least sixteen bytes")
    study = harmonize(read_dictionary(folder), raw, key_file=key)
    ids = study.participants["participant_id"]
    assert ids.str.fullmatch("[0-9a-f]{16}").all() and ids.is_unique
    assert len(study.visits) == 10  # waves are linked all the same
    key.write_text("another secret of sixteen bytes")
    assert not set(ids) & set(
        harmonize(read_dictionary(folder), raw, key_file=key).participants["participant_id"]
    )
    key.write_text("short")
    with pytest.raises(HarmonizeError, match="at least 16"):
        harmonize(read_dictionary(folder), raw, key_file=key)
    with pytest.raises(HarmonizeError, match="does not exist"):
        harmonize(read_dictionary(folder), raw, key_file=tmp_path / "nokey")


def test_no_output_or_message_holds_a_direct_identifier(tmp_path, capsys):
    """Names and phone numbers stand in undeclared columns; nothing that is written or said repeats them."""
    cohort = northbay.COHORT + "protect: hash\n"
    folder = northbay.write_dictionary(tmp_path / "d", cohort=cohort)
    raw = northbay.write_raw(
        tmp_path / "r", followup=northbay.FOLLOWUP_ROWS + "77,男,1960/01/01,x,y,,z,,,,19900009999\n"
    )
    key = tmp_path / "key"
    key.write_text("a secret of at least sixteen bytes")
    study = harmonize(read_dictionary(folder), raw, key_file=key)
    study.save(tmp_path / "out")
    said = capsys.readouterr()
    try:
        harmonize(read_dictionary(folder), raw, key_file=key, strict=True)
    except HarmonizeError as error:
        message = str(error)
    tables = [pd.read_parquet(path).to_csv() for path in (tmp_path / "out").glob("*.parquet")]
    texts = [path.read_text("utf-8") for path in (tmp_path / "out").glob("*.json")]
    binary = b"".join(path.read_bytes() for path in (tmp_path / "out").iterdir())
    everything = "\n".join([*tables, *texts, said.out, said.err, message, repr(study), study._repr_html_()])
    for secret in ("planted", "1990000", "NB0001", "a secret of at least"):
        assert secret not in everything
        assert secret.encode() not in binary


# ---------------------------------------------------------------- disk


def test_a_study_comes_back_as_it_was_saved(study, tmp_path):
    study.save(tmp_path / "out")
    again = open_study(tmp_path / "out")
    for name in ("participants", "visits", "events", "reasons", "participant_reasons", "detection_limits", "ledger",
                 "findings", "schema"):  # fmt: skip
        pd.testing.assert_frame_equal(getattr(study, name), getattr(again, name), obj=name)
    assert again.manifest == study.manifest
    study.save(tmp_path / "out")  # a second save replaces the first
    assert len(open_study(tmp_path / "out").visits) == 10


def test_the_same_input_gives_the_same_bytes(northbay, tmp_path):
    dictionary, raw = northbay
    for name in ("one", "two"):
        harmonize(read_dictionary(dictionary), raw).save(tmp_path / name)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


def test_order_of_rows_does_not_matter(tmp_path):
    rows = northbay.baseline_rows()
    a = build(tmp_path / "a", baseline=rows)
    b = build(tmp_path / "b", baseline=rows.iloc[::-1])
    key = ["participant_id", "wave"]
    left, right = (s.visits.sort_values(key).reset_index(drop=True) for s in (a, b))
    pd.testing.assert_frame_equal(left, right)


def test_counts_of_raw_values_tell_each_reason_of_what_has_no_value(northbay):
    """Two tagged missings (.a) that no rule explains, one blank, one code that means 'does not know'."""
    dictionary = read_dictionary(northbay[0])
    values = np.array([0, 1, np.nan, np.nan, np.nan, 9, 0])
    column = RawColumn("PSO", "number", values, tags=np.array([0, 0, 97, 0, 97, 0, 0], np.uint8))
    context = Context(dictionary.reasons, dictionary.conversions, {"PSO": column}, len(values))
    rule = next(wave for wave in dictionary.waves() if wave.name == "baseline").rules["psoriasis"]
    before = apply_rule(dictionary.variables["psoriasis"], rule, context).before
    assert set(before.itertuples(index=False, name=None)) == {
        ("0", "no", 2),
        ("1", "yes", 1),
        ("9", "dont_know", 1),
        ("", "no_answer", 1),
        ("", "unmapped", 2),
    }
