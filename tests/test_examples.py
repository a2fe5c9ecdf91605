"""The examples that users read: from the raw files of each to its rendered report."""

import re

import pytest
from conftest import ROOT

import dermcohort as dc
from dermcohort.pipeline import RESULTS_VARIABLE, run_analyses

EXAMPLES = ROOT / "examples"


def rendered(name, raw, folder, monkeypatch):
    """(study, page as text) of an example."""
    study = dc.harmonize(dc.read_dictionary(EXAMPLES / name / "data-dictionary"), raw)
    study.save(folder / "harmonized")
    run_analyses(EXAMPLES / name / "analyses", folder / "harmonized", folder / "results", say=lambda _: None)
    monkeypatch.setenv(RESULTS_VARIABLE, str(folder / "results"))
    (page,) = dc.report.render(EXAMPLES / name / "reports" / f"{name}.qmd", output=folder / "site")
    return study, re.sub(r"<[^>]+>", " ", page.read_text("utf-8"))


def test_nhanes(tmp_path, monkeypatch):
    """Counted in the file with pandas alone: 124 of 5,263 adults told of a skin cancer, 109 of them white."""
    study, text = rendered("nhanes", EXAMPLES / "nhanes" / "raw", tmp_path, monkeypatch)
    assert len(study.visits) == 8366
    assert (study.ledger["action"] == "kept").all()
    assert (study.findings["severity"] != "error").all()
    assert study.visits["skin_cancer"].value_counts().to_dict() == {"no": 5139, "yes": 124}
    lead = study.visits["blood_pb"]  # ug/dL in the file, ug/L in the study
    assert lead.median() == pytest.approx(7.6)
    assert "1,806" in text and "109" in text
    assert "Non-Hispanic white" in text


@pytest.mark.real
def test_framingham(framingham_raw, tmp_path, monkeypatch):
    study, text = rendered("framingham", framingham_raw, tmp_path, monkeypatch)
    assert len(study.participants) == 4434
    # as R gives them (validation/framingham.csv), rounded: people, hypertension of men at exam 1, rate in men, HR
    for shown in ("1,944", "2,490", "32.5 (30.4, 34.6)", "17.89 (16.47, 19.39)", "2.10 (1.59, 2.79)"):
        assert shown in text
    # risk of coronary disease in men in 20 years and 1 - Kaplan-Meier; HR of smoking, onset between exams and at them
    for shown in ("27.3 (25.2, 29.3)", "29.8 (27.6, 32.1)", "0.95 (0.84, 1.07)", "0.99 (0.88, 1.11)"):
        assert shown in text
