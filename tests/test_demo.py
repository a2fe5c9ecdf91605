"""The newcomer's command: from nothing to a report, and no identifier of the raw files in anything it writes."""

import re
import shutil
import subprocess
import sys

import pyarrow.parquet as pq
import pytest
from browser import problems_of
from conftest import ROOT

PAGES = [
    "index",
    "harmonization",
    "variables",
    "participants",
    "prevalence",
    "risk_factors",
    "mixtures",
    "survival",
    "sensitivity",
    "methods",
    "disclosure",
    "strobe",
    "reproducibility",
    "profile_hunan_metals",
    "profile_central_china",
    "profile_college",
]
# what the simulator writes into the columns of names, phone numbers and resident numbers
PLANTED = ["测试者", "1990000", "9900000000"]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """(folder, finished process) of `dermcohort demo` in a copy of the project."""
    folder = tmp_path_factory.mktemp("demo")
    for name in ("data-dictionary", "analyses", "reports"):
        shutil.copytree(ROOT / name, folder / name)
    done = subprocess.run(
        [sys.executable, "-m", "dermcohort", "demo", "--n", "3000"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, done


def test_each_page_is_there_and_stands_alone(demo):
    folder, done = demo
    assert "open _site/index.html in a browser" in done.stdout
    for page in PAGES:
        text = (folder / "_site" / f"{page}.html").read_text("utf-8")
        assert "<h1" in text
        assert not re.search(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=[\"']https?:", text)
        for other in PAGES:
            assert f'href="{other}.html"' in text
        assert "??" not in text
        assert "Traceback" not in text


def test_pages_can_be_read_by_everyone_on_a_desktop_and_a_phone(demo):
    folder, _ = demo
    assert problems_of(sorted((folder / "_site").rglob("*.html"))) == []


def test_numbers_of_the_report_are_those_of_the_study(demo):
    folder, done = demo
    people = re.search(r"Study: ([\d,]+) participants", done.stdout)
    index = (folder / "_site" / "index.html").read_text("utf-8")
    assert people
    assert f"{people[1]} people" in index


def test_the_matrix_leads_to_a_card_of_every_variable(demo):
    folder, _ = demo
    assert 'href="variables.html"' in (folder / "_site" / "harmonization.html").read_text("utf-8")
    page = folder / "_site" / "variables.html"
    assert page.stat().st_size < 5e6
    text = page.read_text("utf-8")
    cards = re.findall(r'<article class="card" id="([^"]+)"', text)
    overview = text.split('<div class="overview">')[1].split("</div>")[0]
    assert cards == re.findall(r'href="#([^"]+)"', overview)
    assert len(cards) > 100
    identifiers = re.findall(r' id="([^"]+)"', text)
    assert len(identifiers) == len(set(identifiers))


def test_figures_have_a_text_for_those_who_cannot_see_them(demo):
    folder, _ = demo
    for page in PAGES:
        images = re.findall(r"<img\b[^>]*>", (folder / "_site" / f"{page}.html").read_text("utf-8"))
        assert all(re.search(r'alt="[^"]{20,}"', image) for image in images)


def test_no_identifier_leaves_the_raw_files(demo):
    folder, done = demo
    raw = (folder / "raw" / "college" / "followup2.csv").read_text("utf-8")
    assert all(planted in raw for planted in PLANTED), "the raw files hold what is searched for"
    assert not any(planted in done.stdout + done.stderr for planted in PLANTED)
    searched = 0
    for path in (p for name in ("harmonized", "results", "_site") for p in (folder / name).rglob("*")):
        if path.is_dir():
            continue
        text = path.read_bytes().decode("utf-8", "replace")
        if path.suffix == ".parquet":
            text += pq.read_table(path).to_pandas().to_csv()
        found = [planted for planted in PLANTED if planted in text]
        assert found == [], path.name
        searched += 1
    assert searched > 40


def test_second_run_of_the_analyses_does_nothing(demo):
    folder, _ = demo
    again = subprocess.run(
        [sys.executable, "-m", "dermcohort", "run"],
        cwd=folder, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert again.stdout.count("unchanged") == len(list((folder / "analyses").glob("*.py")))
