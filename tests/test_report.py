"""Reports: the subset of Quarto in one document rendered once, and what must not happen to a page."""

from __future__ import annotations

import base64
import builtins
import html as html_
import json
import os
import re
import time
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest
from report_subset import BIB, PNG, Elements, page_of, save_results, write

from dermcohort.describe import flow, listing, table_one
from dermcohort.estimates import Estimates
from dermcohort.report import ReportError, Results, pdf, render
from dermcohort.report.document import build
from dermcohort.report.execute import execute
from dermcohort.report.pandoc import run_pandoc
from dermcohort.report.qmd import read_document
from dermcohort.tables import markdown_table

# ---------------------------------------------------------------------------------- errors


def test_failing_cell_names_its_line_and_keeps_the_former_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reports").mkdir()
    path = write(tmp_path / "reports", "# A\n\nGood page.\n", "page.qmd")
    page = render("reports/page.qmd", engine="embedded")[0]
    text = "# A\n\n```{python}\n1\n```\n\ntext\n\n```{python}\n#| label: tbl-x\n{}['rate']\n```\n"
    path.write_text(text, "utf-8")
    with pytest.raises(ReportError) as error:
        render("reports/page.qmd", engine="embedded")
    assert str(error.value) == "reports/page.qmd:9: cell 'tbl-x' failed: KeyError: 'rate'"
    assert "Good page." in page.read_text("utf-8")
    assert [file.name for file in page.parent.iterdir()] == ["page.html"]


def test_no_kernel_is_left_running(tmp_path):
    path = write(tmp_path, "```{python}\nimport os\nprint('process', os.getpid())\n```\n")
    process = int(re.search(r"process (\d+)", Elements(page_of(path)).text)[1])
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_dying_kernel_names_the_cell(tmp_path):
    path = write(tmp_path, "```{python}\n1\n```\n\n```{python}\nimport os\nos._exit(1)\n```\n")
    with pytest.raises(ReportError, match=r"page\.qmd:5: the kernel died while this cell ran"):
        render(path, engine="embedded")


def test_failing_cell_of_an_included_file_names_that_file(tmp_path):
    write(tmp_path, "text\n\n```{python}\n1 / 0\n```\n", "part.qmd")
    path = write(tmp_path, "{{< include part.qmd >}}\n")
    with pytest.raises(
        ReportError, match=r"part\.qmd:3: the cell failed: ZeroDivisionError: division by zero"
    ):
        render(path, engine="embedded")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a\n\nsee @fig-curv\n\n![x](dot.png){#fig-curve}\n",
            r"page\.qmd:3: .*'@fig-curv'.*Did you mean 'fig-curve'",
        ),
        ("see @sec-none\n", r"page\.qmd:1: the reference '@sec-none' has no target"),
        ("see @eq-none\n", r"page\.qmd:1: the reference '@eq-none' has no target"),
        ("![x](dot.png){#fig-a}\n\n![x](dot.png){#fig-a}\n", r"page\.qmd:1: the label 'fig-a' is used twice"),
        ("![x](none.png)\n", r"page\.qmd: the image 'none\.png' does not exist"),
        ("![x](https://example.org/a.png)\n", r"page\.qmd: the image .* is elsewhere"),
        ("<script src='https://example.org/a.js'></script>\n", r"page\.qmd: raw HTML loads 'https:"),
        ("<div style='background: url(https://example.org/a.png)'></div>\n", r"raw HTML loads 'https:"),
        ("---\ntitle: a\n", r"page\.qmd:1: the front matter is not closed"),
        ("---\ntitle: [a\n---\n", r"page\.qmd:1: the front matter cannot be read"),
        ("a\n\n```{python}\n1\n", r"page\.qmd:3: the cell is not closed"),
        ("```{python}\n#| label: [a\n1\n```\n", r"page\.qmd:1: the options of the cell cannot be read"),
        ("```{r}\n1\n```\n", r"page\.qmd:1: .*runs python cells only, not 'r'"),
        ("a\n{{< include none.qmd >}}\n", r"page\.qmd:2: the included 'none\.qmd' does not exist"),
        ("{{< include page.qmd >}}\n", r"page\.qmd:1: 'page\.qmd' includes itself"),
        ("{{< video a.mp4 >}}\n", r"page\.qmd:1: .* no shortcode 'video'"),
        ("n = `{python} n`\n", r"page\.qmd:1: .*runs no inline code"),
        ("---\nbibliography: none.bib\n---\n", r"bibliography: none\.bib does not exist"),
        (
            "---\nbibliography: a.bib\n---\n@nobody says\n",
            r"the citation '@nobody' is not in the bibliography",
        ),
    ],
)
def test_clear_errors(tmp_path, text, message):
    (tmp_path / "dot.png").write_bytes(PNG)
    (tmp_path / "a.bib").write_text(BIB, "utf-8")
    with pytest.raises(ReportError, match=message):
        render(write(tmp_path, text), engine="embedded")
    assert not (tmp_path / "_site").exists()


def test_what_stands_in_code_is_not_run(tmp_path):
    text = "````markdown\n```{python}\nboom\n```\n{{< include x.qmd >}}\n````\n\nand `{{< a >}}`? no: ```{python}```\n"
    document = read_document(write(tmp_path, text.replace("and `{{< a >}}`? no: ", "")))
    assert len(document.parts) == 1 and "boom" in document.parts[0]


def test_unknown_parameter(tmp_path):
    path = write(
        tmp_path, "---\nparams: {region: a}\n---\n```{python}\n#| tags: [parameters]\ncohort = 1\n```\n"
    )
    with pytest.raises(ReportError, match=r"params: 'cohrt' is not declared .*Did you mean 'cohort'\?"):
        render(path, engine="embedded", params={"cohrt": 2})


def test_unknown_choices(tmp_path):
    path = write(tmp_path, "text\n")
    with pytest.raises(ReportError, match=r"engine: 'quartoo'.*Did you mean 'quarto'"):
        render(path, engine="quartoo")
    with pytest.raises(ReportError, match="language: 'de' is none of en, zh"):
        render(path, engine="embedded", language="de")
    with pytest.raises(ReportError, match=r"formats: 'doc' is none of html, docx, pdf\."):
        render(path, ("html", "doc"), engine="embedded")
    with pytest.raises(ReportError, match="does not exist"):
        render(tmp_path / "none", engine="embedded")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ReportError, match=r"empty has no \.qmd file"):
        render(tmp_path / "empty", engine="embedded")


@pytest.mark.parametrize("absent", ["nbclient", "nbformat", "ipykernel", "pypandoc", "typst"])
def test_missing_packages_say_what_to_install(tmp_path, monkeypatch, absent):
    path = write(tmp_path, "text\n" if absent in ("pypandoc", "typst") else "```{python}\n1\n```\n")
    pdf._all_fonts.cache_clear()
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.split(".")[0] == absent:
            raise ModuleNotFoundError(f"No module named '{absent}'", name=absent)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ReportError, match=r'pip install "dermcohort\[report\]"'):
        render(path, ("html", "pdf"), engine="embedded")


# ---------------------------------------------------------------------------------- projects, languages


def test_project_order_navigation_and_defaults(tmp_path):
    (tmp_path / "methods").mkdir()
    write(tmp_path, "---\ntitle: Welcome\n---\ntext\n", "index.qmd")
    write(tmp_path, "---\ntitle: Bees\n---\n## One {#sec-one}\n\n@sec-one\n", "b.qmd")
    write(tmp_path, "---\ntitle: Ants\nexecute: {echo: true}\n---\n```{python}\nshown = 1\n```\n", "a.qmd")
    write(tmp_path, "---\ntitle: Deep\n---\n```{python}\nhidden = 1\n```\n", "methods/deep.qmd")
    configuration = {
        "project": {"type": "website", "output-dir": "../out"},
        "website": {
            "title": "The site",
            "sidebar": {"contents": ["b.qmd", {"section": "More", "contents": ["methods/deep.qmd"]}]},
        },
        "execute": {"echo": False},
        "format": {"html": {"number-sections": True}},
    }
    listed = configuration["website"]["sidebar"]["contents"]
    listed += [{"href": "index.qmd", "text": "Start"}, {"file": "a.qmd", "text": "All ants"}]
    (tmp_path / "_quarto.yml").write_text(json.dumps(configuration), "utf-8")
    pages = render(tmp_path, engine="embedded", output=tmp_path / "out")
    assert [str(page.relative_to(tmp_path / "out")) for page in pages] == [
        "index.html",
        "b.html",
        "methods/deep.html",
        "a.html",
    ]
    texts = [page.read_text("utf-8") for page in pages]
    assert "<title>Welcome · The site</title>" in texts[0]
    links = re.findall(r'<a href="([^"#]+)"( aria-current="page")?>([^<]+)</a>', texts[2])
    assert links[:4] == [
        ("../index.html", "", "Start"),
        ("../b.html", "", "Bees"),
        ("deep.html", ' aria-current="page"', "Deep"),
        ("../a.html", "", "All ants"),
    ]
    assert links[:4] == links[4:8]  # the side of a wide screen, the menu of a narrow one
    assert "hidden" not in Elements(texts[2]).text and "shown = 1" in Elements(texts[3]).text
    assert "Section 1" in Elements(texts[1]).text
    # one page of the project alone has the same place and navigation
    (tmp_path / "out" / "b.html").unlink()
    assert render(tmp_path / "b.qmd", engine="embedded", output=tmp_path / "out") == [
        tmp_path / "out" / "b.html"
    ]
    assert (tmp_path / "out" / "b.html").read_text("utf-8") == texts[1]


def test_folder_without_configuration_and_one_bad_page(tmp_path):
    for name in ("z", "index", "a"):
        write(tmp_path, f"page {name}\n", f"{name}.qmd")
    write(tmp_path, "not a page\n", "_part.qmd")
    pages = render(tmp_path, engine="embedded")
    assert [page.name for page in pages] == ["index.html", "a.html", "z.html"]
    assert pages[0].parent == tmp_path / "_site"
    write(tmp_path, "new text\n", "a.qmd")
    write(tmp_path, "@fig-none\n", "z.qmd")
    with pytest.raises(ReportError, match=r"z\.qmd:1"):
        render(tmp_path, engine="embedded")
    assert "new text" not in pages[1].read_text("utf-8")


def test_chinese_captions_and_the_language_parameter(tmp_path):
    (tmp_path / "dot.png").write_bytes(PNG)
    text = """---
title: 报告
number-sections: true
abstract: 内容
---

```{python}
#| tags: [parameters]
#| include: false
language = "en"
```

## 方法 {#sec-a}

见 @fig-a 和 @tbl-a，@sec-a，[@fig-a; @fig-b]。

```{python}
#| echo: false
print("language is", language)
```

![曲线](dot.png){#fig-a}

![散点](dot.png){#fig-b}

| a | b |
|---|---|
| 1 | 2 |

: 患病率 {#tbl-a}

::: {.callout-warning}
小心。
:::
"""
    page = Elements(page_of(write(tmp_path, text), language="zh"))
    assert "见 图 1 和 表 1，第 1 节，图 1、图 2。" in page.text
    assert "图 1：曲线" in page.text and "表 1：患病率" in page.text
    assert "警告" in page.text and "本页目录" in page.text and "摘要" in page.text
    assert "language is zh" in page.text
    assert page.of("html") == [{"lang": "zh"}]


def test_unnumbered_sections_are_referred_to_by_title(tmp_path):
    page = Elements(page_of(write(tmp_path, "# Methods {#sec-m}\n\nSee @sec-m.\n")))
    assert "See Methods." in page.text


def test_other_formats_start_from_the_same_tree(tmp_path):
    """Conditional content follows the format; nothing in the tree is HTML."""
    text = "::: {.content-visible when-format='docx'}\nFor Word, @tbl-a.\n:::\n\n| a |\n|---|\n| 1 |\n\n: T {#tbl-a}\n"
    document = read_document(write(tmp_path, text))
    tree = build(execute(document, {}, {}, tmp_path), document, {}, tmp_path, "docx")
    shown = json.dumps(tree)
    assert "Word," in shown and "Table\\u00a01" in shown and "RawBlock" not in shown


# ---------------------------------------------------------------------------------- results


def test_results_take_printed_names_of_the_study_in_the_language_of_the_page(tmp_path, monkeypatch, capsys):
    folder = save_results(tmp_path / "results")
    names = {"en": {"eczema": "Eczema", "age": "Age"}, "zh": {"eczema": "湿疹", "age": "年龄", "sex": "性别"}}
    (folder / "labels.json").write_text(json.dumps(names), "utf-8")
    data = pd.DataFrame({"age": [30.0, 40], "sex": ["f", "m"]})
    table_one(data, ["age", "sex"], labels={"age": "Age", "sex": "Gender"}).save(folder / "one")
    monkeypatch.delenv("DERMCOHORT_LANGUAGE", raising=False)
    Results(folder).table("prevalence")
    assert "| Eczema |" in capsys.readouterr().out
    monkeypatch.setenv("DERMCOHORT_LANGUAGE", "zh")
    Results(folder).table("prevalence", labels={"itch_nrs": "Itch"})
    Results(folder).table("one")
    printed = capsys.readouterr().out
    for shown in ("| 湿疹 |", "| Itch |", "| 年龄，均数（标准差） |", "| Gender，n（%） |"):
        assert shown in printed


def test_results_come_from_the_nearest_folder(tmp_path, monkeypatch, capsys):
    folder = save_results(tmp_path / "results")
    (tmp_path / "reports").mkdir()
    monkeypatch.chdir(tmp_path / "reports")
    monkeypatch.delenv("DERMCOHORT_RESULTS", raising=False)
    assert Results().folder == folder
    Results().table("prevalence", columns=["", "n"])
    printed = capsys.readouterr().out
    assert printed.splitlines()[:3] == ["|   | n |".replace("   ", "  "), "|:--|--:|", "| eczema | 50 |"]
    assert Results().load("prevalence").n == 50
    assert "<svg" in Results().figure("curve")._repr_mimebundle_()["image/svg+xml"]
    (folder / "curve.png").write_bytes(PNG)
    for name, kinds in (("curve", {"image/svg+xml", "image/png"}), ("dot", {"image/png"})):
        shown = Results().figure(name)._repr_mimebundle_()
        assert set(shown) == kinds and base64.b64decode(shown["image/png"]) == PNG
    monkeypatch.setenv("DERMCOHORT_RESULTS", str(tmp_path / "none"))
    with pytest.raises(ReportError, match="'none' does not exist: run dermcohort run first"):
        Results()


def test_cards_are_shown_in_the_language_of_the_page(tmp_path, capsys):
    (tmp_path / "variables.en.md").write_text("## Skin", "utf-8")
    (tmp_path / "variables.zh.md").write_text("## 皮肤", "utf-8")
    Results(tmp_path, language="zh").cards("variables")
    Results(tmp_path, language="fr").cards("variables")
    printed = capsys.readouterr().out
    assert printed.index("## 皮肤") < printed.index("## Skin")
    assert "各变量的卡片见本报告的网页版。" in printed
    with pytest.raises(ReportError, match=r"no cards 'variable'\. Did you mean 'variables'\?"):
        Results(tmp_path).cards("variable")


def test_pages_do_not_search_pandoc_at_the_same_time(tmp_path, monkeypatch):
    """pypandoc keeps the first program it meets until it has seen all; a second thread would be given that one."""
    import pypandoc

    searching: list[int] = []
    path = pypandoc.get_pandoc_path()

    def slowly():
        assert not searching, "two threads search"
        searching.append(1)
        time.sleep(0.05)
        searching.pop()
        return path

    monkeypatch.setattr(pypandoc, "get_pandoc_path", slowly)
    options = {"from": "markdown", "to": "html"}
    folders = [tmp_path / name for name in "ab"]
    for folder in folders:
        folder.mkdir()
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda folder: run_pandoc("*a*", options, folder)[0], folders))
    assert found == ["<p><em>a</em></p>\n"] * 2


def test_missing_results_name_what_there_is(tmp_path, monkeypatch):
    results = Results(save_results(tmp_path / "results"))
    with pytest.raises(
        ReportError, match=r"no estimates 'prevalense'\. Did you mean 'prevalence'\? There are: prev"
    ):
        results.table("prevalense")
    with pytest.raises(
        ReportError, match=r"no figure 'x'\. There are: curve, dot\. .*run dermcohort run first"
    ):
        results.figure("x")
    with pytest.raises(KeyError, match="columns: 'N' is not printed"):
        results.table("prevalence", columns=["N"])
    monkeypatch.delenv("DERMCOHORT_RESULTS", raising=False)
    monkeypatch.chdir(tmp_path / "results")
    assert Results().folder == tmp_path / "results"


def test_markdown_of_a_table_is_what_its_text_says(tmp_path):
    """Every sign that means something to Markdown comes out as itself."""
    cells = [
        "a|b",
        "*x* _y_ `z`",
        "<b> & [c](d)",
        "\u2003indented #1 ~s~ ^t^ $m$ @fig-x",
        "1. no list",
        "C:\\path",
    ]
    frame = pd.DataFrame({"": cells, "n": ["1", "−2", "<3", "–", "∞", "6"], "word": list("abcdef")})
    notes = ["- no list with <tag> & 'a_b'", "1. neither here", "# no heading"]
    text = page_of(write(tmp_path, markdown_table(frame, notes) + "\n"))
    for cell in [*cells, *notes]:
        shown = re.sub(r"'(\w+)'", "‘\\1’", cell) if cell in notes else cell
        assert html_.escape(shown, quote=False) in text, cell
    rows = re.findall(r'<t[hd] style="text-align: (\w+);">', text.partition("<tbody>")[2])
    assert rows[:3] == ["left", "right", "left"]


def test_spread_puts_groups_side_by_side():
    table = pd.DataFrame(
        {"cohort": ["a", "a", "b"], "term": ["acne", "itch", "itch"], "measure": "prevalence"}
        | {"estimate": [0.1, 0.2, 0.3], "conf_low": [0.0, 0.1, 0.2], "conf_high": [0.2, 0.3, 0.4], "n": 9}
    )
    shown = Estimates(table, method="m", n=9).to_markdown({"cohort": "Cohort"}, spread="cohort").splitlines()
    assert shown[0] == "|  | a | b |"
    assert shown[2] == "| acne | 10.0 (0.0, 20.0) | – |"
    assert shown[3] == "| itch | 20.0 (10.0, 30.0) | 30.0 (20.0, 40.0) |"


def test_notes_are_the_same_in_markdown_and_great_tables():
    data = pd.DataFrame({"age": [30.0, 40, None], "sex": ["f", "m", "f"]})
    for made in (
        table_one(data, ["age"], by="sex"),
        flow([("Enrolled", 12), ("Analysed", 10, [("Missing", 2)])]),
        listing(pd.DataFrame({"file": ["a"], "rows": [1]}), "Rows."),
    ):
        notes = [made.method, *made.notes]
        assert made._table_notes() == notes
        assert made.to_markdown().endswith(":::")
        for note in notes:
            assert html_.escape(note) in made.gt().as_raw_html()
