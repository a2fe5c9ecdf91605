"""Printed tables in the language of the reader, and as files."""

from __future__ import annotations

import io
import re

import docx
import numpy as np
import pandas as pd
import pytest
from lxml import html
from python_calamine import CalamineWorkbook

import dermcohort as dc
from dermcohort import disclosure
from dermcohort.estimates import Estimates
from dermcohort.language import Labels

CHINESE = Labels(
    {"sex": "性别", "sex=female": "女", "sex=male": "男", "ill": "湿疹 & <甲>", "smoke": "吸烟"}, "zh"
)
ENGLISH = Labels({"sex": "Sex", "ill": "Eczema & <a>_1", "smoke": "Smoking"})
BOTH = pytest.mark.parametrize("labels", [ENGLISH, CHINESE], ids=["en", "zh"])


@pytest.fixture
def people():
    rng = np.random.default_rng(3)
    sex, smoke = rng.choice(["female", "male"], 400), rng.choice(["never", "former", "current"], 400)
    ill = rng.random(400) < np.where(smoke == "current", 0.3, 0.1)
    data = pd.DataFrame({"sex": sex, "smoke": smoke, "ill": ill.astype(float), "age": rng.normal(50, 9, 400)})
    data["smoke"] = pd.Categorical(data["smoke"], ["never", "former", "current"])
    return data


@pytest.fixture
def fit(people):
    return dc.regression.logistic("ill ~ smoke + sex", people)


@pytest.fixture
def factors(people):
    models = {"Crude": [], "Adjusted": ["age", "sex"]}
    return dc.regression.risk_factors(people, "ill", ["smoke", "age"], models, per={"age": 10})


@pytest.fixture
def hidden():
    data = pd.DataFrame(
        {"sex": ["female"] * 40 + ["male"] * 40, "ill": [1] * 2 + [0] * 38 + [1] * 20 + [0] * 20}
    )
    return disclosure.suppress(dc.prevalence.crude(data, "ill", by="sex"), 5)


def rows_of_word(path):
    """Text of each row, em spaces where a cell is indented."""
    table = docx.Document(str(path)).tables[0]
    return [
        [
            "\u2003" * round((cell.paragraphs[0].paragraph_format.left_indent or 0) / 144000) + cell.text
            for cell in row.cells
        ]
        for row in table.rows
    ]


@BOTH
def test_word_has_the_printed_table(fit, labels, tmp_path):
    path = fit.export(tmp_path / "tables" / "one.docx", labels, title="表 1: a < b")
    shown = fit.to_display(labels)
    assert rows_of_word(path) == [list(shown.columns), *shown.to_numpy().tolist()]
    document = docx.Document(str(path))
    texts = [paragraph.text for paragraph in document.paragraphs]
    assert texts == ["表 1: a < b", *fit._printed_notes(labels)]
    xml = document.element.xml
    assert xml.count("<w:tblHeader") == 1
    assert 'w:eastAsia="SimSun"' in document.styles["Normal"].element.xml
    # numbers stand to the right
    row = document.tables[0].rows[-1]
    assert [cell.paragraphs[0].alignment for cell in row.cells] == [0, *[2] * (len(row.cells) - 1)]


@BOTH
def test_word_has_the_models_above_their_columns(factors, labels, tmp_path):
    rows = rows_of_word(factors.export(tmp_path / "two.docx", labels))
    crude, adjusted = labels.word("Crude"), labels.word("Adjusted")
    assert rows[0][3:] == [crude, crude, adjusted, adjusted]
    assert rows[1][3:5] == rows[1][5:]
    assert rows[2:] == factors.to_display(labels).to_numpy().tolist()


@BOTH
def test_excel_has_text_and_unrounded_numbers(fit, labels, tmp_path):
    path = fit.export(tmp_path / "one.xlsx", labels, title="Table 1")
    book = CalamineWorkbook.from_path(str(path))
    text, numbers = (book.get_sheet_by_name(name).to_python() for name in ("Table", "Numbers"))
    shown = fit.to_display(labels)
    assert text[0][0] == "Table 1"
    assert text[2] == list(shown.columns)
    body = [[cell.lstrip("\u2003") for cell in row] for row in shown.to_numpy().tolist()]
    assert text[3 : 3 + len(shown)] == body
    assert [row[0] for row in text[3 + len(shown) :]] == fit._printed_notes(labels)
    column = numbers[0].index("conf_low")
    assert numbers[2][column] == pytest.approx(fit.table["conf_low"].iloc[1], rel=1e-14)


@BOTH
def test_html_is_a_page_with_the_printed_table(fit, labels, tmp_path):
    path = fit.export(tmp_path / "one.html", labels, title="Table & 1")
    page = html.parse(io.BytesIO(path.read_bytes()), html.HTMLParser(encoding="utf-8")).getroot()
    assert page.get("lang") == labels.language
    cells = [[cell.text_content() for cell in row.iter("td")] for row in page.iter("tr")]
    shown = fit.to_display(labels)
    assert [row for row in cells if len(row) == shown.shape[1]] == shown.to_numpy().tolist()
    assert [row[0] for row in cells if len(row) == 1][-len(fit._table_notes()) :] == fit._printed_notes(
        labels
    )
    assert "Table & 1" in page.text_content()


@BOTH
def test_latex_is_escaped(people, labels, tmp_path):
    estimates = dc.prevalence.crude(people, "ill", by=["sex", "smoke"])
    text = estimates.export(tmp_path / "one.tex", labels, title="5% of A_1 & B").read_text("utf-8")
    assert r"5\% of A\_1 \& B" in text
    assert ("ctex" in text) == (labels.language == "zh")
    body = text[text.index(r"\midrule") : text.index(r"\bottomrule")]
    rows = [line.split(" & ") for line in body.splitlines() if " & " in line]
    assert len(rows) == len(estimates.table)
    assert {len(row) for row in rows} == {estimates.to_display(labels).shape[1]}
    # nothing that LaTeX would read as a command of its own, or its fonts lack
    assert (
        not re.search(r"(?<!\\)[%_#$]", body.replace("$-$", "")) and "−" not in text and "\u2003" not in text
    )
    assert text.count("{") - text.count(r"\{") == text.count("}") - text.count(r"\}")


def test_markdown_has_title_and_table(fit, tmp_path):
    text = fit.export(tmp_path / "one.md", title="Table_1").read_text("utf-8")
    assert text == f"Table: Table\\_1\n\n{fit.to_markdown()}\n"


@pytest.mark.parametrize("suffix", [".docx", ".html", ".md", ".tex", ".xlsx"])
def test_what_is_suppressed_is_in_no_file(hidden, suffix, tmp_path):
    printed = hidden.to_display(CHINESE)
    assert printed.iloc[0].tolist()[1:] == ["已隐去", "40", "<5"]
    path = hidden.export(tmp_path / f"one{suffix}", CHINESE)
    if suffix == ".docx":
        assert rows_of_word(path)[1] == printed.iloc[0].tolist()
    elif suffix == ".xlsx":
        cells = CalamineWorkbook.from_path(str(path)).get_sheet_by_name("Numbers").to_python()
        row = dict(zip(cells[0], cells[1], strict=True))
        assert row["estimate"] == row["events"] == ""
    else:
        assert "已隐去" in path.read_text("utf-8")


def test_another_suffix_is_refused_and_a_failure_leaves_the_former_file(fit, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"one\.pdf has '\.pdf'; choose one of \.docx, \.html"):
        fit.export(tmp_path / "one.pdf")
    path = fit.export(tmp_path / "one.docx")
    before = path.read_bytes()
    monkeypatch.setattr("docx.document.Document.save", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        fit.export(path, CHINESE)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["one.docx"]


def test_columns_and_spread_as_on_the_page(people, tmp_path):
    estimates = dc.prevalence.crude(people, "ill", by=["smoke", "sex"])
    path = estimates.export(tmp_path / "one.docx", CHINESE, spread="sex")
    assert rows_of_word(path)[0] == ["吸烟", "女", "男"]
    # a page in Chinese may name columns as the English table does
    path = estimates.export(tmp_path / "two.docx", CHINESE, columns=["吸烟", "Prevalence, % (95% CI)", "n"])
    assert rows_of_word(path)[0] == ["吸烟", "患病率（%，95% CI）", "n"]


def test_a_long_table_in_word_has_every_row(tmp_path):
    table = pd.DataFrame(
        {
            "term": [f"a very long name of a variable number {i}" for i in range(40)],
            "measure": "OR",
            "estimate": 1.5,
            "conf_low": 1.2,
            "conf_high": 1.9,
            "p_value": 0.0004,
        }
    )
    path = Estimates(table, method="m.", n=50).export(tmp_path / "long.docx")
    rows = rows_of_word(path)
    assert len(rows) == 41
    assert rows[40] == ["a very long name of a variable number 39", "1.50 (1.20, 1.90)", "<0.001"]


def test_one_outcome_is_no_column_but_a_note(people):
    by_sex = dc.prevalence.crude(people, "ill", by="sex")
    assert by_sex.to_display(CHINESE).columns.tolist() == ["性别", "患病率（%，95% CI）", "n", "事件数"]
    assert by_sex._printed_notes(CHINESE)[0] == "结局：湿疹 & <甲>。"
    # without groups the outcome tells what the row is
    assert dc.prevalence.crude(people, "ill").to_display(ENGLISH).iloc[0, 0] == "Eczema & <a>_1"


def test_risk_factors_in_chinese(factors):
    shown = factors.to_display(CHINESE)
    assert shown.columns.tolist() == [
        "", "n", "事件数（%）", "未校正：OR（95% CI）", "未校正：P", "校正：OR（95% CI）", "校正：P",
    ]  # fmt: skip
    assert shown.iloc[0, 0] == "吸烟"
    assert "1.00（参照）" in shown.iloc[1].tolist()
    assert "协变量：无（未校正）；年龄、性别（校正）。" in factors._printed_notes(CHINESE)[0]
    assert "Covariates: none (Crude); age, Sex (Adjusted)." in factors._printed_notes(ENGLISH)[0]


def test_table_one_in_chinese(people):
    shown = dc.describe.table_one(people, ["age", "smoke"], by="sex").to_display(CHINESE)
    assert shown.columns[0] == "特征"
    assert re.fullmatch(r"女（n = \d+）", shown.columns[1])
    assert shown["特征"].tolist()[:2] == ["年龄，均数（标准差）", "吸烟，n（%）"]
