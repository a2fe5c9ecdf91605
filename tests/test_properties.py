"""What must hold for any files: row counts conserve, and neither a second run nor any order changes the study."""

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from northbay import COHORT, DEATH_ROWS, FOLLOWUP_ROWS, baseline_rows, write_dictionary, write_raw

import dermcohort as dc

KEYS = {
    "participants": ["cohort", "participant_id"],
    "visits": ["cohort", "participant_id", "wave"],
    "events": ["cohort", "participant_id", "event"],
    "detection_limits": ["cohort", "participant_id", "wave", "variable"],
    "linkage": ["cohort", "wave"],
    "checks": ["id", "cohort", "wave"],
}
COUNTS = ["cohort", "wave", "action", "reason"]


def content(study) -> dict[str, pd.DataFrame]:
    """The tables in one order of rows; reasons beside the visits they belong to."""
    tables = {name: getattr(study, name).sort_values(key) for name, key in KEYS.items()}
    order = tables["visits"].index
    tables["reasons"] = study.reasons.loc[order]
    tables["ledger"] = study.ledger.groupby(COUNTS, observed=True).size().to_frame("n")
    tables["findings"] = study.findings.sort_values(["code", "cohort", "wave", "variable", "message"])
    return {name: table.reset_index(drop=name != "ledger") for name, table in tables.items()}


def assert_same(one, other):
    for name, table in content(one).items():
        pd.testing.assert_frame_equal(table, content(other)[name], obj=name)


def run(folder, raw=None, **dictionary):
    files = write_raw(folder / "raw", **(raw or {}))
    return dc.harmonize(dc.read_dictionary(write_dictionary(folder / "dict", **dictionary)), files)


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    return run(tmp_path_factory.mktemp("expected"))


def shuffled(text: str, rows: list[int], columns: list[int]) -> str:
    """A CSV text with its rows and columns in another order."""
    head, *lines = [line.split(",") for line in text.splitlines()]
    table = [head, *[lines[row] for row in rows if row < len(lines)]]
    order = [column for column in columns if column < len(head)]
    return "".join(",".join(line[column] for column in order) + "\n" for line in table)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.permutations(range(12)), columns=st.permutations(range(20)))
def test_order_of_rows_and_columns_changes_nothing(tmp_path_factory, expected, rows, columns):
    table = baseline_rows()
    mixed = table.iloc[[row for row in rows if row < len(table)], [c for c in columns if c < table.shape[1]]]
    raw = {
        "baseline": mixed.reset_index(drop=True),
        "followup": shuffled(FOLLOWUP_ROWS, rows, columns),
        "deaths": shuffled(DEATH_ROWS, rows, columns),
    }
    assert_same(run(tmp_path_factory.mktemp("order"), raw), expected)


def test_order_of_the_waves_in_the_dictionary_changes_nothing(tmp_path, expected):
    head, rest = COHORT.split("waves:\n")
    waves, tail = rest.split("id:\n")
    lines = waves.splitlines(keepends=True)
    assert len(lines) == 3
    again = run(tmp_path, cohort=head + "waves:\n" + "".join(reversed(lines)) + "id:\n" + tail)
    assert_same(again, expected)


def test_a_second_run_changes_nothing(tmp_path):
    """Not even a byte of what is saved."""
    dictionary = dc.read_dictionary(write_dictionary(tmp_path / "dict"))
    raw = write_raw(tmp_path / "raw")
    for name in ("one", "two"):
        dc.harmonize(dictionary, raw).save(tmp_path / name)
    saved = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert "visits.parquet" in saved
    for name in saved:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(copies=st.lists(st.integers(0, 5), max_size=8))
def test_every_raw_row_is_accounted_for(tmp_path_factory, copies):
    """Rows are doubled at random: whatever becomes of them, each is in the ledger once."""
    table = baseline_rows()
    doubled = pd.concat([table, table.iloc[copies]], ignore_index=True)
    study = run(tmp_path_factory.mktemp("rows"), {"baseline": doubled})
    ledger = study.ledger[study.ledger["wave"] == "baseline"]
    assert ledger["row"].tolist() == list(range(1, len(doubled) + 1))
    kept = ledger["action"].eq("kept").sum()
    assert kept == (study.visits["wave"] == "baseline").sum()
    assert study.visits.duplicated(["cohort", "participant_id", "wave"]).sum() == 0
