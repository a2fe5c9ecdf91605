"""No direct identifier leaves the raw files: names, telephone numbers and resident numbers are planted and sought.

They stand in undeclared columns, as answers nobody expected, in malformed ids, in rows that are set aside and as
the id itself under ``protect: hash``. Everything a run writes or says is searched: every file as bytes and decoded,
both streams of the command line, every exception and its pickle.

Where the dictionary itself declares a column as free text (`type: text`), its content is stored in that variable,
as declared; the last tests see that it appears nowhere else, and that `sensitive: identifier` is refused.
"""

from __future__ import annotations

import io
import logging
import os
import pickle
import traceback
import warnings

import northbay
import pandas as pd
import pytest
from click.testing import CliRunner

from dermcohort.cli import main
from dermcohort.dictionary import check_dictionary, read_dictionary
from dermcohort.harmonize import harmonize
from dermcohort.study import TABLES, open_study

SECRETS = ("欧阳小明", "Jane Planted", "19900001234", "110101199001011234")
KEY = "correct horse battery staple 42"


def holds(text: str) -> list[str]:
    return [secret for secret in (*SECRETS, KEY) if secret in text]


def planted_raw(folder, **changes):
    """Raw files with identifiers where they should not be."""
    rows = northbay.baseline_rows().astype({"NBID": object})
    rows["NAME"] = [SECRETS[0], SECRETS[1], *SECRETS[2:], *SECRETS[:2]]  # an undeclared column
    bad_id = rows.iloc[[1]].assign(NBID=SECRETS[3], VILLAGE=SECRETS[0])  # malformed id; its village is a name
    twice = rows.iloc[[2]].assign(VILLAGE=SECRETS[1])  # merged away, as the first row is kept
    followup = northbay.FOLLOWUP_ROWS
    followup = followup.replace("已戒烟", SECRETS[0])  # a name typed as the answer of a coded question
    followup = followup.replace("abc", SECRETS[2])  # a telephone number in a laboratory result
    followup = followup.replace("2020/01/04", SECRETS[3])  # a resident number in a date
    followup += f"{SECRETS[3]},{SECRETS[0]},x,y,{SECRETS[1]},z,,,{SECRETS[2]},{SECRETS[1]},{SECRETS[2]}\n"
    deaths = northbay.DEATH_ROWS + f"{SECRETS[3]},{SECRETS[1]},{SECRETS[2]},{SECRETS[0]}\n"
    baseline = pd.concat([rows, bad_id, twice], ignore_index=True)
    return northbay.write_raw(
        folder, **{"baseline": baseline, "followup": followup, "deaths": deaths, **changes}
    )


def everything_in(folder) -> str:
    """Every file below `folder`: as bytes, and the decoded tables with all levels of their categories."""
    parts = []
    for path in sorted(folder.rglob("*")):
        if path.is_dir():
            continue
        content = path.read_bytes()
        parts += [path.name, content.decode("utf-8", "ignore"), content.decode("utf-16-le", "ignore")]
        if path.suffix == ".parquet":
            table = pd.read_parquet(path)
            parts.append(shown(table))
    return "\n".join(parts)


def shown(table: pd.DataFrame) -> str:
    levels = [str(list(table[name].cat.categories)) for name in table.select_dtypes("category")]
    return "\n".join([table.to_csv(), str(list(table.index)), *levels])


def told_by(study) -> str:
    """What the study's own methods show."""
    parts = [repr(study), study._repr_html_(), str(study.manifest), shown(study.schema)]
    parts += [shown(getattr(study, name)) for name in TABLES]
    for frame in (
        study.frame(reasons=True, lod="censored"),
        study.survival_frame("psoriasis", competing="death"),
        study.survival_frame("death"),
    ):
        parts += [shown(frame.data), frame._repr_html_(), frame.flow.table.to_csv()]
    parts += [study.why(name).to_csv() for name in study.visits.columns[3:]]
    parts += [
        study.wide(["smoking_status", "crp"]).to_csv(),
        study.matrix().to_csv(),
        str(study.labels("zh")),
    ]
    return "\n".join(parts)


@pytest.fixture
def planted(tmp_path):
    return northbay.write_dictionary(tmp_path / "d"), planted_raw(tmp_path / "raw")


def test_nothing_that_is_written_or_shown_holds_an_identifier(planted, tmp_path, caplog, capfd):
    dictionary, raw = planted
    with caplog.at_level(logging.DEBUG), warnings.catch_warnings(record=True) as noise:
        warnings.simplefilter("always")
        study = harmonize(read_dictionary(dictionary), raw, progress=True)
        study.save(tmp_path / "out")
        again = open_study(tmp_path / "out")
    assert study.ledger["action"].value_counts().to_dict() == {"kept": 16, "quarantined": 3, "merged": 1}
    assert (study.findings["code"] == "H101").sum() >= 3  # the planted answers were met, and counted
    said = capfd.readouterr()
    for text in (
        everything_in(tmp_path / "out"), told_by(study), told_by(again), said.out, said.err, caplog.text,
        str([str(warning.message) for warning in noise]), repr(pickle.dumps(study)),
    ):  # fmt: skip
        assert holds(text) == []
    assert all(secret.encode() not in pickle.dumps(study) for secret in SECRETS)


def test_a_rare_answer_without_a_rule_is_counted_but_not_recorded(planted):
    """A frequent one is named: its code is needed to complete the dictionary."""
    dictionary, raw = planted
    frequent = northbay.FOLLOWUP_ROWS + "".join(f"{n},男,,2020/01/01,雪茄,,,,,,\n" for n in range(5, 10))
    frequent = frequent.replace("已戒烟", SECRETS[0])
    main_file = northbay.COHORT.replace("file: fu1.csv", "file: fu1.csv, enrols: true")
    folder = northbay.write_dictionary(dictionary, cohort=main_file)
    study = harmonize(read_dictionary(folder), planted_raw(raw, followup=frequent))
    rows = study.provenance.set_index(["wave", "variable"])
    before = pd.read_json(io.StringIO(rows.loc[("followup1", "smoking_status"), "before"])).set_index(
        "source"
    )["n"]
    assert before["雪茄"] == 5
    assert before["(fewer than 5 people)"] == 1
    assert pd.isna(before["从不"])  # a code of the dictionary, its count held back
    message = study.findings.query("code == 'H101' and variable == 'smoking_status' and wave == 'followup1'")[
        "message"
    ]
    assert "'雪茄' (5)" in message.item() and not holds(message.item())


def test_the_command_line_says_no_identifier(planted, tmp_path):
    dictionary, raw = planted
    options = ["--dictionary", str(dictionary), "--to", str(tmp_path / "out")]
    result = CliRunner().invoke(main, ["harmonize", str(raw), *options])
    assert result.exit_code == 1 and "H101" in result.output
    assert holds(result.output + result.stderr) == []
    strict = CliRunner().invoke(main, ["harmonize", str(raw), *options, "--strict"])
    assert strict.exit_code == 1 and "error finding" in strict.stderr
    assert holds(strict.output + strict.stderr) == []


def ragged(raw):
    with (raw / "fu1.csv").open("ab") as file:
        file.write(",".join([*SECRETS] * 5).encode("gb18030"))


def wrong_encoding(raw):
    (raw / "deaths.csv").write_bytes(("id,status,died,last\n" + ",".join(SECRETS)).encode("gb18030"))


def open_quote(raw):
    (raw / "deaths.csv").write_text(f'id,status,died,last\nx,"{SECRETS[0]},,\n', "utf-8")


def no_header(raw):
    (raw / "deaths.csv").write_text(",".join(SECRETS) + "\n", "utf-8")


def cut(raw):
    (raw / "base.sav").write_bytes((raw / "base.sav").read_bytes()[:-90])


def renamed(raw):
    (raw / "base.sav").rename(raw / f"base {SECRETS[1]}.sav")


@pytest.mark.parametrize("damage", [ragged, wrong_encoding, open_quote, no_header, cut, renamed])
def test_no_error_holds_an_identifier(planted, tmp_path, damage):
    dictionary, raw = planted
    damage(raw)
    with pytest.raises(Exception) as caught:  # whatever it is, it must not tell
        harmonize(read_dictionary(dictionary), raw)
    printed = "".join(traceback.format_exception(caught.value))
    assert holds(str(caught.value)) == holds(repr(caught.value)) == []
    assert holds(printed.replace(str(raw), "")) == []
    assert all(secret.encode() not in pickle.dumps(caught.value) for secret in SECRETS)
    result = CliRunner().invoke(
        main, ["harmonize", str(raw), "--dictionary", str(dictionary), "--to", str(tmp_path / "o")]
    )
    assert result.exit_code == 3
    assert holds(result.output + result.stderr) == []
    assert not (tmp_path / "o").exists()


# ---------------------------------------------------------------- ids as identifiers


def test_hashed_ids_leave_neither_the_number_nor_the_key(tmp_path, monkeypatch, capfd):
    """The id itself is a resident number: it is in every wave, and in no output."""
    number = {f"NB000{n}": f"11010119900101{n}234" for n in range(1, 7)}
    rows = northbay.baseline_rows().replace({"NBID": number})
    followup, deaths = northbay.FOLLOWUP_ROWS, northbay.DEATH_ROWS
    for old, new in number.items():
        followup, deaths = followup.replace(f"\n{old[-1]},", f"\n{new},"), deaths.replace(old, new)
    cohort = northbay.COHORT.replace(r"NB\d{4}", r"\d{18}").replace(
        """, expr: "'NB' + zfill(编号, 4)\"""", ""
    )
    folder = northbay.write_dictionary(tmp_path / "d", cohort=cohort + "protect: hash\n")
    raw = northbay.write_raw(tmp_path / "raw", baseline=rows, followup=followup, deaths=deaths)
    key = tmp_path / "secret.key"
    key.write_text(KEY + "\n")
    study = harmonize(read_dictionary(folder), raw, key_file=key)
    study.save(tmp_path / "out")
    assert (
        len(study.participants) == 6
        and len(study.visits) == 10
        and (study.events["event"] == "death").sum() == 1
    )
    monkeypatch.setenv("DERMCOHORT_KEY_FILE", str(key))
    result = CliRunner().invoke(
        main, ["harmonize", str(raw), "--dictionary", str(folder), "--to", str(tmp_path / "cli")]
    )
    said = capfd.readouterr()
    for text in (
        everything_in(tmp_path / "out"), everything_in(tmp_path / "cli"), told_by(study), result.output, said.out, said.err,
        repr(pickle.dumps(study)),
    ):  # fmt: skip
        assert KEY not in text and "1101011990" not in text
    same = open_study(tmp_path / "cli").participants["participant_id"]
    assert (
        same.tolist() == study.participants["participant_id"].tolist()
    )  # the same key gives the same people


def test_a_key_is_made_once_and_is_nobody_elses_to_read(tmp_path, monkeypatch):
    monkeypatch.delenv("DERMCOHORT_KEY_FILE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder = northbay.write_dictionary(tmp_path / "d", cohort=northbay.COHORT + "protect: hash\n")
    raw = northbay.write_raw(tmp_path / "raw")
    first = harmonize(read_dictionary(folder), raw)
    key = tmp_path / "home/.dermcohort/key"
    assert len(key.read_text()) >= 32
    if os.name == "posix":
        assert key.stat().st_mode & 0o077 == 0
    again = harmonize(read_dictionary(folder), raw)
    assert first.participants["participant_id"].tolist() == again.participants["participant_id"].tolist()
    first.save(tmp_path / "out")
    assert key.read_text() not in everything_in(tmp_path / "out")


# ---------------------------------------------------------------- declared columns

FREE_TEXT = "remark:\n  label: {en: Remark, zh: 备注}\n  type: text\n"


def test_declared_free_text_is_in_its_own_column_and_nowhere_else(tmp_path):
    folder = northbay.write_dictionary(
        tmp_path / "d",
        schema=northbay.SCHEMA + FREE_TEXT,
        baseline=northbay.BASELINE.replace("impossible:", "  remark: {from: NAME}\nimpossible:"),
        followup1=northbay.FOLLOWUP.replace("[phq2]", "[phq2, remark]"),
    )
    study = harmonize(read_dictionary(folder), planted_raw(tmp_path / "raw"))
    assert study.visits["remark"].iloc[0] == SECRETS[0]
    for name in TABLES:
        table = getattr(study, name)
        assert holds(shown(table.drop(columns="remark") if name == "visits" else table)) == []
    assert holds(str(study.manifest) + repr(study) + shown(study.schema)) == []


def test_a_schema_variable_that_is_an_identifier_is_refused(tmp_path):
    schema = northbay.SCHEMA + FREE_TEXT + "  sensitive: identifier\n"
    _, problems = check_dictionary(northbay.write_dictionary(tmp_path, schema=schema))
    problem = next(problem for problem in problems if problem.code == "DD056")
    assert "'remark' is a direct identifier" in problem.text and problem.file.endswith("10_person.yaml")
    assert "protect: hash" in problem.hint
