"""Five cycles of NHANES from the files as NCHS offers them to the report.

What is expected comes from pandas on those files (`flat`) and from R on the same table
(validation/nhanes_skin.csv). Runs where DERMCOHORT_NHANES_SKIN names the folder of the files, which are not
distributed with the project.
"""

import json
import lzma
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT

import dermcohort as dc
from dermcohort.pipeline import RESULTS_VARIABLE, run_analyses

EXAMPLE = ROOT / "examples" / "nhanes_skin"
GOLDEN = pd.read_csv(ROOT / "validation" / "nhanes_skin.csv")
READERS = {"p1": "DED1PSDX", "p2": "DED2PSDX", "h1": "DED1HDDX", "h2": "DED2HDDX"}
YEARS = {"c": "2003_2004", "d": "2005_2006", "f": "2009_2010", "g": "2011_2012", "h": "2013_2014"}
pytestmark = pytest.mark.real


def reference(identifier):
    rows = GOLDEN[GOLDEN["id"] == f"nhanes_skin.{identifier}"]
    assert len(rows), f"no reference value nhanes_skin.{identifier}"
    return dict(zip(rows["name"], rows["value"].astype(float), strict=True))


def read(folder, name):
    if (folder / f"{name}.XPT").exists():
        return pd.read_sas(folder / f"{name}.XPT", format="xport").round(12)
    return pd.read_csv(folder / f"{name}.csv.xz", low_memory=False)


def flat(folder):
    """A row a person by pandas alone; to renew the R values save it as CSV for validation/nhanes_skin.R."""
    cycles = []
    for k, years in YEARS.items():
        with lzma.open(folder / f"NHANES_{years}_MORT_2019_PUBLIC.dat.xz", "rt") as lines:
            deaths = pd.DataFrame(
                [(int(x[:6]), x[15] == "1", pd.to_numeric(x[45:48], errors="coerce")) for x in lines],
                columns=["SEQN", "died", "months"],
            )
        people = read(folder, f"DEMO_{k.upper()}").merge(deaths, on="SEQN", how="left")
        module, question = ("DEQ", "DEQ053") if k in "cd" else ("MCQ", "MCQ070")
        for name in (
            f"{module}_{k.upper()}",
            f"SMQ_{k.upper()}",
            "L06BMT_C" if k == "c" else f"PBCD_{k.upper()}",
        ):
            people = people.merge(read(folder, name), on="SEQN", how="left")
        if k == "c":
            people = people.merge(read(folder, "DEX_C"), on="SEQN", how="left")
        never = people["SMQ020"] == 2
        smoked = people["SMQ040"].isin([1, 2, 3]) & ~never
        # what the files fill in below the limit, exactly: the limit over the root of 2
        limit = {"c": 0.28, "d": 0.25, "f": 0.25, "g": 0.25, "h": 0.07}[k] / np.sqrt(2)
        lead = people["LBXBPB"].mask(people["LBXBPB"] <= limit + 0.005, limit)
        cycles.append(
            pd.DataFrame(
                {
                    "id": people["SEQN"].astype(int),
                    "cycle": k,
                    "age": people["RIDAGEYR"],
                    "male": (people["RIAGENDR"] == 1).astype(int),
                    "psoriasis": people[question].map({1: 1, 2: 0}),
                    "weight": people["WTMEC2YR"],
                    "stratum": people["SDMVSTRA"].astype(int),
                    "psu": people["SDMVPSU"].astype(int),
                    # the exam day of the example is arbitrary: months become whole days
                    "years": (people["months"] * 30.4375).round() / 365.25,
                    "died": people["died"].astype(int),
                    "pb": 10 * lead,
                    **{
                        name: people[source].map({1: 1, 2: 0}) if k == "c" else np.nan
                        for name, source in READERS.items()
                    },
                    "current": (people["SMQ040"].isin([1, 2]) & smoked).where(never | smoked).astype(float),
                }
            )
        )
    return pd.concat(cycles, ignore_index=True)


@pytest.fixture(scope="module")
def expected(nhanes_skin_raw):
    return flat(nhanes_skin_raw)


@pytest.fixture(scope="module")
def raw(nhanes_skin_raw, tmp_path_factory):
    """The files that prepare.py writes."""
    folder = tmp_path_factory.mktemp("nhanes_skin") / "raw"
    subprocess.run([sys.executable, EXAMPLE / "prepare.py", nhanes_skin_raw, folder], check=True)
    return folder


@pytest.fixture(scope="module")
def study(raw):
    return dc.harmonize(dc.read_dictionary(EXAMPLE / "data-dictionary"), raw, strict=True)


@pytest.fixture(scope="module")
def results(study, tmp_path_factory):
    folder = tmp_path_factory.mktemp("nhanes_skin")
    study.save(folder / "harmonized")
    run_analyses(EXAMPLE / "analyses", folder / "harmonized", folder / "results", say=lambda _: None)
    return folder / "results"


def test_prepared_files_keep_everybody_and_tell_their_sources(raw, nhanes_skin_raw):
    sources = json.loads((raw / "sources.json").read_text("utf-8"))
    assert [entry["file"] for entry in sources["d"]][:2] == ["DEMO_D.csv.xz", "DEQ_D.csv.xz"]
    assert all(re.fullmatch("[0-9a-f]{64}", entry["sha256"]) for cycle in sources.values() for entry in cycle)
    cycle = pd.read_parquet(raw / "cycle_c.parquet").set_index("SEQN")
    assert len(cycle) == sources["c"][0]["rows"] == 10122
    panel = read(nhanes_skin_raw, "L06UAS_C").set_index("SEQN")
    pd.testing.assert_series_equal(cycle.loc[panel.index, "URXUAS3"], panel["URXUAS3"])


def test_every_person_is_kept_with_their_cycle_and_codes(study, expected):
    assert (study.ledger["action"] == "kept").all() and (study.findings["severity"] != "error").all()
    found = study.frame(["age", "sex", "psoriasis", "weight_exam", "stratum", "psu"]).data
    found = found.assign(id=found["participant_id"].astype(int)).set_index("id").loc[expected["id"]]
    assert (found["wave"].astype(str).to_numpy() == expected["cycle"].to_numpy()).all()
    np.testing.assert_allclose(found["age"], expected["age"], atol=1e-9)
    np.testing.assert_allclose(found["weight_exam"], expected["weight"], rtol=1e-12)
    assert ((found["sex"] == "male").to_numpy() == (expected["male"] == 1).to_numpy()).all()
    answer = found["psoriasis"].astype(object).map({"yes": 1.0, "no": 0.0}).to_numpy(float)
    np.testing.assert_array_equal(answer, expected["psoriasis"].to_numpy(float))
    units = found["stratum"].astype(str) + found["psu"].astype(str)
    assert (
        units.to_numpy() == (expected["stratum"].astype(str) + expected["psu"].astype(str)).to_numpy()
    ).all()


def test_why_psoriasis_is_not_known(study):
    """DEQ053 and MCQ070 as the codebooks count them: refused, don't know; others were not of the age asked."""
    why = study.why("psoriasis").droplevel("cohort")
    assert why.loc["c", ["observed", "dont_know", "no_answer"]].tolist() == [3132, 6, 2]
    assert why.loc["h", ["observed", "dont_know", "no_answer"]].tolist() == [6458, 6, 0]
    assert why.loc["g", "refused"] == 1
    assert why.loc["c", "not_applicable"] == 10122 - 3140
    assert study.why("urine_as").droplevel("cohort").loc["h", "not_collected"] == 10175


@pytest.mark.parametrize(
    ("variable", "sign", "cases"), [("psoriasis_photo", "PS", 28), ("hand_dermatitis", "HD", 32)]
)
def test_photographs(study, nhanes_skin_raw, variable, sign, cases):
    """The consensus counts where there is one, else what both readers said (docs of DEX_C, section on readers)."""
    readings = read(nhanes_skin_raw, "DEX_C").set_index("SEQN")
    first, second, third = (readings[f"DED{reader}{sign}DX"] for reader in (1, 2, 6))
    said = third.where(third.notna(), first.where(first == second)).map({1: "yes", 2: "no"})
    found = study.frame([variable], wave="c").data
    found = found.set_index(found["participant_id"].astype(int))[variable].astype(object)
    assert found.dropna().to_dict() == said.dropna().to_dict()
    assert (said == "yes").sum() == cases


def test_what_the_person_is_and_answered(study, nhanes_skin_raw):
    """Whole columns of the raw files against the study, by cycle."""
    maps = {
        "RIDRETH1": {1: "mexican_american", 2: "other_hispanic", 3: "white", 4: "black", 5: "other"},
        "DMDEDUC2": {1: "under_9th_grade", 2: "9th_to_11th", 3: "high_school", 4: "some_college", 5: "college"},
    }  # fmt: skip
    data = study.frame(["ethnicity", "education", "bmi", "smoking_status"]).data
    data = data.set_index(data["participant_id"].astype(int))
    for k in YEARS:
        people = read(nhanes_skin_raw, f"DEMO_{k.upper()}").set_index("SEQN")
        for column, name in (("RIDRETH1", "ethnicity"), ("DMDEDUC2", "education")):
            found = data.loc[people.index.astype(int), name].astype(object)
            assert found.dropna().to_dict() == people[column].map(maps[column]).dropna().to_dict()
        measures = read(nhanes_skin_raw, f"BMX_{k.upper()}").set_index("SEQN")["BMXBMI"].dropna()
        np.testing.assert_allclose(data.loc[measures.index.astype(int), "bmi"], measures)
        smoking = read(nhanes_skin_raw, f"SMQ_{k.upper()}").set_index("SEQN")
        now = smoking["SMQ040"].map({1: "current", 2: "current", 3: "former"})
        said = now.mask(smoking["SMQ020"] == 2, "never").dropna()
        found = data.loc[people.index.astype(int), "smoking_status"].astype(object).dropna()
        assert found.to_dict() == said.to_dict()


def test_every_comment_code_is_a_value_below_the_limit(study, nhanes_skin_raw):
    codes = {
        "blood_pb": ("PBCD", "LBDBPBLC"), "blood_cd": ("PBCD", "LBDBCDLC"), "blood_hg": ("PBCD", "LBDTHGLC"),
        "urine_as": ("UAS", "URDUASLC"), "urine_as3": ("UAS", "URDUA3LC"), "urine_as5": ("UAS", "URDUA5LC"),
        "urine_asb": ("UAS", "URDUABLC"), "urine_asc": ("UAS", "URDUACLC"), "urine_dma": ("UAS", "URDUDALC"),
        "urine_mma": ("UAS", "URDUMMAL"),
    }  # fmt: skip
    compared = 0
    for variable, (panel, column) in codes.items():
        why = study.why(variable).droplevel("cohort")
        for k in YEARS:
            name = f"L06{panel}_C" if k == "c" else f"{panel}_{k.upper()}"
            table = read(nhanes_skin_raw, "L06BMT_C" if name == "L06PBCD_C" else name)
            if column in table:
                assert why.loc[k].get("below_lod", 0) == (table[column] == 1).sum(), (variable, k)
                compared += 1
    assert compared == 44


def test_detection_limits(study, nhanes_skin_raw):
    """Comment code 1 is below; the codebook of 2003-2004 gives 1.2 µg/L for arsenous acid."""
    panel = read(nhanes_skin_raw, "L06UAS_C")
    urine = study.frame(["urine_as3"], wave="c", lod="censored").data
    below = urine[urine["urine_as3__below"]]
    assert len(below) == (panel["URDUA3LC"] == 1).sum() == 2436
    assert (below["urine_as3"] == 1.2).all()
    above = urine.loc[~urine["urine_as3__below"], "urine_as3"].dropna()
    assert sorted(above) == sorted(panel.loc[panel["URDUA3LC"] == 0, "URXUAS3"])
    with pytest.raises(dc.StudyError, match="below the detection limit"):
        study.frame(["urine_as3"])


def row_of(results, name, cycle):
    return dc.Estimates.load(results / name).table.set_index("wave").loc[cycle]


@pytest.mark.parametrize("cycle", YEARS)
def test_prevalence(results, cycle):
    crude = row_of(results, "prevalence", cycle)
    for name, value in reference(f"psoriasis.{cycle}").items():
        assert crude[name] == pytest.approx(value, rel=1e-12), name
    weighted = row_of(results, "prevalence_weighted", cycle)
    for name, value in reference(f"weighted.{cycle}").items():
        assert weighted[name] == pytest.approx(value, rel=1e-10), name


def test_trend_over_the_cycles(results):
    slope = dc.Estimates.load(results / "trend").table.iloc[-1]
    for name, value in reference("trend").items():
        assert slope[name] == pytest.approx(value, rel=1e-9), name


@pytest.mark.parametrize(("sign", "short"), [("psoriasis", "p"), ("hand_dermatitis", "h")])
def test_readers_agree(results, sign, short):
    found = dc.Estimates.load(results / f"agreement_{sign}").table.iloc[0]
    for name, value in reference(f"kappa.{short}").items():
        assert found[name] == pytest.approx(value, rel=1e-12), name


def test_readers(results):
    pairs = dc.Estimates.load(results / "readers_psoriasis")
    assert pairs.table[["no", "yes"]].to_numpy().tolist() == [[2596, 47], [18, 19]]


@pytest.mark.parametrize("answer", ["no", "yes"])
def test_death_by_psoriasis(results, answer):
    code = int(answer == "yes")
    wanted = reference(f"rate.psoriasis{code}")
    rate = dc.Estimates.load(results / "rates_death").table.set_index("psoriasis").loc[answer]
    for name, value in wanted.items():
        assert rate[name] == pytest.approx(value, rel=1e-10), name
    wanted = reference(f"km.psoriasis{code}")
    at = dc.Estimates.load(results / "survival_death").at([5, 10])
    at = at[at["psoriasis"] == answer]
    found = [*at["estimate"], at["conf_low"].iloc[1], at["conf_high"].iloc[1]]
    np.testing.assert_allclose(found, list(wanted.values()), rtol=1e-10)


def test_weighted_cox_model(results):
    wanted = reference("cox")
    fit = dc.Estimates.load(results / "cox_death")
    assert (fit.n, fit.events) == (wanted["n"], wanted["events"])
    for kind, found in (("coef", fit.coefficients), ("se", np.sqrt(np.diag(fit.covariance)))):
        values = [value for name, value in wanted.items() if name.startswith(f"{kind}.")]
        np.testing.assert_allclose(np.asarray(found), values, rtol=1e-7)


def test_lead_of_current_smokers(results):
    wanted = reference("lead.current1")
    table = dc.Estimates.load(results / "metals_by_smoking").table
    rows = table[(table["smoking_status"] == "Current") | (table["smoking_status"] == "current")]
    rows = rows[rows["term"] == "blood_pb"].set_index("measure")
    assert rows.loc["median", "n"] == wanted["n"]
    for name in ("q1", "median", "q3"):
        assert rows.loc[name, "estimate"] == pytest.approx(wanted[name], rel=1e-9)


def test_report(results, tmp_path, monkeypatch):
    monkeypatch.setenv(RESULTS_VARIABLE, str(results))
    (page,) = dc.report.render(EXAMPLE / "reports" / "nhanes_skin.qmd", output=tmp_path / "site")
    text = re.sub(r"<[^>]+>", " ", page.read_text("utf-8"))
    weighted = reference("weighted.c")["estimate"]
    for shown in ("2003–04", "17,710", "2,596", f"{100 * weighted:.1f}"):
        assert shown in text
