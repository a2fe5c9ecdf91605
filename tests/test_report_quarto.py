"""What the program `quarto` is asked to do: a fake one records it, and the files that it was given."""

from __future__ import annotations

import json
import os
import sys

import pytest
import yaml
from report_subset import write

from dermcohort.report import ReportError, render

FAKE = """#!{python}
import json, os, pathlib, sys
if os.environ.get('FAKE_QUARTO_FAILS'):
    sys.stderr.write('ERROR: no such thing\\n'); sys.exit(1)
option = lambda name: sys.argv[sys.argv.index(name) + 1]
given, out, kind = pathlib.Path(sys.argv[2]), pathlib.Path(option('--output-dir')), option('--to')
texts = {{}}
if given.is_dir():
    texts = {{str(f.relative_to(given)): f.read_text() for f in given.rglob('*') if f.suffix in ('.qmd', '.yml')}}
record = pathlib.Path({record!r})
done = json.loads(record.read_text()) if record.exists() else []
done.append({{'arguments': sys.argv[1:], 'python': os.environ.get('QUARTO_PYTHON'), 'files': texts,
              'language': os.environ.get('DERMCOHORT_LANGUAGE'), 'beside': sorted(os.listdir(given.parent))}})
record.write_text(json.dumps(done))
if kind == 'html':
    names = ('a.html', 'index.html', 'lib/x.css')
else:
    listed = texts['_quarto.yml'].split('render:')[1].strip(' -[]\\n')
    names = [listed.replace('.qmd', '.docx' if kind == 'docx' else '.pdf')]
for name in names:
    (out / name).parent.mkdir(parents=True, exist_ok=True); (out / name).write_text(name)
"""


@pytest.fixture
def fake_quarto(tmp_path, monkeypatch):
    """A program `quarto` that records what it was given and writes files; fails when told to."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "quarto"
    program.write_text(FAKE.format(python=sys.executable, record=str(tmp_path / "record.json")))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return tmp_path / "record.json"


def test_quarto_is_used_where_it_is_installed(tmp_path, fake_quarto):
    text = "```{python}\n#| tags: [parameters]\nlanguage = 'en'\nn = 1\n```\n"
    path = write(tmp_path, text)
    pages = render(path, output=tmp_path / "out", language="zh", params={"n": 3})
    assert pages == [tmp_path / "out" / "index.html", tmp_path / "out" / "a.html"]
    assert (tmp_path / "out" / "lib" / "x.css").exists()
    (record,) = json.loads(fake_quarto.read_text())
    assert record["python"] == sys.executable and record["language"] == "zh"
    arguments = record["arguments"]
    assert arguments[:4] == ["render", str(path), "--to", "html"]
    assert arguments[6:] == ["-P", "language:zh", "-P", "n:3", "-M", "lang:zh"]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["bin", "out", "page.qmd", "record.json"]


def test_quarto_gets_all_pages_of_a_folder_as_one_file_for_pdf_and_word(tmp_path, fake_quarto):
    reports = tmp_path / "reports"
    (reports / "zh").mkdir(parents=True)
    (tmp_path / "results").mkdir()
    cell = "```{python}\n#| tags: [parameters]\nlanguage = 'en'\n```\n"
    write(
        reports,
        f"---\ntitle: 首页\nexecute: {{echo: true}}\n---\n\n{cell}\n见[乙](b.qmd#sec-b)。[^1]\n\n[^1]: 注\n",
        "zh/index.qmd",
    )
    write(
        reports, "---\ntitle: 乙\n---\n\n# 节 {#sec-b}\n\n回[首页](index.qmd)。[^1]\n\n[^1]: 又\n", "zh/b.qmd"
    )
    write(reports, "---\ntitle: Home\n---\n", "index.qmd")
    common = {"project": {"output-dir": "../_site"}, "profile": {"default": "en"}, "author": "The group"}
    (reports / "_quarto.yml").write_text(json.dumps(common), "utf-8")
    (reports / "_quarto-en.yml").write_text(json.dumps({"project": {"render": ["index.qmd"]}}), "utf-8")
    chinese = {"project": {"render": ["zh/*.qmd"]}, "website": {"title": "皮肤健康"}, "output-file": "skin"}
    (reports / "_quarto-zh.yml").write_text(json.dumps(chinese), "utf-8")
    files = render(reports, ("html", "pdf", "docx"), language="zh")
    site = tmp_path / "_site"
    assert [file.resolve().relative_to(site) for file in files][-2:] == [
        (site / name).relative_to(site) for name in ("zh/skin.pdf", "zh/skin.docx")
    ]
    html, pdf, word = json.loads(fake_quarto.read_text())
    assert html["arguments"][1] == str(reports) and html["arguments"][6:8] == ["--profile", "zh"]
    assert pdf["arguments"][3] == "typst" and word["arguments"][3] == "docx"
    assert pdf["arguments"][1] != str(reports) and "results" in pdf["beside"]
    assert sorted(name for name in pdf["files"] if name.endswith(".yml")) == ["_quarto.yml"]
    source = pdf["files"]["zh/skin.qmd"]
    _, front, text = source.split("---\n", 2)
    assert yaml.safe_load(front)["title"] == "皮肤健康" and yaml.safe_load(front)["author"] == ["The group"]
    assert yaml.safe_load(front)["lang"] == "zh"
    for expected in (
        "# 首页 {#chapter-index}",
        "见[乙](#sec-b)。[^1-1]",
        "[^2-1]: 又",
        "# 乙 {#chapter-b}\n\n## 节 {#sec-b}",
        "回[首页](#chapter-index)。",
        "#| echo: true\nlanguage = 'en'",
        "#| include: false\nlanguage = 'zh'",
    ):
        assert expected in text, expected
    # the copy is gone
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "_site",
        "bin",
        "record.json",
        "reports",
        "results",
    ]


def test_quarto_failure_shows_its_last_lines(tmp_path, fake_quarto, monkeypatch):
    monkeypatch.setenv("FAKE_QUARTO_FAILS", "1")
    with pytest.raises(ReportError, match="quarto render failed: ERROR: no such thing"):
        render(write(tmp_path, "text\n"), engine="quarto", output=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_quarto_asked_for_but_absent(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        ReportError, match="'quarto' is not on the PATH; install Quarto, or use engine='embedded'"
    ):
        render(write(tmp_path, "text\n"), engine="quarto")
