"""The appendix on reproducibility: software, raw files, scripts with their results, seeds, and how to run again."""

from __future__ import annotations

from ..language import Labels
from ..provenance import Provenance, Script
from .markdown import pipe_table
from .sources import SHORT, anchor_of

COMMANDS = """dermcohort harmonize raw/
dermcohort run --all
dermcohort report reports/"""


def reproducibility_text(record: Provenance, labels: Labels) -> str:
    """Markdown of the appendix; each script has a section that the notes below tables and figures lead to."""
    word = labels.word
    language = "" if labels.language == "en" else f" --language {labels.language}"
    return "\n\n".join(
        [
            f"## {word('How to run again')} {{#sec-rerun}}",
            f"```sh\n{COMMANDS}{language}\n```",
            f"## {word('Dictionary and study')} {{#sec-study}}",
            _study(record, labels),
            f"## {word('Raw files')} {{#sec-raw-files}}",
            _raw_files(record, labels),
            f"## {word('Software')} {{#sec-software}}",
            _software(record, labels),
            f"## {word('Seeds')} {{#sec-seeds}}",
            _seeds(record, labels),
            f"## {word('Scripts and their results')} {{#sec-scripts}}",
            *(_script(path, record, labels) for path in record.scripts),
        ]
    )


def _study(record: Provenance, labels: Labels) -> str:
    study = record.run.study
    rows = [
        [labels.word("Version of the dictionary"), study["dictionary_version"]],
        [labels.word("SHA-256 of the dictionary"), _short(study["dictionary_sha256"])],
        [labels.word("SHA-256 of the harmonized study (manifest.json)"), _short(study["manifest_sha256"])],
        [labels.word("Harmonized with"), f"dermcohort {study['dermcohort']}"],
    ]
    return pipe_table([labels.word("What"), labels.word("Value")], rows)


def _raw_files(record: Provenance, labels: Labels) -> str:
    heads = [labels.word(head) for head in ("Cohort", "Wave", "File", "Rows", "SHA-256")]
    rows = [
        [
            labels.get(f"cohort={raw['cohort']}", raw["cohort"]),
            labels.get(f"wave={raw['wave']}", raw["wave"]),
            f"`{raw['file']}`",
            f"{raw['rows']:,}",
            _short(raw["sha256"]),
        ]
        for raw in record.run.raw
    ]
    return pipe_table(heads, rows, numbers=[labels.word("Rows")])


def _software(record: Provenance, labels: Labels) -> str:
    versions = {"Python": record.run.python, **record.run.packages}
    return pipe_table(
        [labels.word("Package"), labels.word("Version")], [list(item) for item in versions.items()]
    )


def _seeds(record: Provenance, labels: Labels) -> str:
    rows = [
        [f"`{path}`", f"`{name}`", str(seed)]
        for path, script in record.scripts.items()
        for name, seed in script.seeds.items()
    ]
    if not rows:
        return labels.sentence("No script declares a seed.")
    return pipe_table([labels.word(head) for head in ("Script", "Name", "Value")], rows)


def _script(path: str, record: Provenance, labels: Labels) -> str:
    script = record.scripts[path]
    question = script.question.get(labels.language) or script.question.get("en") or ""
    files = [
        [f"`{file}`", _short(digest)]
        for result in record.results_of(path).values()
        for file, digest in result.files.items()
    ]
    parts = [
        f"### `{path}` {{#{anchor_of(path)}}}",
        question,
        labels.sentence(f"The SHA-256 of the script is {_short(script.sha256)}."),
    ]
    if not record.is_current(path):
        parts.append(
            labels.sentence(
                "It ran before the study or the software changed: its results are not of the last run."
            )
        )
    parts += [
        pipe_table([labels.word("File"), labels.word("SHA-256")], files) if files else "",
        _code(script, labels),
    ]
    return "\n\n".join(part for part in parts if part)


def _code(script: Script, labels: Labels) -> str:
    """The text of the script to unfold; only on pages, where it takes no room."""
    ticks = "`" * 3
    while ticks in script.code:
        ticks += "`"
    return (
        '::: {.content-visible when-format="html"}\n'
        f"<details>\n<summary>{labels.word('Text of the script')}</summary>\n\n"
        f"{ticks}python\n{script.code.rstrip()}\n{ticks}\n\n</details>\n:::"
    )


def _short(digest: str) -> str:
    return f"`{digest[:SHORT]}`"
