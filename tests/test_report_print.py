"""PDF and Word of a folder: one document; tables and figures that do not fit; languages and their profiles."""

from __future__ import annotations

import json
import re
import time
from io import BytesIO
from pathlib import Path

import docx
import pytest
from click.testing import CliRunner
from pypdf import PdfReader
from report_subset import BIB, PNG, Elements, write
from test_report_subset import text_of_pdf, text_of_word

from dermcohort.cli import main
from dermcohort.report import ReportError, render
from dermcohort.report.pdf import _chinese

WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
SVG = (
    "<svg xmlns='http://www.w3.org/2000/svg' width='300pt' height='100pt'><rect width='9' height='9'/></svg>"
)
needs_chinese_font = pytest.mark.skipif(not _chinese(), reason="no font with Chinese characters")


def print_of(path: Path, **options) -> tuple[PdfReader, str, docx.document.Document, str]:
    """PDF and Word, each with its text."""
    pdf, word = render(path, ("pdf", "docx"), engine="embedded", **options)
    reader = PdfReader(BytesIO(pdf.read_bytes()))
    return reader, text_of_pdf(reader), docx.Document(str(word)), text_of_word(word)


def places_of(page) -> list[tuple[str, float, float]]:
    """Each piece of text with where it begins, in points from the left and from the foot."""
    found = []

    def visit(text, outer, inner, *_) -> None:
        x, y = inner[4], inner[5]
        found.append((text, x * outer[0] + y * outer[2] + outer[4], x * outer[1] + y * outer[3] + outer[5]))

    page.extract_text(visitor_text=visit)
    return found


def site_of_two(folder: Path) -> Path:
    """Two pages that link to each other, with footnotes, labels, levels and bibliographies of their own."""
    reports = folder / "reports"
    reports.mkdir()
    (reports / "a.bib").write_text(BIB.split("\n")[1], "utf-8")
    (reports / "b.bib").write_text(BIB.split("\n")[2], "utf-8")
    table = "| a |\n|---|\n| 1 |\n\n: {} {{#tbl-{}}}\n"
    write(
        reports,
        "---\ntitle: First\nabstract: In short.\nbibliography: a.bib\n---\n\n# Deep {#sec-deep}\n\n## Deeper\n\n"
        "See [two](b.qmd) and [there](b.qmd#sec-there).[^1] As @lim2020.\n\n[^1]: Note one.\n\n"
        + table.format("One", "one")
        + "\n@tbl-one\n",
        "index.qmd",
    )
    write(
        reports,
        "---\ntitle: Second\nbibliography: b.bib\n---\n\n## There {#sec-there}\n\nBack to [one](index.qmd).[^1] "
        "As @wei2019.\n\n[^1]: Note two.\n\n"
        + table.format("Two", "two")
        + "\n@tbl-two\n\n```text\n# [^1]\n```\n",
        "b.qmd",
    )
    settings = "website: {title: The whole}\nsubtitle: Of two\nauthor: The group\nnumber-sections: true\n"
    (reports / "_quarto.yml").write_text(settings, "utf-8")
    return reports


def test_a_folder_is_one_document(tmp_path):
    reports = site_of_two(tmp_path)
    pdf, pdf_text, word, word_text = print_of(reports)
    for text in (pdf_text, word_text):
        for shown in (
            "The whole",
            "Of two",
            "The group",
            "Contents",
            "1 First",
            "1.1 Deep",
            "1.1.1 Deeper",
            "2 Second",
            "2.1 There",
            "In short.",
            "Table 1: One",
            "Table 2: Two",
            "Note one.",
            "Note two.",
            "# [^1]",
            "Itch",
            "Acne",
        ):
            assert shown in text, shown
        assert text.rindex("References") > text.index("Table 2: Two")
    assert pdf.metadata.title == "The whole" and word.core_properties.title == "The whole"
    assert [item["/Title"] for item in pdf.outline if not isinstance(item, list)] == [
        "1 First",
        "2 Second",
        "References",
    ]
    targets = {link.get(f"{WORD}anchor") for link in word.element.body.iter(f"{WORD}hyperlink")}
    names = {mark.get(f"{WORD}name") for mark in word.element.body.iter(f"{WORD}bookmarkStart")}
    assert {"chapter-index", "chapter-b", "sec-there"} <= targets <= names
    headings = [p.text for p in word.paragraphs if p.style.name == "Heading 1"]
    assert headings == ["1 First", "2 Second", "References"]


def test_pages_are_still_pages_and_link_to_the_documents(tmp_path):
    files = render(site_of_two(tmp_path), ("html", "pdf", "docx"), engine="embedded")
    assert [file.name for file in files] == ["index.html", "b.html", "report.pdf", "report.docx"]
    page = files[1].read_text("utf-8")
    assert page.count('href="report.pdf"') == 2 and 'href="report.docx"' in page and "Other formats" in page
    assert "Table 1: Two" in Elements(page).text
    alone = render(tmp_path / "reports" / "b.qmd", ("html", "pdf"), engine="embedded")
    assert [file.name for file in alone] == ["b.html", "b.pdf"]
    assert 'href="b.pdf"' in alone[0].read_text("utf-8")
    text = text_of_pdf(PdfReader(str(alone[1])))
    assert "There" in text and "First" not in text and "Contents" not in text


def test_labels_of_one_document_are_unique_and_nothing_is_written_otherwise(tmp_path):
    table = "text\n\n| a |\n|---|\n| 1 |\n\n: Cap {#tbl-a}\n"
    write(tmp_path, table, "index.qmd")
    write(tmp_path, "more\n\n" + table, "b.qmd")
    message = r"index\.qmd:7: the label 'tbl-a' is used twice, also in b\.qmd:9"
    with pytest.raises(ReportError, match=message):
        render(tmp_path, ("html", "docx"), engine="embedded")
    assert not (tmp_path / "_site").exists()
    assert len(render(tmp_path, engine="embedded")) == 2


def test_pages_of_other_folders_keep_their_images_and_links(tmp_path):
    (tmp_path / "deep").mkdir()
    write(tmp_path, "---\ntitle: Top\n---\n[down](deep/index.qmd)\n", "index.qmd")
    (tmp_path / "deep" / "dot.png").write_bytes(PNG)
    text = "---\ntitle: Deep\n---\n![Dot *and* [up](../index.qmd)](dot.png){#fig-dot}\n"
    write(tmp_path, text, "deep/index.qmd")
    (tmp_path / "_quarto.yml").write_text("project: {render: [index.qmd, deep/index.qmd]}\n", "utf-8")
    _, _, word, word_text = print_of(tmp_path)
    targets = [link.get(f"{WORD}anchor") for link in word.element.body.iter(f"{WORD}hyperlink")]
    assert targets[-2:] == ["chapter-index-2", "chapter-index"]
    assert "Figure 1: Dot and up" in word_text and len(word.inline_shapes) == 1


def test_the_same_pages_give_the_same_bytes(tmp_path):
    reports = site_of_two(tmp_path)
    first = [file.read_bytes() for file in render(reports, ("pdf", "docx"), engine="embedded")]
    time.sleep(1.1)  # files tell the time in seconds
    assert [file.read_bytes() for file in render(reports, ("pdf", "docx"), engine="embedded")] == first


def test_the_command_takes_formats_and_languages_with_commas(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DERMCOHORT_RESULTS", "")  # put back after the test
    write(tmp_path, "text\n", "index.qmd")
    options = ["--engine", "embedded", "--format", "html,pdf", "--format", "docx", "--to", "out"]
    done = CliRunner().invoke(main, ["report", "index.qmd", *options], catch_exceptions=False)
    assert done.exit_code == 0
    assert [Path(line).name for line in done.output.split()] == ["index.html", "index.pdf", "index.docx"]


@pytest.mark.parametrize("format", ["pdf", "docx"])
def test_clear_errors_in_print(tmp_path, format):
    write(tmp_path, "a\n\n[x](#nowhere)\n")
    with pytest.raises(ReportError, match=r"page\.qmd:3: the link '#nowhere' has no target"):
        render(tmp_path / "page.qmd", format, engine="embedded")
    write(tmp_path, "---\nbibliography: a.bib\n---\n\n@nobody says\n")
    (tmp_path / "a.bib").write_text(BIB, "utf-8")
    with pytest.raises(ReportError, match=r"page\.qmd:5: the citation '@nobody' is not in the bibliography"):
        render(tmp_path / "page.qmd", format, engine="embedded")
    write(tmp_path, "![x](none.png)\n")
    with pytest.raises(ReportError, match=r"page\.qmd:1: the image 'none\.png' does not exist"):
        render(tmp_path / "page.qmd", format, engine="embedded")


def test_the_name_of_the_file_is_that_of_the_project(tmp_path):
    write(tmp_path, "text\n", "index.qmd")
    (tmp_path / "_quarto.yml").write_text("output-file: skin.pdf\n", "utf-8")
    assert [file.name for file in render(tmp_path, "pdf", engine="embedded")] == ["skin.pdf"]


def test_settings_of_a_format_are_for_that_format(tmp_path):
    write(tmp_path, "---\nformat: {html: {number-sections: true}, typst: {subtitle: Set}}\n---\n\n# A\n")
    html, pdf = render(tmp_path / "page.qmd", ("html", "pdf"), engine="embedded")
    assert "1 A" in Elements(html.read_text("utf-8")).text
    assert "Set" in (text := text_of_pdf(PdfReader(str(pdf)))) and "1 A" not in text


# ---------------------------------------------------------------------------------- tables and figures


def test_a_long_table_repeats_its_head(tmp_path):
    rows = "".join(f"| row {i} | {i} | |\n" for i in range(1, 91))
    text = f"| Name of row | Count | Empty |\n|:--|--:|--:|\n{rows}\n: Ninety rows {{#tbl-x}}\n"
    pdf, _, word, _ = print_of(write(tmp_path, text))
    pages = [page.extract_text() for page in pdf.pages]
    assert len(pages) > 1 and all("Name of row" in page for page in pages)
    assert "Ninety rows" in pages[0] and "row 3" in pages[0]  # the caption has rows below it
    table = word.tables[0]
    assert len(table.rows) == 91
    kept = [row.cells[0].paragraphs[0].paragraph_format.keep_with_next for row in table.rows]
    assert kept[:4] == [True] * 4 and not any(kept[4:])
    assert {row.cells[2].paragraphs[0].style.name for row in table.rows[1:]} == {"Table Text 9"}


def test_a_wide_table_stays_on_the_page(tmp_path):
    """Ten columns of estimates: a turned page, on which every number is whole and inside."""
    heads = " | ".join(f"Cohort {i}" for i in range(9))
    cells = " | ".join("12.34 (10.11, 13.57)" for _ in range(9))
    label = "A condition with a label that is long enough for several lines of any column"
    text = f"Before.\n\n| Condition | {heads} |\n|:--|{'--:|' * 9}\n| {label} | {cells} |\n\n: Wide {{#tbl-x}}\n\nAfter.\n"
    pdf, pdf_text, word, _ = print_of(write(tmp_path, text))
    assert pdf_text.count("12.34 (10.11, 13.57)") == 9
    sides = [page.mediabox.width > page.mediabox.height for page in pdf.pages]
    assert sides == [False, True, False]
    turned = pdf.pages[1]
    right = [x for text, x, _ in places_of(turned) if text.strip()]
    assert max(right) < float(turned.mediabox.width) - 71
    shapes = [section.page_width > section.page_height for section in word.sections]
    assert shapes == [False, True, False]
    assert all(section.footer.is_linked_to_previous is False for section in word.sections)


def test_levels_are_indented(tmp_path):
    text = "| a | n |\n|:--|--:|\n| Sex |  |\n| &emsp;women | 1 |\n"
    _, pdf_text, word, _ = print_of(write(tmp_path, text))
    assert "women" in pdf_text
    paragraph = word.tables[0].rows[2].cells[0].paragraphs[0]
    assert paragraph.text == "women" and paragraph.style.name == "Table Text 9 Level"
    assert paragraph.style.paragraph_format.left_indent > 0


def test_a_figure_with_vector_graphics_only_is_drawn_for_word(tmp_path):
    (tmp_path / "a.svg").write_text(SVG, "utf-8")
    (tmp_path / "dot.png").write_bytes(PNG)
    text = "![A bar](a.svg){#fig-a fig-alt='Bar.'}\n\n![](dot.png){width=50%}\n"
    pdf, _, word, _ = print_of(write(tmp_path, text))
    shape = word.inline_shapes[0]
    assert shape.width.pt == pytest.approx(300, abs=2) and shape.height.pt == pytest.approx(100, abs=2)
    (image, _) = word.part.package.image_parts
    assert image.image.px_width == pytest.approx(1250, abs=2)
    assert len(pdf.pages) == 1


def test_a_high_figure_leaves_room_for_its_caption(tmp_path):
    (tmp_path / "a.svg").write_text(SVG.replace("100pt", "1800pt"), "utf-8")
    pdf, _, word, _ = print_of(write(tmp_path, "![At the foot](a.svg){#fig-a fig-alt='High.'}\n"))
    (page,) = pdf.pages
    low = [y for text, _, y in places_of(page) if "foot" in text]
    assert min(low) > 71  # above the margin of the page
    assert word.inline_shapes[0].height.inches < 8.5


# ---------------------------------------------------------------------------------- languages


def project_of_two_languages(folder: Path) -> Path:
    reports = folder / "reports"
    (reports / "zh").mkdir(parents=True)
    write(reports, "---\ntitle: Home\n---\nEnglish.\n", "index.qmd")
    write(reports, "---\ntitle: Only here\n---\nEnglish.\n", "more.qmd")
    write(
        reports,
        "---\ntitle: 首页\n---\n\n## 方法 {#sec-m}\n\n见 @tbl-a 与 @sec-m。\n\n| 疾病 | n |\n|:--|--:|\n| 湿疹 | 3 |\n\n: 患病率 {#tbl-a}\n",
        "zh/index.qmd",
    )
    common = {"project": {"output-dir": "../_site"}, "profile": {"default": "en"}}
    (reports / "_quarto.yml").write_text(json.dumps(common), "utf-8")
    english = {"project": {"render": ["index.qmd", "more.qmd"]}, "website": {"title": "Skin"}}
    (reports / "_quarto-en.yml").write_text(json.dumps(english), "utf-8")
    chinese = {"project": {"render": ["zh/*.qmd"]}, "lang": "zh", "website": {"title": "皮肤健康"}}
    (reports / "_quarto-zh.yml").write_text(json.dumps(chinese), "utf-8")
    return reports


@needs_chinese_font
def test_a_profile_has_the_pages_of_its_language(tmp_path):
    reports = project_of_two_languages(tmp_path)
    files = render(reports, ("html", "pdf", "docx"), language=["en", "zh"], engine="embedded")
    site = tmp_path / "_site"
    assert [str(file.resolve().relative_to(site)) for file in files] == [
        "index.html",
        "more.html",
        "report.pdf",
        "report.docx",
        "zh/index.html",
        "zh/report.pdf",
        "zh/report.docx",
    ]
    link = r'<a href="([^"]+)" lang="(\w+)" hreflang="\w+" rel="alternate">([^<]+)</a>'
    english, only, chinese = (files[i].read_text("utf-8") for i in (0, 1, 4))
    assert set(re.findall(link, english)) == {("zh/index.html", "zh", "中文")}
    assert set(re.findall(link, chinese)) == {("../index.html", "en", "English")}
    assert not re.findall(link, only)
    assert "其他格式" in chinese and "皮肤健康" in chinese


@needs_chinese_font
def test_chinese_letters_are_in_the_pdf(tmp_path):
    pdf, pdf_text, word, word_text = print_of(project_of_two_languages(tmp_path), language="zh")
    for text in (pdf_text, word_text):
        assert "目录" in text and "见 表 1 与 方法。" in text
        assert text.count("表 1") == 2 and "表 1：患病率" in text and "表 1: " not in text
    assert pdf.trailer["/Root"]["/Lang"].startswith("zh") and pdf.metadata.title == "皮肤健康"
    assert word.core_properties.language.startswith("zh") or "zh" in word.styles.element.xml
    fonts = {str(f["/BaseFont"]) for page in pdf.pages for f in page["/Resources"]["/Font"].values()}
    assert any("CJK" in font for font in fonts) and any("Libertinus" in font for font in fonts)


def test_chinese_without_a_font_is_an_error_not_empty_boxes(tmp_path, monkeypatch):
    path = write(tmp_path, "患病率\n")
    monkeypatch.setattr("dermcohort.report.pdf.CHINESE", ("No such font", "Nor this"))
    with pytest.raises(ReportError, match="no font with Chinese characters was found for the PDF: install"):
        render(path, "pdf", engine="embedded")


def test_a_language_without_profile_is_that_of_the_captions(tmp_path):
    path = write(tmp_path, "| a |\n|---|\n| 1 |\n\n: Cap {#tbl-a}\n")
    (page,) = render(path, language="zh", engine="embedded")
    assert "表 1：Cap" in Elements(page.read_text("utf-8")).text and page == tmp_path / "_site" / "page.html"


def test_profiles_merge_as_in_quarto(tmp_path):
    """Maps key by key, lists one after the other: lists that differ stand in the profiles, not in common."""
    from dermcohort.report.project import read_project

    for name in ("a", "b"):
        write(tmp_path, "text\n", f"{name}.qmd")
    common = {"project": {"render": ["a.qmd"], "output-dir": "x"}, "author": "A", "lang": "en"}
    (tmp_path / "_quarto.yml").write_text(json.dumps(common), "utf-8")
    own = {"project": {"render": ["b.qmd", "a.qmd"]}, "lang": "zh"}
    (tmp_path / "_quarto-zh.yml").write_text(json.dumps(own), "utf-8")
    project = read_project(tmp_path, None, "zh")
    assert project.configuration == {
        **common,
        "lang": "zh",
        "project": {"render": ["a.qmd", "b.qmd"], "output-dir": "x"},
    }
    assert read_project(tmp_path, None, "en").configuration == common
