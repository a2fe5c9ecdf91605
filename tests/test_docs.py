"""What the documentation shows is run, and what the program can say is explained."""

import doctest
import importlib
import pkgutil
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from urllib.parse import unquote

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from browser import problems_of
from conftest import ROOT

import dermcohort as dc
from dermcohort.harmonize.findings import CHECKS

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(dc.__path__, "dermcohort.")
    if not module.name.endswith("__main__")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name):
    module = importlib.import_module(name)
    names = {"pd": pd, "np": np, "dc": dc, **vars(module)}
    result = doctest.testmod(module, extraglobs=names, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.failed == 0


def test_public_names_have_docstrings_with_examples():
    public = [
        dc.read_dictionary, dc.harmonize, dc.open_study, dc.simulate_cohorts, dc.describe.table_one,
        dc.describe.flow, dc.prevalence.crude, dc.regression.logistic, dc.survival.incidence_rate,
        dc.survival.kaplan_meier, dc.survival.cox, dc.report.render, dc.Study.frame,
        dc.regression.log_binomial, dc.regression.modified_poisson, dc.regression.poisson, dc.regression.linear,
        dc.regression.interaction, dc.regression.attributable_fraction, dc.regression.e_value,
        dc.bias.misclassification, dc.bias.unmeasured_confounder, dc.bias.selection, dc.bias.negative_control,
        dc.standard_population, dc.prevalence.standardized, dc.prevalence.indirect, dc.survival.smr,
        dc.survival.lexis, dc.survival.lexis_diagram, dc.survival.rate_ratio, dc.survival.rate_difference,
        dc.survival.standardized_rate,
    ]  # fmt: skip
    without = [item.__qualname__ for item in public if ">>>" not in (item.__doc__ or "")]
    assert without == []


def test_readme_runs(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "data-dictionary", tmp_path / "data-dictionary")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    assert blocks
    names: dict = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
    assert names["study"].participants["cohort"].nunique() == 3


def test_every_command_of_the_readme_exists():
    from dermcohort.cli import main

    text = (ROOT / "README.md").read_text("utf-8")
    for line in re.findall(r"^dermcohort ([a-z ]+?) ", text, re.MULTILINE):
        command = main
        for word in line.split():
            command = command.commands[word]
            if not hasattr(command, "commands"):
                break


def test_links_of_the_documentation_lead_somewhere():
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").glob("*/README.md")]
    for page in pages:
        prose = re.sub(r"```.*?```|`[^`]*`", "", page.read_text("utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", prose):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_code_is_explained():
    source = "".join(path.read_text("utf-8") for path in (ROOT / "src/dermcohort/dictionary").glob("*.py"))
    used = set(re.findall(r'"(DD\d{3})"', source)) | set(CHECKS)
    text = (ROOT / "docs" / "messages.md").read_text("utf-8")
    explained = set(re.findall(r"\b((?:DD|H)\d{3})\b", text))
    for first, last in re.findall(r"(DD\d{3}) to (DD\d{3})", text):
        explained |= {f"DD{number:03d}" for number in range(int(first[2:]), int(last[2:]) + 1)}
    assert used - explained == set()
    assert explained - used == set()


def test_every_finding_can_fire():
    """A check that no code adds is a promise nobody keeps."""
    stage = ROOT / "src/dermcohort/harmonize"
    source = "".join(path.read_text("utf-8") for path in stage.glob("*.py") if path.name != "findings.py")
    added = set(re.findall(r'"(H\d{3})"', source))
    assert set(CHECKS) - added == set()


def blocks_run(name: str) -> dict:
    """The names that the Python blocks of a page of docs/ leave."""
    page = (ROOT / "docs" / name).read_text("utf-8")
    page = re.sub(r"````.*?````", "", page, flags=re.DOTALL)  # a page in the page
    names: dict = {}
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(compile(block, name, "exec"), names)
    plt.close("all")
    return names


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A folder in which somebody has simulated and harmonized: raw/, harmonized/ and the dictionary."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "data-dictionary", folder / "data-dictionary")
    dc.simulate_cohorts(folder / "raw", n=12_000, seed=1)
    dc.harmonize(dc.read_dictionary(folder / "data-dictionary"), raw=folder / "raw").save(
        folder / "harmonized"
    )
    return folder


# pages whose examples are run; those of the others are commands, fragments, or run by the tests of their subject
PLAIN = [
    "competing-risks.md", "disclosure.md", "export-tables.md", "mixtures.md", "parametric.md", "prevalence.md",
    "surveys.md", "table-one.md",
]  # fmt: skip


@pytest.mark.parametrize("page", PLAIN)
def test_examples_of_a_page(page, monkeypatch):
    monkeypatch.chdir(ROOT)
    names = blocks_run(page)
    assert [name for name in names if not name.startswith("__")]


def test_page_on_missing_values(project, monkeypatch):
    monkeypatch.chdir(project)
    names = blocks_run("missing.md")
    assert names["imputed"].m == 20


@pytest.mark.parametrize("page", ["index.md", "quickstart.zh.md"])
def test_quickstart_leads_to_a_report(page, project, monkeypatch):
    monkeypatch.chdir(project)
    names = blocks_run(page)
    assert names["fit"].n == names["people"][["rosacea", "age", "smoking_status"]].dropna().shape[0]
    text = (ROOT / "docs" / page).read_text("utf-8")
    (project / "first.qmd").write_text(re.search(r"````markdown\n(.*?)````", text, re.DOTALL)[1], "utf-8")
    pages = dc.report.render("first.qmd", engine="embedded", output=project / "_site")
    assert "<figure" in pages[0].read_text("utf-8")


def phrases() -> list[tuple[str, str]]:
    """Task and code of each row of the phrase book's tables whose last column is for running, in order."""
    found, runs = [], False
    for line in (ROOT / "docs" / "phrasebook.md").read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) != 5:
            runs = False
        elif cells[0] in ("task", "what"):
            runs = cells[0] == "task"
        elif runs and not line.startswith("|--"):
            found += [(cells[0], code) for code in re.findall(r"`([^`]+)`", cells[4])]
    return found


def test_every_phrase_of_the_phrase_book_runs(project, monkeypatch):
    monkeypatch.chdir(project)
    names = blocks_run("phrasebook.md")
    people = names["people"]
    people.to_stata("survey.dta", write_index=False)
    names["wave2"] = people[["id"]].assign(itch2=1)
    names["wide"] = people[["id"]].assign(itch1=0, itch2=1)
    names["study"] = dc.open_study("harmonized")
    rows = phrases()
    assert len({task for task, _ in rows}) > 80
    failed = []
    for task, code in rows:
        try:
            exec(compile(code, task, "exec"), names)
        except Exception as error:
            failed.append(f"{task}: {code}: {type(error).__name__}: {error}")
        plt.close("all")
    assert failed == []


def test_page_on_survival(monkeypatch):
    monkeypatch.chdir(ROOT)
    names = blocks_run("survival.md")
    assert len(names["people"]) == 1384  # the number the page gives
    complete = names["people"].dropna(subset="mspike")
    for fit in ("ratio_of_risk", "ratio_of_rate"):
        assert names[fit].events == complete["malignant"].sum()


def test_page_on_onsets_between_visits(project, monkeypatch):
    monkeypatch.chdir(project)
    names = blocks_run("interval-censoring.md")
    people = names["people"].dropna(subset="smoking_status")
    assert names["curve"].events == names["people"]["event"].sum()
    for fit in ("fit", "weibull", "by_visit", "aged", "at_visit"):
        assert names[fit].events == people["event"].sum()


def test_hazard_ratios_of_the_page_are_those_of_the_simulation():
    simulated = (ROOT / "validation" / "coverage.md").read_text("utf-8")
    page = (ROOT / "docs" / "interval-censoring.md").read_text("utf-8")
    methods = ("Cox, visit date", "Cox, midpoint", "discrete time", "interval_ph")
    rows = re.findall(r"^\| (.+? years) \| (\d+%) \| (.+) \|$", page, re.MULTILINE)
    assert len(rows) == 6
    for visits, share, cells in rows:
        for method, cell in zip(methods, cells.split(" | "), strict=True):
            ratio, coverage = re.fullmatch(r"(\S+) \((\S+)\)", cell).groups()
            assert f"| {visits} | {share} | {method} | {ratio} | {coverage} |" in simulated


class Anchors(HTMLParser):
    """Links, ids and addresses that a browser loads, of one page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links, self.ids, self.loaded = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if "id" in values:
            self.ids.append(values["id"])
        self.loaded += [values[name] for name in ("src", "srcset", "poster") if name in values]
        if tag == "link":
            self.loaded.append(values.get("href", ""))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The pages of the documentation as `make docs` builds them, by path."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(ROOT / "docs", folder / "docs", ignore=shutil.ignore_patterns("reference"))
    subprocess.run([sys.executable, "docs/reference.py"], cwd=folder, check=True)
    dc.report.render(folder / "docs", engine="embedded", output=folder / "_docs")
    return {page: Anchors(page.read_text("utf-8")) for page in (folder / "_docs").rglob("*.html")}


def test_every_page_of_the_documentation_is_in_the_site(site):
    written = {path.stem for path in (ROOT / "docs").glob("*.md")}
    assert written <= {page.stem for page in site}


def test_links_of_the_site_lead_somewhere(site):
    broken = []
    for page, anchors in site.items():
        for link in anchors.links:
            if re.match(r"[a-z]+:", link):
                continue
            file, _, fragment = unquote(link).partition("#")
            target = (page.parent / file).resolve() if file else page
            if target not in site or (fragment and fragment not in site[target].ids):
                broken.append(f"{page.name}: {link}")
    assert broken == []


def test_pages_of_the_site_load_nothing_and_have_each_id_once(site):
    for page, anchors in site.items():
        assert [address for address in anchors.loaded if not address.startswith("data:")] == [], page.name
        assert len(set(anchors.ids)) == len(anchors.ids), page.name


def test_browser_finds_no_fault_with_the_site(site):
    names = ("index", "phrasebook", "quickstart.zh", "validation", "reports", "prevalence", "dermcohort")
    pages = [page for page in site if page.stem in names]
    assert len(pages) >= len(names)
    assert problems_of(pages) == []


def test_reference_has_every_public_name(site):
    ids = {page.stem: set(anchors.ids) for page, anchors in site.items() if page.parent.name == "reference"}
    for name in dc.__all__:
        item = getattr(dc, name)
        if hasattr(item, "__path__") or hasattr(item, "__file__"):
            assert set(getattr(item, "__all__", [])) <= ids[name], name
        else:
            assert name in ids["dermcohort"]


def test_table_of_validation_counts_the_values_of_r():
    from dermcohort.validate import REGISTRY

    page = (ROOT / "docs" / "validation.md").read_text("utf-8")
    shown = dict(re.findall(r"^\| ([a-z ]+) \| [\d,]+ of ([\d,]+) \|", page, re.MULTILINE))
    golden = pd.read_csv(ROOT / "validation" / "golden.csv", keep_default_na=False)
    counts: dict[str, int] = {}
    for name, n in golden["id"].value_counts().items():
        if name in REGISTRY:
            topic = REGISTRY[name].topic.replace("_", " ")
            counts[topic] = counts.get(topic, 0) + n - len(REGISTRY[name].unreported)
    assert {topic: int(n.replace(",", "")) for topic, n in shown.items()} == counts
