"""The subset of Quarto in one document, rendered once in the three formats."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree
from zipfile import ZipFile

import docx
import pytest
from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject
from report_subset import Elements, write_subset

from dermcohort.report import render

FORMATS = ("html", "pdf", "docx")
WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"


@dataclass
class Rendered:
    """The three files, and what a reader sees of each: text, alternative texts, targets of links in it."""

    html: str
    pdf: PdfReader
    word: docx.document.Document
    text: dict[str, str]
    alts: dict[str, list[str]]
    links: dict[str, list[str]]
    seconds: float


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("subset")
    path = write_subset(folder)
    start = time.perf_counter()
    files = render(path, FORMATS, engine="embedded", params={"cohort": "hunan"})
    seconds = time.perf_counter() - start
    assert files == [folder / "_site" / f"page.{format}" for format in FORMATS]
    html = files[0].read_text("utf-8")
    page, pdf, word = Elements(html), PdfReader(BytesIO(files[1].read_bytes())), docx.Document(str(files[2]))
    return Rendered(
        html,
        pdf,
        word,
        {"html": page.text, "pdf": text_of_pdf(pdf), "docx": text_of_word(files[2])},
        {
            "html": [image["alt"] for image in page.of("img")],
            "pdf": alts_of_pdf(pdf),
            "docx": [
                found.get("descr") for found in word.element.body.iter() if found.tag.endswith("}docPr")
            ],
        },
        {
            "html": [a["href"][1:] for a in page.of("a") if (a["href"] or "").startswith("#")],
            "pdf": [str(note["/Dest"] if "/Dest" in note else note["/A"]) for note in links_of_pdf(pdf)],
            "docx": [
                found.get(f"{WORD}anchor")
                for found in word.element.body.iter(f"{WORD}hyperlink")
                if found.get(f"{WORD}anchor")
            ],
        },
        seconds,
    )


def text_of_pdf(pdf: PdfReader) -> str:
    """The text without the breaks of lines and words at their ends."""
    text = " ".join(page.extract_text() for page in pdf.pages).replace("\u2010\n", "")
    return re.sub(r"\s+", " ", text)


def text_of_word(path: Path) -> str:
    """The text of all paragraphs and footnotes, a blank between two."""
    with ZipFile(path) as file:
        roots = [ElementTree.fromstring(file.read(f"word/{name}.xml")) for name in ("document", "footnotes")]
    paragraphs = [p for root in roots for p in root.iter(f"{WORD}p")]
    texts = ["".join(t.text or "" for t in p.iter() if t.tag.endswith("}t")) for p in paragraphs]
    return re.sub(r"\s+", " ", " ".join(texts))


def alts_of_pdf(pdf: PdfReader) -> list[str]:
    """The alternative texts in the tags, in order of reading."""
    found: list[str] = []

    def visit(node) -> None:
        node = node.get_object()
        if isinstance(node, ArrayObject):
            for item in node:
                visit(item)
        elif isinstance(node, DictionaryObject):
            if "/Alt" in node and node.get("/S") == "/Figure":
                found.append(str(node["/Alt"]))
            if "/K" in node:
                visit(node["/K"])

    visit(pdf.trailer["/Root"]["/StructTreeRoot"])
    return found


def links_of_pdf(pdf: PdfReader) -> list[DictionaryObject]:
    notes = [note.get_object() for page in pdf.pages for note in page.get("/Annots", [])]
    return [note for note in notes if note["/Subtype"] == "/Link"]


@pytest.fixture
def subset(rendered):
    """(HTML, elements, seconds)."""
    return rendered.html, Elements(rendered.html), rendered.seconds


# ---------------------------------------------------------------------------------- in every format


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    "shown",
    [
        "Skin health of three cohorts",
        "What was found",
        "A. Author",
        "2026-01-31",
        "Prevalence is in Table 1.",
        "See Section 2 and Section 2.1.",
        "Figure 1: A curve with emphasis: rising",
        "Figure 2: A dot",
        "Figure 3: The caption of the figure div",
        "Table 1: Prevalence by cohort",
        "Table 2: A plain table",
        "Table 3: The caption of the div",
        "Figure 1, 1, Figure 1, Figure 2, Fig. 2, Table 1, Table 2, Table 3, Figure 3.",
        "Eczema & co",
        "Crude prevalence.",
        "5 rows left out",
        "Note A note without title.",
        "Mind the gap A warning.",
        "Own heading Important.",
        "Tip A tip.",
        "Women Tab of women. Men Tab of men.",
        "A note at the foot.",
        "(Lim ~ 2020 ~ 3)",
        "Ann Lim ~ Itch.",
        "hunan at least 5",
        "# the options above are not shown",
        "cell of the part",
        "mind the warning",
        "not_run_at_all(1)",
        "ValueError: shown on purpose",
        "not_a_cell = True",
        "Some bold from a cell, see Section 1.",
        "raw cell",
        "A plain link and another page.",
    ],
)
def test_every_format_shows(rendered, format, shown):
    assert shown in rendered.text[format]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize(
    "absent",
    [
        "#|",
        "silenced warning",
        "never included",
        "output off",
        "import warnings",
        "{python}",
        "Only in slides",
    ],
)
def test_no_format_shows(rendered, format, absent):
    assert absent not in rendered.text[format]


@pytest.mark.parametrize(
    ("format", "shown", "hidden"),
    [
        (
            "html",
            ["inline shown", "Hidden elsewhere.", "Raw HTML"],
            ["Only in PDF", "Only in Word", "Hidden in HTML"],
        ),
        ("pdf", ["Only in PDF.", "Hidden in HTML."], ["Only in Word", "Hidden elsewhere", "inline shown"]),
        ("docx", ["Only in Word.", "Hidden in HTML."], ["Only in PDF", "Hidden elsewhere", "inline shown"]),
    ],
)
def test_content_follows_the_format(rendered, format, shown, hidden):
    assert [text for text in shown if text not in rendered.text[format]] == []
    assert [text for text in hidden if text in rendered.text[format]] == []


@pytest.mark.parametrize("format", FORMATS)
def test_figures_have_alternative_texts(rendered, format):
    assert rendered.alts[format] == [
        'A line that rises from "left" to right.',
        "One dark dot.",
        "A wrapped dot.",
    ]


@pytest.mark.parametrize("format", FORMATS)
def test_references_are_links(rendered, format):
    """Seven figures and tables in one sentence, and the sections."""
    assert len(rendered.links[format]) >= 12


def test_rendering_takes_seconds(rendered):
    assert rendered.seconds < 60


# ---------------------------------------------------------------------------------- PDF


def test_pdf_is_tagged_and_says_what_it_is(rendered):
    root = rendered.pdf.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en"
    assert rendered.pdf.metadata.title == "Skin health of three cohorts"
    assert "A. Author" in rendered.pdf.metadata.author and "B. Author" in rendered.pdf.metadata.author
    assert "/ModDate" not in rendered.pdf.metadata  # the same bytes tomorrow


# ---------------------------------------------------------------------------------- Word


def test_word_has_native_tables_with_repeated_heads(rendered):
    tables = [table for table in rendered.word.tables if table.style.name == "Table"]
    table = tables[0]
    assert table.cell(0, 0).text == ""
    assert table.rows[0]._tr.trPr.find(f"{WORD}tblHeader") is not None
    numbers = table.rows[1].cells[-1].paragraphs[0]
    assert (
        numbers.style.name == "Table Text 9" and numbers.alignment == docx.enum.text.WD_ALIGN_PARAGRAPH.RIGHT
    )


def test_word_uses_the_styles_of_the_reference(rendered):
    styles = {paragraph.style.name for paragraph in rendered.word.paragraphs}
    assert {"Title", "Heading 1", "Heading 2", "Table Caption", "Image Caption", "Captioned Figure"} <= styles
    boxes = [table for table in rendered.word.tables if table.style.name == "Callout Box"]
    assert [box.cell(0, 0).paragraphs[0].text for box in boxes] == [
        "Note",
        "Mind the gap",
        "Own heading",
        "Tip",
    ]


def test_word_takes_pixels_of_printing_quality(rendered):
    """The figure of a cell, 4 inches wide, has more than 1,000 pixels."""
    sizes = [part.image for part in rendered.word.part.package.image_parts]
    assert max(image.px_width for image in sizes) > 1000
    assert rendered.word.inline_shapes[0].width.inches < 6.3


def test_word_targets_of_links_are_there(rendered):
    names = {found.get(f"{WORD}name") for found in rendered.word.element.body.iter(f"{WORD}bookmarkStart")}
    assert set(rendered.links["docx"]) <= names
    assert {"fig-curve", "tbl-prevalence", "sec-results"} <= names


# ---------------------------------------------------------------------------------- HTML


def test_front_matter(subset):
    text, page, _ = subset
    assert "<h1>Skin health of <em>three</em> cohorts</h1>" in text
    assert "<title>Skin health of three cohorts</title>" in text
    assert "What was found" in page.text
    assert "A. Author, B. Author" in page.text
    assert "2026-01-31" in page.text
    assert "Prevalence is in Table 1." in page.text
    assert page.of("html") == [{"lang": "en"}]


def test_sections_are_numbered_and_referred_to(subset):
    text, page, _ = subset
    assert "See Section 2 and Section 2.1." in page.text
    assert '<a href="#sec-detail" class="cross-reference">' in text
    assert re.search(r'<h3 [^>]*id="sec-detail"[^>]*>.*2\.1.*Detail</h3>', text)


def test_contents_list_the_sections_of_the_page(subset):
    text, page, _ = subset
    side = text[text.index('<nav class="contents" aria-label') : text.index("</aside>")]
    side = side[: side.index("</nav>")]
    assert re.findall(r"<a href=[^>]*>(.*?)</a>", re.sub(r"<span.*?</span> ?", "", side)) == [
        "Methods",
        "Results",
        "Detail",
        "More outputs",
        "References",
    ]
    assert "On this page" in side
    assert side.count('href="#sec-results"') == 1
    assert "Women" not in side
    identifiers = [a["id"] for _, a in page.tags if a.get("id")]
    assert len(identifiers) == len(set(identifiers))


def test_figures_and_tables_are_numbered_in_order(subset):
    _, page, _ = subset
    assert "Figure 1: A curve with emphasis: rising" in page.text
    assert "Figure 2: A dot" in page.text
    assert "Figure 3: The caption of the figure div" in page.text
    assert "Table 1: Prevalence by cohort" in page.text
    assert "Table 2: A plain table" in page.text
    assert "Table 3: The caption of the div" in page.text


def test_references_lead_to_their_targets(subset):
    page = subset[1]
    expected = "Figure 1, 1, Figure 1, Figure 2, Fig. 2, Table 1, Table 2, Table 3, Figure 3."
    assert expected in page.text
    targets = {a["href"][1:] for a in page.of("a") if a.get("class") == "cross-reference"}
    assert targets <= {a["id"] for _, a in page.tags if a.get("id")}
    assert {"fig-curve", "fig-dot", "fig-wrapped", "tbl-prevalence", "tbl-plain", "tbl-divided"} <= targets


def test_images_are_in_the_page(subset):
    _, page, _ = subset
    assert page.of("img")[0]["src"].startswith("data:image/svg+xml;base64,")
    assert page.of("img")[1]["src"].startswith("data:image/png;base64,")
    assert "Axes" not in page.text and "Line2D" not in page.text


def test_tables_have_notes_and_natural_columns(subset):
    text = subset[0]
    table = text[text.index('id="tbl-prevalence"') :]
    table = table[: table.index("</figure>")]
    assert table.index("<figcaption>") < table.index("<table") < table.index('class="table-notes"')
    assert "Eczema &amp; co" in table and "itch_nrs" in table
    assert "<p>Crude prevalence.</p>" in table and "<p>n = 50</p>" in table
    assert "&lt;missing&gt;" in table
    assert "<col " not in text
    assert text.count('class="table-scroll"') >= text.count("<table")


def test_callouts(subset):
    _, page, _ = subset
    kinds = [a["class"] for a in page.of("div") if "callout callout-" in (a.get("class") or "")]
    assert [kind.split("-")[-1] for kind in kinds] == ["note", "warning", "important", "tip"]
    for words in (
        "Note A note without title.",
        "Mind the gap A warning.",
        "Own heading Important.",
        "Tip A tip.",
    ):
        assert words in page.text


def test_tabsets_are_flattened_below_their_section(subset):
    text, page, _ = subset
    assert "Women Tab of women. Men Tab of men." in page.text
    assert re.search(r'<h4 [^>]*class="[^"]*tab-title[^"]*"[^>]*>Women</h4>', text)


def test_footnotes_and_citations(subset):
    _, page, _ = subset
    assert "A note at the foot." in page.text
    assert "(Lim ~ 2020 ~ 3)" in page.text
    assert "Wei (2019)" in page.text or "Wei" in page.text
    assert "References" in page.text
    assert "Ann Lim ~ Itch." in page.text
    assert len(page.of("h1")) == 1


def test_options_of_cells(subset):
    _, page, _ = subset
    for shown in (
        "hunan at least 5",
        "# the options above are not shown",
        "cell of the part",
        "mind the warning",
        "not_run_at_all(1)",
        "ValueError: shown on purpose",
        "not_a_cell = True",
        "A sentence with",
        "Some bold from a cell, see Section 1.",
        "raw cell",
    ):
        assert shown in page.text, shown
    for absent in (
        "#|",
        "ipykernel",
        "silenced warning",
        "never included",
        "output off",
        "import warnings",
        "{python}",
    ):
        assert absent not in page.text, absent


def test_math_needs_no_javascript(subset):
    page = subset[1]
    assert page.of("math") and not page.of("script")


def test_page_is_self_contained(subset):
    text, page, _ = subset
    for tag in ("img", "script", "link", "iframe", "source", "object"):
        for attributes in page.of(tag):
            for name in ("src", "href", "data", "srcset"):
                assert (attributes.get(name) or "data:").startswith("data:")
    style = text[text.index("<style>") : text.index("</style>")]
    assert "http" not in style and "url(" not in style
    assert 'href="https://example.org/page"' in text
    assert 'href="other.html#part"' in text
