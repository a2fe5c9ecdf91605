"""The tour in notebooks/ runs from top to bottom, says nothing unasked, and writes what it promises."""

from __future__ import annotations

import re

import nbformat
import pytest
from conftest import ROOT
from nbclient import NotebookClient

TOUR = ROOT / "notebooks" / "tour.ipynb"


@pytest.fixture(scope="module")
def tour(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tour")
    notebook = nbformat.read(TOUR, as_version=4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(folder))
        client = NotebookClient(
            notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(TOUR.parent)}}
        )
        client.execute()
    (made,) = folder.glob("dermcohort-tour-*")
    return notebook, made


def shown(notebook, kind):
    """Outputs of this kind, in order."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return [output["data"][kind] for output in outputs if kind in output.get("data", {})]


def test_it_is_kept_without_outputs():
    cells = nbformat.read(TOUR, as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)


@pytest.mark.slow
def test_no_cell_warns_or_fails(tour):
    notebook, _ = tour
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert [output["text"] for output in outputs if output.get("name") == "stderr"] == []
    assert [output["ename"] for output in outputs if output.output_type == "error"] == []
    assert not any("Warning" in text for text in shown(notebook, "text/plain"))


@pytest.mark.slow
def test_tables_and_figures_are_shown(tour):
    notebook, _ = tour
    tables = [html for html in shown(notebook, "text/html") if "<table" in html]
    assert len(tables) >= 10
    assert any("Odds ratio" in html or "OR (95%" in html for html in tables)
    assert any("现在吸烟" in html for html in tables)
    assert len(shown(notebook, "image/png")) == 4


@pytest.mark.slow
def test_files_are_written_into_the_temporary_folder(tour):
    _, folder = tour
    assert (folder / "harmonized" / "visits.parquet").exists()
    assert (folder / "results" / "itch_by_sex.csv").read_text("utf-8").count("\n") == 3
    assert list((folder / "stata").glob("*.dta"))
    page = (folder / "_site" / "itch.html").read_text("utf-8")
    assert re.search(r"Table.1", page)
    assert "Female" in page


def test_links_of_the_tour_lead_somewhere():
    text = "\n".join(cell.source for cell in nbformat.read(TOUR, as_version=4).cells)
    links = re.findall(r"\]\((\.\./[^)]+)\)", text)
    assert links
    assert [link for link in links if not (TOUR.parent / link).exists()] == []
