"""Views of a dictionary: what changed in words, the Excel workbook and back, the JSON Schema for editors."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import zipfile

import northbay
import pytest
import python_calamine
import xlsxwriter
from click.testing import CliRunner
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

from dermcohort.cli import main
from dermcohort.dictionary import (
    DictionaryError,
    diff_dictionaries,
    from_excel,
    json_schema,
    read_dictionary,
    to_excel,
)
from dermcohort.dictionary.excel_cells import (
    category_columns,
    category_rows,
    decode,
    expanded,
    read_sources,
    rule_columns,
    token,
    untoken,
    variable_columns,
    variable_rows,
    wave_rows,
)
from dermcohort.dictionary.problems import ProblemList
from dermcohort.dictionary.source import load_yaml, load_yaml_list, read_yaml_text
from dermcohort.dictionary.yaml_text import file_text, flow_text
from dermcohort.storage import write_text

SHIPPED = ["data-dictionary", "examples/nhanes/data-dictionary", "examples/framingham/data-dictionary"]
CODES = [
    "007",
    "7",
    "1-2",
    "1E5",
    "1e5",
    "1.50",
    "no",
    "true",
    "null",
    "12:30",
    "<5",
    "a = b",
    "'x'",
    '"x"',
    " x",
    "-",
]
EXTENDING = (
    "wave: northbay/followup1\nextends: baseline\nvariables:\n"
    "  crp: {from: CRP, below_lod: {codes: [-1], limit: 0.2}, note: 'Assay B, in serum'}\n"
)


def run(*arguments, code=0):
    result = CliRunner().invoke(main, ["dict", *(str(argument) for argument in arguments)])
    assert result.exit_code == code, result.output
    return result.output


def changes(tmp_path, **replacements):
    old = read_dictionary(northbay.write_dictionary(tmp_path / "old"))
    new = read_dictionary(northbay.write_dictionary(tmp_path / "new", **replacements))
    return [str(change) for change in diff_dictionaries(old, new)]


def read_sheets(path):
    book = python_calamine.CalamineWorkbook.from_path(path)
    return {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in book.sheet_names}


def save_sheets(path, sheets):
    """Save as a spreadsheet program does after an edit: the cells survive, our formats do not."""
    with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd"}) as book:
        for name, rows in sheets.items():
            page = book.add_worksheet(name)
            for row, line in enumerate(rows):
                for column, value in enumerate(line):
                    if isinstance(value, str) and value:
                        page.write_string(row, column, value)
                    elif value not in ("", None):
                        page.write(row, column, value)


@pytest.fixture
def book(tmp_path):
    """A workbook of the northbay dictionary, and a function that edits one of its cells."""
    folder = northbay.write_dictionary(tmp_path / "d")
    path = to_excel(read_dictionary(folder), tmp_path / "d.xlsx")

    def edit(sheet, key, title, value):
        sheets = read_sheets(path)
        titles, *rows = sheets[sheet]
        place = titles.index("category" if sheet == "Categories" else "variable")
        row = next(row for row in rows if row[place] == key)
        row[titles.index(title)] = value
        save_sheets(path, sheets)

    return folder, path, edit


# ---- differences ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "before", "after", "words"),
    [
        ("followup1", "已戒烟: former", "已戒烟: never", "smoking_status in northbay/followup1: code 已戒烟 now maps to never (was former)"),
        ("baseline", "2: current, 3", "2: former, 3", "smoking_status in northbay/baseline: code 2 now maps to former (was current)"),
        ("baseline", "8: dont_know, 9: refused}", "8: dont_know}", "smoking_status in northbay/baseline: missing code 9 no longer means refused"),
        ("baseline", "{from: HT}", "{from: HEIGHT}", "height in northbay/baseline: from now HEIGHT (was HT)"),
        ("baseline", "{from: HT}", "{from: HT, status: partial, note: Shoes on.}", "height in northbay/baseline: status now partial (was complete)"),
        ("baseline", "limit: 0.2", "limit: 0.3", "crp in northbay/baseline: below_lod now codes -1, limit 0.3 (was codes -1, limit 0.2)"),
        ("baseline", "{from: WT}", "{from: WT, expr: WT / 1000}", "weight_kg in northbay/baseline: now complete, expr from WT (was complete, copy from WT)"),
        ("schema", "hard: [100, 230]", "hard: [80, 240.5]", "height: hard range now 80 to 240.5 (was 100 to 230)"),
        ("schema", "zh: 身高", "zh: 身長", "height: label (zh) now 身長 (was 身高)"),
        ("schema", "bmi >= 28", "bmi >= 30", "obese: derive now bmi >= 30 (was bmi >= 28)"),
        ("schema", "former:  {code: 1", "former:  {code: 3", "smoking_status: category former: code now 3 (was 1)"),
        ("units", "slope: 0.5", "slope: 0.5000001", "weight: jin to kg now slope 0.5000001, intercept 0, source 1 jin = 500 g (was slope 0.5, intercept 0, source 1 jin = 500 g)"),
        ("conditions", "codes: [L40]", "codes: [L41]", "psoriasis: icd10 now codes"),
        ("cohort", "encoding: gb18030", "encoding: utf-8", "wave in northbay/followup1: encoding now utf-8 (was gb18030)"),
    ],
)  # fmt: skip
def test_a_change_is_said_in_words(tmp_path, part, before, after, words):
    text = northbay.FOLLOWUP if part == "followup1" else getattr(northbay, part.upper())
    assert before in text
    found = changes(tmp_path, **{part: text.replace(before, after)})
    assert any(line.startswith(words) for line in found), found


def test_variables_and_waves_that_come_and_go(tmp_path):
    schema = (
        northbay.SCHEMA + "waist:\n  label: {en: Waist, zh: 腰围}\n  type: number\n  derive: height / 2\n"
    )
    cohort = "\n".join(line for line in northbay.COHORT.splitlines() if "deaths" not in line)
    found = changes(tmp_path, schema=schema, cohort=cohort)
    assert found == ["waist: new variable, number", "deaths in northbay/deaths: wave gone"]


def test_a_code_of_the_cohort_is_told_once(tmp_path):
    found = changes(tmp_path, cohort=northbay.COHORT.replace("97: refused", "97: dont_know"))
    assert found == ["northbay: missing code 97 now means dont_know (was refused)"]


def test_comments_layout_and_order_of_keys_are_no_difference(tmp_path):
    baseline = northbay.BASELINE.replace("{from: HT}", "\n    # measured twice\n    from: HT")
    baseline = baseline.replace("{1: male, 2: female}", "{2: female, 1: male}")
    assert changes(tmp_path, baseline=baseline) == []


def test_diff_command_groups_by_place_and_refuses_a_wrong_dictionary(tmp_path):
    old = northbay.write_dictionary(tmp_path / "old")
    new = northbay.write_dictionary(
        tmp_path / "new",
        schema=northbay.SCHEMA.replace("hard: [100, 230]", "hard: [80, 230]"),
        baseline=northbay.BASELINE.replace("2: current, 3", "2: former, 3"),
    )
    assert run("diff", old, old) == "no difference\n"
    output = run("diff", old, new)
    assert output.index("schema\n  height: hard") < output.index(
        "northbay/baseline\n  smoking_status: code 2 now maps"
    )
    (new / "units.yaml").write_text("weight: 3\n")
    assert "DD030" in run("diff", old, new, code=2)


# ---- YAML text --------------------------------------------------------------------------------------------

SCALARS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(CODES),
    st.integers(-999, 999),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.none(),
)
KEYS = st.one_of(st.text(max_size=8), st.sampled_from(CODES), st.integers(-99, 99))


@given(
    st.dictionaries(
        KEYS, st.recursive(SCALARS, lambda x: st.lists(x) | st.dictionaries(KEYS, x), max_leaves=6)
    )
)
def test_every_value_survives_the_yaml_text(data):
    for text in (flow_text(data), file_text(data) if data else "{}"):
        problems = ProblemList(ROOT)
        assert flow_text(read_yaml_text(text, "", problems)) == flow_text(data), text
        assert problems.problems == []


@given(
    st.dictionaries(
        st.one_of(st.sampled_from(CODES), st.integers(), st.text(max_size=5)),
        st.sampled_from(CODES),
        min_size=1,
    )
)
def test_every_code_survives_the_lines_of_a_cell(codes):
    column = next(column for column in rule_columns() if column.key == "map")
    entry = {}
    decode(
        "\n".join(f"{token(code)} = {token(level, target=True)}" for code, level in codes.items()),
        column,
        entry,
    )
    assert flow_text(entry["map"]) == flow_text(codes)


@pytest.mark.parametrize("code", [*CODES, 7, 7.5, -1, True])
def test_a_code_keeps_its_type(code):
    assert flow_text(untoken(token(code))) == flow_text(code)


# ---- Excel ------------------------------------------------------------------------------------------------


def dictionaries(tmp_path):
    for name in SHIPPED:
        yield shutil.copytree(ROOT / name, tmp_path / name)
    yield northbay.write_dictionary(tmp_path / "northbay")
    yield northbay.write_dictionary(tmp_path / "extending", followup1=EXTENDING)


def test_a_workbook_that_nobody_edited_changes_nothing(tmp_path):
    for folder in dictionaries(tmp_path):
        proposal = from_excel(to_excel(read_dictionary(folder), tmp_path / "d.xlsx"), folder)
        assert (proposal.changes, dict(proposal.files), proposal.outdated) == ((), {}, False)


def test_the_cells_alone_say_the_whole_dictionary(tmp_path):
    """Every cell decoded into empty entries, written as new files, gives an equal dictionary."""

    def entry(row, columns):
        result = {}
        for column in columns:
            decode(row[column.title], column, result)
        return result

    for folder in dictionaries(tmp_path):
        old = read_dictionary(folder)
        sources = read_sources(old)
        variables, categories = variable_columns(old.languages), category_columns(old.languages)
        schema = {path: {} for path in sources.schema}
        for row in variable_rows(sources, variables):
            schema[folder / "schema" / row["file"]][row["variable"]] = entry(row, variables)
        entries = {name: item for data in schema.values() for name, item in data.items()}
        for row in category_rows(sources, categories):
            levels = entries[row["variable"]].setdefault("categories", {})
            levels[row["category"]] = entry(row, categories)
        for path, data in schema.items():
            path.write_text(file_text(data), "utf-8")
        for wave in old.waves():
            rules = {row["variable"]: entry(row, rule_columns()) for row in wave_rows(sources, old, wave)}
            path, data = sources.waves[(wave.cohort, wave.name)]
            assert rules.keys() == expanded(sources, wave.cohort, wave.name).keys()
            path.write_text(file_text({"wave": data["wave"], "variables": rules}), "utf-8")
        assert [str(change) for change in diff_dictionaries(old, read_dictionary(folder))] == []


@pytest.mark.parametrize(
    ("sheet", "key", "title", "value", "words", "file"),
    [
        ("Variables", "height", "label zh", "身長", "height: label (zh) now 身長 (was 身高)", "schema"),
        ("Variables", "height", "hard lowest", "80", "height: hard range now 80 to 230 (was 100 to 230)", "schema"),
        ("Variables", "birth_date", "hard lowest", "1890-01-01", "birth_date: hard range now 1890-01-01", "schema"),
        ("Variables", "height", "definition en", "Without shoes: barefoot", "height: definition (en) added", "schema"),
        ("Variables", "phq2", "unit", None, "phq2: unit removed (was points)", "schema"),
        ("Categories", "former", "code", "01", "smoking_status: category former: code now 01 (was 1)", "schema"),
        ("Categories", "former", "label en", "Ex", "smoking_status: category former: label (en) now Ex", "schema"),
        ("northbay baseline", "sex", "map", "1 = male\n2 = female\n'3' = female",
         "sex in northbay/baseline: new: code '3' maps to female", "baseline"),
        ("northbay baseline", "sex", "map", "1 = male\n1-2 = female", "sex in northbay/baseline: new: code 1-2", "baseline"),
        ("northbay baseline", "sex", "missing", "9 = refused", "sex in northbay/baseline: new: missing code 9 means refused", "baseline"),
        ("northbay baseline", "height", "from", "HT2", "height in northbay/baseline: from now HT2", "baseline"),
        ("northbay baseline", "phq2", "score", "{method: mean, min_items: 1}", "phq2 in northbay/baseline: score", "baseline"),
        ("northbay followup1", "visit_date", "date", "%Y/%m/%d", "visit_date in northbay/followup1: date now", "followup1"),
        ("northbay followup1", "village", "note", "Asked once.", "village in northbay/followup1: note now", "followup1"),
    ],
)  # fmt: skip
def test_an_edited_cell_is_shown_then_applied_to_one_file(book, sheet, key, title, value, words, file):
    folder, path, edit = book
    before = {item: item.read_bytes() for item in folder.rglob("*.yaml")}
    edit(sheet, key, title, value)
    output = run("from-excel", path, folder)
    subject, text = words.split(": ", 1)
    assert f"  {subject.split(' in ')[0]}: {text}" in output
    assert "comments in these files are lost" in output
    assert before == {item: item.read_bytes() for item in folder.rglob("*.yaml")}
    old = read_dictionary(folder)
    assert f"{file}" in run("from-excel", path, folder, "--apply")
    changed = [item for item, content in before.items() if item.read_bytes() != content]
    assert [file in str(item.relative_to(folder)) for item in changed] == [True]
    found = diff_dictionaries(old, read_dictionary(folder))
    assert any(str(change).startswith(words) for change in found)
    assert from_excel(path, folder).changes == ()  # applied twice is applied once


def test_a_rule_becomes_impossible_and_comes_back(book):
    folder, path, edit = book
    for title, value in (("status", "impossible"), ("note", "Recorded at enrolment."), ("from", None)):
        edit("northbay followup1", "height", title, value)
    from_excel(path, folder).write()
    data = load_yaml(folder / "cohorts/northbay/followup1.yaml", ProblemList(folder))
    assert data["impossible"][0]["variables"] == ["village", "height"]  # joins the group of its note
    edit("northbay followup1", "height", "status", "complete")
    edit("northbay followup1", "height", "from", "H")
    edit("northbay followup1", "height", "note", None)
    from_excel(path, folder).write()
    rule = read_dictionary(folder).cohorts["northbay"].waves["followup1"].rules["height"]
    assert (rule.status, rule.sources, rule.note) == ("complete", ("H",), None)


def test_an_inherited_rule_becomes_the_waves_own_only_where_it_is_edited(tmp_path, book):
    _, path, edit = book
    folder = northbay.write_dictionary(tmp_path / "extending", followup1=EXTENDING)
    to_excel(read_dictionary(folder), path)
    edit("northbay baseline", "height", "from", "HT1")
    edit("northbay followup1", "weight_kg", "from", "WT2")
    from_excel(path, folder).write()
    waves = read_dictionary(folder).cohorts["northbay"].waves
    assert waves["followup1"].rules["height"].sources == ("HT1",)
    assert waves["followup1"].rules["weight_kg"].sources == ("WT2",)
    assert waves["baseline"].rules["weight_kg"].sources == ("WT",)


def test_files_are_written_all_or_none(book, monkeypatch):
    folder, path, edit = book
    before = {item: item.read_bytes() for item in folder.rglob("*.yaml")}
    edit("Variables", "height", "label zh", "身長")
    edit("northbay baseline", "height", "from", "HT2")
    proposal = from_excel(path, folder)
    assert len(proposal.files) == 2

    def full_disk(target, text):
        if target.name == "baseline.yaml":
            raise OSError("no space left")
        return write_text(target, text)

    monkeypatch.setattr("dermcohort.dictionary.excel_read.write_text", full_disk)
    with pytest.raises(OSError, match="no space"):
        proposal.write()
    assert before == {item: item.read_bytes() for item in folder.rglob("*.yaml")}


def test_edits_that_the_linter_refuses_are_not_written(book):
    folder, path, edit = book
    before = (folder / "cohorts/northbay/baseline.yaml").read_bytes()
    edit("northbay baseline", "sex", "map", "1 = mael\n2 = female")
    output = run("from-excel", path, folder, "--apply", code=2)
    assert "DD136" in output
    assert "did you mean 'male'" in output
    assert str(folder / "cohorts/northbay/baseline.yaml") in output
    assert (folder / "cohorts/northbay/baseline.yaml").read_bytes() == before


@pytest.mark.parametrize(
    ("sheet", "key", "title", "value", "code", "words"),
    [
        (
            "northbay baseline",
            "sex",
            "map",
            "1 male",
            "DD284",
            "the line '1 male' should be 'code = category'",
        ),
        ("northbay baseline", "sex", "map", "1 = male\n1 = female", "DD284", "'1' stands on two lines"),
        ("northbay baseline", "phq2", "score", "{method: sum", "DD284", "not valid YAML"),
        ("Variables", "height", "variable", None, "DD283", "the row needs variable"),
        ("Variables", "height", "variable", "bmi", "DD283", "'bmi' has two rows"),
        ("Variables", "height", "file", "20_x.yaml", "DD285", "'20_x.yaml' is no file of schema/"),
        ("Categories", "former", "variable", "smoking", "DD285", "'smoking' is no row of Variables"),
    ],
)
def test_a_cell_that_cannot_be_read_is_located(book, sheet, key, title, value, code, words):
    folder, path, edit = book
    edit(sheet, key, title, value)
    with pytest.raises(DictionaryError) as caught:
        from_excel(path, folder)
    problem = next(problem for problem in caught.value.problems if problem.code == code)
    assert words in problem.text
    assert problem.file == f"d.xlsx:{sheet}"
    assert problem.line > 1


def test_a_date_that_excel_made_is_refused(book):
    folder, path, edit = book
    edit("northbay baseline", "village", "note", dt.datetime(2024, 1, 2))
    with pytest.raises(DictionaryError, match="Excel has made a date of this cell"):
        from_excel(path, folder)


def test_new_and_removed_rows(book):
    folder, path, _ = book
    sheets = read_sheets(path)
    label = {"label en": "Waist", "label zh": "腰围"}
    new = {
        "Variables": {"file": "10_person.yaml", "variable": "waist", "type": "number", **label},
        "northbay baseline": {"variable": "waist", "from": "WAIST"},
        "northbay followup1": {"variable": "waist", "status": "impossible", "note": "Not measured."},
    }
    for sheet, row in new.items():
        titles, *rows = sheets[sheet]
        place = titles.index("variable")
        kept = [line for line in rows if line[place] != "phq2"]
        sheets[sheet] = [titles, *kept, [row.get(title, "") for title in titles]]
    save_sheets(path, sheets)
    words = [str(change) for change in from_excel(path, folder).changes]
    assert "waist: new variable, number" in words
    assert "phq2: variable removed" in words
    assert "waist in northbay/baseline: now complete, copy from WAIST" in words
    assert "waist in northbay/followup1: now impossible" in words
    assert "phq2 in northbay/baseline: no longer spoken for" in words


def test_a_row_that_is_inherited_cannot_be_removed(tmp_path, book):
    _, path, _ = book
    folder = northbay.write_dictionary(tmp_path / "extending", followup1=EXTENDING)
    sheets = read_sheets(to_excel(read_dictionary(folder), path))
    sheets["northbay followup1"] = [row for row in sheets["northbay followup1"] if "height" not in row]
    save_sheets(path, sheets)
    with pytest.raises(DictionaryError, match="DD286 the row of 'height' is gone, but it is inherited"):
        from_excel(path, folder)


def test_workbook_cells_are_text_and_keys_are_locked(book):
    _, path, _ = book
    sheets = read_sheets(path)
    waves = ["northbay baseline", "northbay followup1", "northbay deaths"]
    assert list(sheets) == ["Read me", "Variables", "Categories", *waves, "Matrix"]
    titles, row, *_ = sheets["northbay baseline"]
    assert row[titles.index("map")] == "1 = male\n2 = female"
    assert sheets["Matrix"][0][1] == "northbay/baseline"
    assert {type(cell) for rows in sheets.values() for line in rows for cell in line} == {str}
    xml = zipfile.ZipFile(path).read("xl/worksheets/sheet4.xml").decode()
    assert "<sheetProtection" in xml
    assert '"complete,partial,impossible,undecided"' in xml.replace("&quot;", '"')


def test_a_workbook_older_than_the_dictionary_says_so(book):
    folder, path, _ = book
    schema = folder / "schema/10_person.yaml"
    schema.write_text(schema.read_text("utf-8").replace("zh: 身高", "zh: 身長"), "utf-8")
    output = run("from-excel", path, folder)
    assert "label (zh) now 身高 (was 身長)" in output
    assert "show up above as undone" in output


def test_no_workbook(tmp_path, book):
    folder, _, _ = book
    (tmp_path / "x.xlsx").write_text("not a workbook")
    assert "DD281" in run("from-excel", tmp_path / "x.xlsx", folder, code=2)
    assert "nowhere.xlsx" in run("from-excel", tmp_path / "nowhere.xlsx", folder, code=3)


# ---- JSON Schema ------------------------------------------------------------------------------------------


def as_json(value):
    """What an editor sees: the keys of JSON are texts."""
    if isinstance(value, dict):
        return {str(key): as_json(item) for key, item in value.items()}
    return [as_json(item) for item in value] if isinstance(value, list) else value


def yaml_problems(path):
    validator = pytest.importorskip("jsonschema").Draft202012Validator(json_schema())
    load = load_yaml_list if path.name == "checks.yaml" else load_yaml
    content = as_json(load(path, ProblemList(path.parent)))
    return [error.message for error in validator.iter_errors(content)]


def test_every_file_of_the_dictionaries_fits_the_json_schema(tmp_path):
    pytest.importorskip("jsonschema").Draft202012Validator.check_schema(json_schema())
    found = {
        str(path): yaml_problems(path) for folder in dictionaries(tmp_path) for path in folder.rglob("*.yaml")
    }
    assert len(found) > 20
    assert {name: problems for name, problems in found.items() if problems} == {}


@pytest.mark.parametrize(
    ("part", "before", "after", "words"),
    [
        ("schema", "type: ordinal", "type: ordered", "'ordered' is not one of"),
        ("schema", "entity: participant", "entitty: participant", "'entitty' was unexpected"),
        ("baseline", "status: partial", "status: part", "'part' is not one of"),
        ("baseline", "method: sum", "method: total", "'total' is not one of"),
        ("cohort", "file: base.sav", "path: base.sav", "'path' was unexpected"),
        ("units", "slope: 10,", "slop: 10,", "'slop' was unexpected"),
        ("conditions", "verified: true", "verified: perhaps", "'perhaps' is not of type 'boolean'"),
        ("main", "code: 10", "code: 99", "99 is greater than the maximum"),
    ],
)
def test_a_mistake_does_not_fit_the_json_schema(tmp_path, part, before, after, words):
    text = northbay.DICTIONARY if part == "main" else getattr(northbay, part.upper())
    assert before in text
    folder = northbay.write_dictionary(tmp_path, **{part: text.replace(before, after)})
    found = [problem for path in folder.rglob("*.yaml") for problem in yaml_problems(path)]
    assert any(words in problem for problem in found), found


def test_schema_command_prints_or_writes_the_same(tmp_path):
    printed = run("schema")
    run("schema", "--to", tmp_path / "s.json")
    assert json.loads(printed) == json.loads((tmp_path / "s.json").read_text("utf-8")) == json_schema()


@pytest.mark.parametrize("command", ["diff", "to-excel", "from-excel", "schema"])
def test_help_has_an_example(command):
    assert f"dermcohort dict {command}" in run(command, "--help")
