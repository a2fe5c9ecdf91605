"""People across waves: the linkage table counts every way in which a row and a person can meet."""

from __future__ import annotations

import northbay
import pandas as pd
import pytest
from click.testing import CliRunner

from dermcohort.cli import main
from dermcohort.dictionary import read_dictionary
from dermcohort.harmonize import harmonize
from dermcohort.study import open_study

CLUSTER = """\
cluster:
  label: {en: Cluster, zh: 初级抽样单位}
  entity: participant
  type: code
"""
BASELINE = northbay.BASELINE.replace("  village: ", "  cluster:        {from: VILLAGE}\n  village: ")
# the cluster of the follow-up is read from a column of the file
FOLLOWUP = northbay.FOLLOWUP.replace("  height: ", "  cluster:        {from: 手机号}\n  height: ")
DEATHS = northbay.DEATHS.replace("[sex,", "[cluster, sex,")


def built(tmp_path, followup, deaths=northbay.DEATH_ROWS, enrols=False):
    cohort = northbay.COHORT.replace("gb18030}", "gb18030, enrols: true}") if enrols else northbay.COHORT
    folder = northbay.write_dictionary(
        tmp_path / "d", schema=northbay.SCHEMA + CLUSTER, cohort=cohort, baseline=BASELINE,
        followup1=FOLLOWUP, deaths=DEATHS,
    )  # fmt: skip
    return folder, northbay.write_raw(tmp_path / "r", followup=followup, deaths=deaths)


def linked(tmp_path, followup, **options):
    folder, raw = built(tmp_path, followup, **options)
    study = harmonize(read_dictionary(folder), raw)
    return study, study.linkage.set_index("wave")


def followup_of(*rows):
    """Rows of (number, sex, birth date, visit date, cluster)."""
    header = northbay.FOLLOWUP_ROWS.splitlines()[0]
    lines = [
        f"{n},{sex},{born},{seen},从不,,170,140,0.2,是,{cluster}" for n, sex, born, seen, cluster in rows
    ]
    return "\n".join([header, *lines, ""])


ONE = (1, "男", "1960/01/01", "2020/01/01", "V1")
TWO = (2, "女", "1970/01/01", "2020/01/02", "V1")


def test_a_clean_wave_is_all_seen_before_and_the_others_are_missing(tmp_path):
    study, waves = linked(tmp_path, followup_of(ONE, TWO))
    wanted = ["rows", "persons", "new", "seen_before", "missing_from_previous", "quarantined"]
    assert waves.loc["baseline", wanted].tolist() == [6, 6, 6, 0, 0, 0]
    assert waves.loc["followup1", wanted].tolist() == [2, 2, 0, 2, 4, 0]
    assert waves.loc["deaths", wanted].tolist() == [6, 6, 0, 6, 0, 0]
    assert "H208" not in set(study.findings["code"])


@pytest.mark.parametrize(
    ("rows", "column", "n"),
    [
        ([(1, "男", "1960/01/01", "2020/01/01", "V2"), TWO], "changed_cluster", 1),
        ([(1, "女", "1960/01/01", "2020/01/01", "V1"), TWO], "conflicting_sex", 1),
        ([(1, "男", "1961/01/01", "2020/01/01", "V1"), TWO], "conflicting_birth_date", 1),
        ([(5, "男", "1985/06/15", "2020/01/01", "V2"), ONE], "visit_after_death", 1),  # died 2019-06-01
        ([(5, "男", "1985/06/15", "2019/06/01", "V2"), ONE], "visit_after_death", 0),  # on the day itself
        ([(1, "女", "1999/09/09", "2020/01/01", "V1"), TWO], "quarantined_another_person_under_this_number", 1),
        ([(1, "女", "1999/09/09", "2020/01/01", "V1"), TWO], "conflicting_sex", 1),
        ([(77, "女", "1999/09/09", "2020/01/01", "V1"), TWO], "quarantined_followup_of_an_unknown_person", 1),
        ([("", "男", "1960/01/01", "2020/01/01", "V1"), TWO], "quarantined_id_missing", 1),
        ([("12345", "男", "1960/01/01", "2020/01/01", "V1")], "quarantined_id_does_not_match_the_pattern", 1),
        ([ONE, ONE], "merged", 1),
        ([ONE, (1, "女", "1999/09/09", "2020/01/01", "V1")], "quarantined_two_persons_with_one_number", 2),
    ],
)  # fmt: skip
def test_each_trouble_is_counted_in_its_column(tmp_path, rows, column, n):
    _, waves = linked(tmp_path, followup_of(*rows))
    assert waves.loc["followup1", column] == n


def test_new_persons_of_a_wave_that_enrols(tmp_path):
    newcomer = (77, "女", "1999/09/09", "2020/01/01", "V3")
    _, waves = linked(tmp_path, followup_of(ONE, newcomer), enrols=True)
    assert waves.loc["followup1", ["persons", "new", "seen_before"]].tolist() == [2, 1, 1]
    # the register knows neither of the newcomer: one person of the wave before is missing there
    assert waves.loc["deaths", "missing_from_previous"] == 1


def test_a_person_who_moves_stays_in_the_cluster_of_sampling_and_is_a_finding(tmp_path):
    study, _ = linked(tmp_path, followup_of((1, "男", "1960/01/01", "2020/01/01", "V2"), TWO))
    person = study.participants.set_index("participant_id").loc["NB0001"]
    assert person["cluster"] == "V1"
    found = study.findings.query("code == 'H208'")
    assert found[["wave", "n", "of"]].to_numpy().tolist() == [["followup1", 1, 2]]
    assert "H207" not in set(study.findings["code"])


def test_counts_add_up_to_the_ledger(tmp_path):
    rows = [
        ONE,
        ONE,
        TWO,
        ("", "男", "1960/01/01", "2020/01/01", "V1"),
        (77, "女", "1999/09/09", "2020/01/01", "V1"),
    ]
    study, waves = linked(tmp_path, followup_of(*rows))
    reasons = [name for name in waves.columns if name.startswith("quarantined_")]
    assert (waves[reasons].sum(axis=1) == waves["quarantined"]).all()
    assert (waves["persons"] + waves["merged"] + waves["quarantined"] == waves["rows"]).all()
    ledger = study.ledger.groupby(["wave", "action"], observed=False).size().unstack()
    assert ledger.loc[waves.index, "quarantined"].tolist() == waves["quarantined"].tolist()


def test_the_table_is_saved_and_the_command_line_says_a_line_a_wave(tmp_path):
    folder, raw = built(tmp_path, followup_of(ONE, TWO))
    result = CliRunner().invoke(
        main, ["harmonize", str(raw), "--dictionary", str(folder), "--to", str(tmp_path / "out")]
    )
    line = "northbay/followup1: 2 rows, 2 persons (0 new, 4 of the wave before missing), 0 rows set aside"
    assert line in result.output
    study = harmonize(read_dictionary(folder), raw)
    pd.testing.assert_frame_equal(open_study(tmp_path / "out").linkage, study.linkage)


def test_swapped_codes_of_a_fixed_fact_are_an_error(tmp_path):
    """Twelve people whose sex is coded the other way round in the follow-up; one slip stays a warning."""
    one = northbay.baseline_rows().iloc[0]
    table = pd.DataFrame([one] * 12).assign(NBID=[f"NB{i:04d}" for i in range(1, 13)])
    head = northbay.FOLLOWUP_ROWS.splitlines()[0]
    for n_wrong, severity in ((12, "error"), (1, "warning")):
        rows = "".join(
            f"{i},{'女' if i <= n_wrong else '男'},1960/01/01,2020/01/01,从不,,170,140,0.2,否,1\n"
            for i in range(1, 13)
        )
        folder = tmp_path / severity
        raw = northbay.write_raw(folder / "raw", baseline=table, followup=f"{head}\n{rows}")
        study = harmonize(read_dictionary(northbay.write_dictionary(folder / "dict")), raw)
        found = study.findings.query("code == 'H207' and variable == 'sex'").iloc[0]
        assert (found["severity"], found["n"]) == (severity, n_wrong)
        assert ("swapped codes" in found["message"]) == (severity == "error")
