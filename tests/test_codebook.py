"""The codebook says what a variable is and where it comes from, and points at nobody."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser

import northbay as files
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from dermcohort.cli import main
from dermcohort.codebook import write_cards
from dermcohort.codebook.counts import HIDDEN, rounded
from dermcohort.codebook.drawing import draw
from dermcohort.codebook.rules import rule_in_words
from dermcohort.codebook.summary import cards_of
from dermcohort.dictionary import read_dictionary
from dermcohort.harmonize import harmonize
from dermcohort.study import StudyError, open_study

DDI = "{ddi:codebook:2_5}"
SCHEMA = files.SCHEMA.replace(
    "  label: {en: Body mass index, zh: 体质指数}\n",
    "  label: {en: Body mass index, zh: 体质指数}\n"
    "  definition: {en: Weight over <squared> height, zh: 体重除以身高平方}\n  source: WHO 1995\n",
)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("northbay")
    baseline = files.BASELINE.replace("{from: HT}", "{from: HT, question: How tall are you?}")
    dictionary = files.write_dictionary(folder / "d", schema=SCHEMA, baseline=baseline)
    return harmonize(read_dictionary(dictionary), files.write_raw(folder / "r"))


def many(study, copies: int):
    """The study with every person `copies` times under new ids."""

    def copied(table):
        parts = [
            table.assign(participant_id=table["participant_id"] + f"-{copy}")
            if "participant_id" in table and table["participant_id"].dtype == object
            else table
            for copy in range(copies)
        ]
        return pd.concat(parts, ignore_index=True)

    names = ("participants", "participant_reasons", "visits", "reasons")
    return replace(study, **{name: copied(getattr(study, name)) for name in names})


def card(study, name: str):
    return next(card for card in cards_of(study) if card.name == name)


def sheets(path) -> dict[str, list[list]]:
    book = CalamineWorkbook.from_path(str(path))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


class _Outside(HTMLParser):
    """What a browser would load from elsewhere."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found += [value for name, value in attrs if name in ("src", "href") and value[0] != "#"]


def test_page_tells_everything_about_a_variable_and_loads_nothing(study, tmp_path):
    page = study.codebook(tmp_path / "codebook.html").read_text("utf-8")
    bmi = page.split('<article class="card" id="bmi"')[1].split("</article>")[0]
    for text in (
        "Body mass index", "体质指数", "Weight over &lt;squared&gt; height", "体重除以身高平方", "WHO 1995",
        "kg/m2", "weight_kg / (height / 100) ** 2",
    ):  # fmt: skip
        assert text in bmi
    smoking = page.split('<article class="card" id="smoking_status"')[1].split("</article>")[0]
    for text in (
        "Q12 recoded: 1, 2 → current; 3 → former; 4 → never", "Q12重新编码", "share one category", "base.sav",
        "North Bay", "北湾", "partial",
    ):  # fmt: skip
        assert text in smoking
    psoriasis = page.split('<article class="card" id="psoriasis"')[1].split("</article>")[0]
    assert "L40" in psoriasis and "EA90" in psoriasis and "皮肤科医生诊断" in psoriasis
    assert "How tall are you?" in page and "smoking_status != &#x27;never&#x27;" in page
    outside = _Outside()
    outside.feed(page)
    assert outside.found == []
    assert not re.search(r"https?:|@import|url\(|fetch\(", page)


def test_small_cells_are_hidden_and_no_extreme_is_shown(study, tmp_path):
    """Six people: every category is a small cell, and the heights are nobody's business."""
    heights = study.visits["height"].dropna()
    text = study.codebook(tmp_path / "codebook.html").read_text("utf-8")
    article = text.split('<article class="card" id="height"')[1].split("</article>")[0]
    visible = re.sub(r"<[^>]*>", " ", article)
    assert "&lt;5" in text.split('<article class="card" id="smoking_status"')[1].split("</article>")[0]
    assert not re.search(rf"\b{heights.min():.0f}\b|\b{heights.max():.0f}\b", visible)
    assert {line.n for line in card(study, "smoking_status").categories} <= {HIDDEN, 0}
    study.codebook(tmp_path / "codebook.xml")
    root = ET.parse(tmp_path / "codebook.xml").getroot()
    assert all(int(stat.text) == 0 or int(stat.text) >= 5 for stat in root.iter(f"{DDI}catStat"))


def test_counts_of_many_people_are_told_rounded(study):
    """101 copies of every person: the counts of sex are known by hand."""
    big = many(study, 101)
    counts = study.participants["sex"].value_counts()
    shown = {line.name: line.n for line in card(big, "sex").categories}
    assert shown == {name: 5 * round(101 * n / 5) for name, n in counts.items()}
    numbers = card(big, "height").numbers
    heights = big.visits["height"].dropna()
    assert float(numbers["mean"]) == pytest.approx(heights.mean(), rel=0.005)
    assert float(numbers["median"]) == heights.median()
    assert {"p1", "p99"} < set(numbers) and not {"min", "max"} & set(numbers)


def test_the_outer_percentiles_have_enough_people_beyond(study):
    """9 copies: 54 people, of whom 5 are 10 %."""
    assert {"p10", "p90"} < set(card(many(study, 9), "height").numbers)
    assert not [key for key in card(study, "height").numbers if key[0] == "p"]


def test_many_visits_of_few_people_are_a_small_cell(study):
    """Eight visits of four people, all with psoriasis."""
    visits = study.visits.assign(psoriasis="yes", height=170.0)
    visits["psoriasis"] = visits["psoriasis"].astype(study.visits["psoriasis"].dtype)
    twice = visits["participant_id"].duplicated(keep=False)
    assert twice.sum() == 8
    other = replace(study, visits=visits).select(twice)
    assert [line.n for line in card(other, "psoriasis").categories] == [0, HIDDEN]
    assert card(other, "height").numbers == {}


@given(st.integers(0, 10_000), st.integers(1, 20))
def test_a_rounded_count_is_near_and_never_small(n, min_cell):
    shown = rounded(n, n, min_cell)
    if 0 < n < min_cell:
        assert shown == HIDDEN
    else:
        assert abs(shown - n) <= min_cell / 2
        assert shown == 0 or shown >= min_cell


def test_workbook(study, tmp_path):
    study.codebook(tmp_path / "codebook.xlsx")
    found = sheets(tmp_path / "codebook.xlsx")
    assert list(found) == ["Variables", "Categories", "Waves", "Reasons"]
    variables = {row[0]: dict(zip(found["Variables"][0], row, strict=True)) for row in found["Variables"][1:]}
    assert list(variables) == list(study.schema.index)
    assert variables["bmi"]["label_zh"] == "体质指数"
    assert variables["psoriasis"]["icd10"] == "L40"
    rows = [row[:3] for row in found["Categories"] if row[0] == "smoking_status"]
    assert rows == [
        ["smoking_status", 0, "never"],
        ["smoking_status", 1, "former"],
        ["smoking_status", 2, "current"],
    ]
    assert len(found["Waves"]) - 1 == len(study.provenance)


def test_ddi_has_the_required_structure(study, tmp_path):
    study.codebook(tmp_path / "codebook.xml")
    root = ET.parse(tmp_path / "codebook.xml").getroot()
    assert root.tag == f"{DDI}codeBook" and root.get("version") == "2.5"
    assert [child.tag.removeprefix(DDI) for child in root] == ["stdyDscr", *["fileDscr"] * 3, "dataDscr"]
    assert "North Bay" in root.findtext(f"{DDI}stdyDscr/{DDI}citation/{DDI}titlStmt/{DDI}titl")
    assert root.findtext(f"{DDI}stdyDscr/{DDI}citation/{DDI}verStmt/{DDI}version") == "2026.1"
    ids = [element.get("ID") for element in root.iter() if element.get("ID")]
    assert len(ids) == len(set(ids))
    variables = {var.get("name"): var for var in root.iter(f"{DDI}var")}
    assert list(variables) == list(study.schema.index)
    assert {var.get("files") for var in variables.values()} <= set(ids)
    order = ["labl", "qstn", "valrng", "universe", "sumStat", "txt", "catgry", "concept", "derivation",
             "varFormat", "notes"]  # fmt: skip
    for var in variables.values():
        positions = [order.index(child.tag.removeprefix(DDI)) for child in var]
        assert positions == sorted(positions)
    smoking = variables["smoking_status"]
    language = "{http://www.w3.org/XML/1998/namespace}lang"
    labels = {label.get(language): label.text for label in smoking.findall(f"{DDI}labl")}
    assert labels == {"en": "Smoking status", "zh": "吸烟状况"}
    values = [x.findtext(f"{DDI}catValu") for x in smoking.findall(f"{DDI}catgry") if x.get("missing") != "Y"]
    absent = [x.findtext(f"{DDI}catValu") for x in smoking.findall(f"{DDI}catgry") if x.get("missing") == "Y"]
    assert values == ["0", "1", "2"]
    assert "-902" in absent
    assert variables["smoke_start_age"].findtext(f"{DDI}universe") == "smoking_status != 'never'"
    assert variables["height"].find(f"{DDI}valrng/{DDI}range").attrib == {
        "UNITS": "REAL",
        "min": "100",
        "max": "230",
    }
    assert variables["height"].findtext(f"{DDI}qstn/{DDI}qstnLit") == "How tall are you?"


@pytest.mark.parametrize("suffix", [".html", ".xlsx", ".xml"])
def test_no_identifier_is_in_a_codebook(study, tmp_path, suffix):
    """Ids, planted names and telephone numbers of the raw files, villages, and dates of birth."""
    path = study.codebook(tmp_path / f"codebook{suffix}")
    text = str(sheets(path)) if suffix == ".xlsx" else path.read_text("utf-8")
    for secret in ("NB000", "planted", "1990000", "V1", "1960-01-01", "2018-01-0"):
        assert secret not in text


def test_a_codebook_of_a_saved_study_is_the_same(study, tmp_path):
    study.save(tmp_path / "study")
    first = study.codebook(tmp_path / "a.html").read_text("utf-8")
    assert open_study(tmp_path / "study").codebook(tmp_path / "b.html").read_text("utf-8") == first


def test_rules_in_words():
    score = '{"from": ["A", "B"], "score": {"method": "sum", "min_items": 2, "reverse": ["B"]}}'
    assert rule_in_words(score, "score", "en") == "sum of A, B; at least 2 answered; reversed: B"
    unit = '{"from": "WT", "unit": "jin", "missing": {"-9": "refused"}}'
    assert rule_in_words(unit, "copy", "en") == "WT as it is; in jin, converted; missing: -9 → refused"
    assert rule_in_words(unit, "copy", "zh") == "直接取自WT；原单位jin，已换算；缺失：-9 → refused"
    assert rule_in_words('{"status": "impossible"}', None, "en") == ""


def test_every_rule_of_the_dictionary_has_words(study):
    for row in study.provenance.dropna(subset="verb").itertuples():
        for language in ("en", "zh"):
            assert rule_in_words(row.rule, row.verb, language)


def test_wrong_questions(study, tmp_path):
    with pytest.raises(StudyError, match=r"\.html, \.xlsx, \.xml"):
        study.codebook(tmp_path / "codebook.pdf")
    with pytest.raises(StudyError, match="harmonize again"):
        replace(study, schema=study.schema.drop(columns="codes")).codebook(tmp_path / "codebook.html")
    assert list(tmp_path.iterdir()) == []


def test_command(study, tmp_path):
    study.save(tmp_path / "study")
    arguments = ["codebook", str(tmp_path / "study"), "--to"]
    assert CliRunner().invoke(main, [*arguments, str(tmp_path / "out" / "c.xml")]).exit_code == 0
    assert (tmp_path / "out" / "c.xml").exists()
    assert CliRunner().invoke(main, [*arguments, str(tmp_path / "c.pdf")]).exit_code == 2


def test_an_event_of_a_register_has_a_card(tmp_path):
    schema = SCHEMA + "melanoma:\n  label: {en: Melanoma, zh: 黑色素瘤}\n  entity: event\n  type: date\n"
    absent = "  - {variables: [melanoma], note: Told by the register.}\n"
    deaths = files.DEATHS.replace("impossible:", "  melanoma: {from: died, date: '%Y-%m-%d'}\nimpossible:")
    dictionary = files.write_dictionary(
        tmp_path / "d", schema=schema, deaths=deaths, baseline=files.BASELINE + absent, followup1=files.FOLLOWUP + absent
    )  # fmt: skip
    study = harmonize(read_dictionary(dictionary), files.write_raw(tmp_path / "r"))
    event = card(study, "melanoma")
    assert (event.n, event.observed) == (5, HIDDEN)
    for suffix in (".html", ".xlsx", ".xml"):
        study.codebook(tmp_path / f"codebook{suffix}")
    study.to_stata(tmp_path / "stata")


def test_numbers_without_people(study):
    empty = replace(study, visits=study.visits.assign(height=np.nan))
    assert card(empty, "height").numbers == {}


# ---------------------------------------------------------------- distributions


def test_a_distribution_is_counted_in_every_wave(study):
    """101 copies: smoking as in the six and four rows of the raw files, sex once for all waves."""
    big = many(study, 101)
    smoking = [(shape.wave["en"], shape.counts) for shape in card(big, "smoking_status").shapes]
    assert smoking == [("baseline", (200, 0, 100)), ("followup1", (200, 100, 0))]
    (sex,) = card(big, "sex").shapes
    assert sex.wave == {} and sex.cohort["zh"] == "北湾" and sex.counts == (305, 305)
    assert card(big, "village").shapes == ()  # an open list


def test_few_people_are_not_drawn(study):
    assert card(study, "smoking_status").shapes == () and card(study, "height").shapes == ()
    rows = study.visits["wave"] == "baseline"
    visits = study.visits.assign(psoriasis=study.visits["psoriasis"].mask(rows, "no"))
    visits.loc[visits.index[rows][0], "psoriasis"] = "yes"
    shapes = card(replace(study, visits=visits), "psoriasis").shapes
    assert [shape.counts for shape in shapes] == [(5, HIDDEN)]
    assert draw(shapes[0].counts, parts=True).count("<rect") == 1


def test_steps_are_the_same_in_every_wave_and_hold_whole_numbers_evenly(study):
    """600 visits a wave with the whole numbers 0 to 5 alike often: six steps of equal counts."""
    big = many(study, 300)
    whole = big.visits.groupby("wave", observed=True).cumcount() % 6
    shapes = card(replace(big, visits=big.visits.assign(height=whole.astype(float))), "height").shapes
    assert [shape.counts for shape in shapes] == [(300,) * 6, (200,) * 6]
    constant = card(replace(big, visits=big.visits.assign(height=170.5)), "height").shapes
    assert [shape.counts for shape in constant] == [(1800,), (1200,)]
    spread = big.visits.assign(height=np.linspace(150, 180, len(big.visits)))
    counts = np.array([shape.counts for shape in card(replace(big, visits=spread), "height").shapes])
    assert counts.shape[1] == 16
    # between the 1st and 99th percentile lie 98 % of the values
    assert counts.clip(0).sum() == pytest.approx(0.98 * len(big.visits), abs=5 * counts.size)


@given(st.lists(st.integers(-1, 1000), min_size=1, max_size=30).filter(lambda counts: max(counts) > 0))
def test_a_drawing_stays_inside_its_frame(counts):
    bars = draw(counts, parts=True)
    widths = [float(x) for x in re.findall(r'<rect x="[0-9.]+" width="([0-9.]+)"', bars)]
    assert len(widths) == sum(n > 0 for n in counts)
    assert sum(widths) == pytest.approx(240, abs=0.05 * len(counts) + 0.1)
    heights = [float(y) for y in re.findall(r"V([0-9.]+)h", draw(counts, parts=False))]
    assert len(heights) == len(counts) and min(heights) == 0 and max(heights) <= 20


# ---------------------------------------------------------------- cards of the report


@pytest.fixture
def told(study):
    """The study with counts of raw values as 1,200 people would give them, one value typed by few."""
    records = [
        {"source": "2", "target": "current", "n": 212},
        {"source": "1", "target": "current", "n": 388},
        {"source": "4", "target": "never", "n": 598},
        {"source": "", "target": "refused", "n": None},
        {"source": "<b>", "target": "unmapped", "n": 7},
        {"source": "(fewer than 5 people)", "target": "unmapped", "n": 3},
    ]
    here = (study.provenance["variable"] == "smoking_status") & (study.provenance["wave"] == "baseline")
    before = study.provenance["before"].mask(here, json.dumps(records))
    return replace(study, provenance=study.provenance.assign(before=before))


def test_raw_values_and_what_they_became(told):
    sources = card(told, "smoking_status").waves[0].sources
    assert [(line.source, line.name, line.n) for line in sources] == [
        ("4", "never", 600),
        ("1", "current", 390),
        ("2", "current", 210),
        ("", "refused", HIDDEN),
        ("<b>", "unmapped", 5),
        ("(fewer than 5 people)", "unmapped", HIDDEN),
    ]
    assert sources[1].labels == {"en": "Current", "zh": "现在"} and sources[3].labels["en"] == "Refused"


def test_cards_of_the_report_tell_what_harmonization_did(told, tmp_path):
    paths = write_cards(told, tmp_path / "variables")
    assert [path.name for path in paths] == ["variables.en.md", "variables.zh.md"]
    english, chinese = (path.read_text("utf-8") for path in paths)
    smoking = english.split('<article class="card" id="smoking_status"')[1].split("</article>")[0]
    for text in (
        "<td>1</td><td><span lang=\"en\">Current</span> <code>current</code></td><td>390</td>", "&lt;b&gt;",
        "source code without a rule", "share one category",
    ):  # fmt: skip
        assert text in smoking
    assert "吸烟状况" in chinese and "吸烟状况" not in english and "原始值" in chinese
    links = re.findall(r'href="#(\w+)"', english)
    assert links == re.findall(r'<article class="card" id="(\w+)"', english) == list(told.schema.index)
    assert english.count("```") % 2 == 0
    assert not re.search(r"https?:|@import|url\(", english)
    # a codebook that is handed on has no raw values and no findings
    page = told.codebook(tmp_path / "codebook.html").read_text("utf-8")
    assert ">390<" not in page and "source code without a rule" not in page


def test_a_check_between_variables_is_told_on_the_card_of_each(study):
    finding = study.findings.iloc[[0]].assign(variable="height, weight_kg", check="body", n=12, of=1201)
    other = replace(study, findings=finding)
    for name in ("height", "weight_kg"):
        (line,) = card(other, name).findings
        assert (line.check, line.n, line.of) == ("body", 10, 1200)
    assert card(other, "bmi").findings == ()


def test_no_identifier_and_no_small_count_is_on_a_card(study, tmp_path):
    for path in write_cards(study, tmp_path / "variables"):
        text = path.read_text("utf-8")
        for secret in ("NB000", "planted", "1990000", "V1", "1960-01-01", "2018-01-0"):
            assert secret not in text
        assert not re.search(r"</code></td><td>[1-4]</td>|<td>[1-4] <span", text)
