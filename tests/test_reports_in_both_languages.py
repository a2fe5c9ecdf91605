"""The pages of the report in English and in Chinese show the same results, and no number in them is typed by hand."""

import re
from pathlib import Path

import pytest
import yaml

REPORTS = Path(__file__).parents[1] / "reports"
PAGES = sorted(file.name for file in REPORTS.glob("*.qmd"))
BOTH = [REPORTS / page for page in PAGES] + [REPORTS / "zh" / page for page in PAGES]

CELL = re.compile(r"^```\{python\}\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LABEL = re.compile(r"^#\| label: (\S+)$", re.MULTILINE)
RESULT = re.compile(r"results\.(table|figure|load|has|cards)\(f?\"([^\"]+)\"")
REFERENCE = re.compile(r"@((?:fig|tbl)-[\w-]+)")
NUMBER = re.compile(r"\d+\.\d+|\d\s*[%％‰]")


def cells(page):
    return CELL.findall(page.read_text("utf-8"))


def prose(page):
    """The text between cells, without front matter, code and what stands in backticks."""
    text = re.sub(r"\A---\n.*?^---$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`]*`", "", CELL.sub("", text))


def named(page):
    return f"{page.parent.name}/{page.name}"


def test_every_page_is_there_in_both_languages():
    assert sorted(file.name for file in (REPORTS / "zh").glob("*.qmd")) == PAGES


@pytest.mark.parametrize("page", PAGES)
def test_both_languages_show_the_same_results_in_the_same_order(page):
    english, chinese = REPORTS / page, REPORTS / "zh" / page
    for pattern in (LABEL, RESULT):
        assert [pattern.findall(cell) for cell in cells(english)] == [
            pattern.findall(cell) for cell in cells(chinese)
        ]


@pytest.mark.parametrize("page", PAGES)
def test_both_languages_have_the_same_sections(page):
    sections = [
        re.findall(r"\{#(sec-[\w-]+)\}", (folder / page).read_text("utf-8"))
        for folder in (REPORTS, REPORTS / "zh")
    ]
    assert sections[0] == sections[1]


@pytest.mark.parametrize("page", BOTH, ids=named)
def test_every_figure_is_described(page):
    for cell in cells(page):
        if "label: fig-" in cell or "results.figure(" in cell:
            assert re.search(r"^#\| fig-alt: \S", cell, re.MULTILINE), cell
            assert re.search(r"^#\| fig-cap: \S", cell, re.MULTILINE), cell


@pytest.mark.parametrize("page", BOTH, ids=named)
def test_the_text_leads_to_every_table_and_figure(page):
    labels = {label for cell in cells(page) for label in LABEL.findall(cell)}
    assert labels <= set(REFERENCE.findall(prose(page)))


@pytest.mark.parametrize("page", BOTH, ids=named)
def test_no_result_is_typed_in_the_text(page):
    assert NUMBER.findall(prose(page)) == []


def test_labels_are_unique_over_all_pages_of_a_language():
    for folder in (REPORTS, REPORTS / "zh"):
        labels = [label for page in PAGES for cell in cells(folder / page) for label in LABEL.findall(cell)]
        assert sorted(set(labels)) == sorted(labels)


def test_both_languages_have_the_pages_in_the_same_order():
    english, chinese = (
        yaml.safe_load((REPORTS / name).read_text("utf-8")) for name in ("_quarto-en.yml", "_quarto-zh.yml")
    )
    assert [f"zh/{page}" for page in english["project"]["render"]] == chinese["project"]["render"]
    assert [f"zh/{entry['href']}" for entry in english["website"]["sidebar"]["contents"]] == [
        entry["href"] for entry in chinese["website"]["sidebar"]["contents"]
    ]
