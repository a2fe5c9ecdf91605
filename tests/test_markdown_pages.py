"""Reports with plain Markdown pages, and navigation with sections."""

import re

import pytest

from dermcohort.report import ReportError, render

CONFIGURATION = """
website:
  title: Handbook
  sidebar:
    contents:
      - index.md
      - section: Methods
        contents:
          - how.md
          - {href: report.qmd, text: Numbers}
      - section: Others
        contents: [last.md]
"""


@pytest.fixture
def handbook(tmp_path):
    (tmp_path / "_quarto.yml").write_text(CONFIGURATION, "utf-8")
    (tmp_path / "index.md").write_text(
        "# The *title*\n\nSee [how](how.md#steps) and [numbers](report.qmd).\n", "utf-8"
    )
    (tmp_path / "how.md").write_text(
        "# How\n\n## Steps\n\n```python\nraise SystemExit\n```\n\n"
        "````markdown\n```{python}\n1 / 0\n```\n````\n\n`{{< include x.qmd >}}` is a shortcode.\n",
        "utf-8",
    )
    (tmp_path / "report.qmd").write_text("---\ntitle: Numbers\n---\n\nTwo.\n", "utf-8")
    (tmp_path / "last.md").write_text("---\ntitle: Given\n---\n\n# A heading\n", "utf-8")
    return tmp_path


def pages_of(folder):
    return {path.stem: path.read_text("utf-8") for path in render(folder, engine="embedded")}


def test_first_heading_is_the_title(handbook):
    pages = pages_of(handbook)
    assert "<h1>The <em>title</em></h1>" in pages["index"]
    assert "<title>The title · Handbook</title>" in pages["index"]
    assert "<h1>Given</h1>" in pages["last"]
    assert len(re.findall("A heading</h", pages["last"])) == 1


def test_code_is_shown_and_not_run(handbook):
    page = pages_of(handbook)["how"]
    assert "SystemExit" in page
    assert "```{python}" in page
    assert "include x.qmd" in page


def test_links_lead_to_the_pages(handbook):
    page = pages_of(handbook)["index"]
    assert 'href="how.html#steps"' in page
    assert 'href="report.html"' in page


def test_section_of_the_page_is_open(handbook):
    page = pages_of(handbook)["how"]
    assert "<details open><summary>Methods</summary>" in page
    assert "<details><summary>Others</summary>" in page


def test_one_markdown_file_is_a_report(handbook):
    assert [path.name for path in render(handbook / "how.md", engine="embedded")] == ["how.html"]


def test_markdown_beside_a_report_is_no_page_of_it(tmp_path):
    (tmp_path / "index.qmd").write_text("One.\n", "utf-8")
    (tmp_path / "README.md").write_text("Two.\n", "utf-8")
    assert [path.name for path in render(tmp_path, engine="embedded")] == ["index.html"]


def test_other_files_are_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("x", "utf-8")
    with pytest.raises(ReportError, match=r"no \.qmd or \.md file"):
        render(tmp_path / "notes.txt", engine="embedded")
