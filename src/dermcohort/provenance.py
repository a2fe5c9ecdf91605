"""Which script made which result, of which study, with which software: `provenance.json` beside the results.

`dermcohort run` writes it, the report reads it. Names of files are relative to the project, and what is hashed holds
no time, so the same study, scripts and packages give the same hashes on every machine.
"""

from __future__ import annotations

import ast
import hashlib
import json
import platform
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd

from .storage import write_text

FILE = "provenance.json"
PACKAGES = ("dermcohort", "numpy", "pandas", "pyarrow", "scipy", "statsmodels", "lifelines", "formulaic",
            "matplotlib", "pyreadstat", "great-tables")  # fmt: skip
SEED = re.compile(r"SEED|[A-Z0-9_]+_SEED")
QUESTION = re.compile(r"QUESTION_([A-Z]{2})")
# of a file of results: x.parquet, x.json, x.svg, x.zh.png and x.en.md belong to the result x
ENDING = re.compile(r"(\.[a-z]{2})?\.[A-Za-z]+$")


@dataclass(frozen=True)
class Run:
    """Study and software of a run. `environment` is the hash of all of it, and of the code of this package.

    Parameters
    ----------
    study : mapping
        ``dictionary_version``, ``dictionary_sha256``, ``manifest_sha256`` and ``dermcohort`` (the version that
        harmonized).
    raw : list of mapping
        ``cohort``, ``wave``, ``file``, ``rows``, ``sha256`` of each raw file.
    """

    python: str
    packages: Mapping[str, str]
    study: Mapping[str, str]
    raw: list[dict[str, Any]]
    environment: str


@dataclass(frozen=True)
class Script:
    """A script of analyses/ as it ran.

    Parameters
    ----------
    sha256 : str
        Of its code.
    environment : str
        That of the run.
    code : str
        The code itself, so that the results explain themselves.
    question : mapping
        By language: the docstring, and the constants ``QUESTION_ZH`` … of the script.
    seeds : mapping
        Its constants ``SEED`` and ``…_SEED``, and what calls are given as ``seed=``, by ``function, line``.
    """

    sha256: str
    environment: str
    code: str
    question: Mapping[str, str] = field(default_factory=dict)
    seeds: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """Files of one result with their hashes, and what they were made from."""

    script: str
    script_sha256: str
    files: Mapping[str, str]
    when: str
    dictionary_version: str
    dictionary_sha256: str
    manifest_sha256: str
    dermcohort: str


@dataclass(frozen=True)
class Provenance:
    """The whole record: scripts by their path (``analyses/prevalence.py``), results by their name."""

    run: Run
    scripts: Mapping[str, Script] = field(default_factory=dict)
    results: Mapping[str, Result] = field(default_factory=dict)

    def is_current(self, script: str) -> bool:
        """Whether the script ran with the study and software of the last run."""
        return self.scripts[script].environment == self.run.environment

    def results_of(self, script: str) -> dict[str, Result]:
        """Results by name that the script wrote."""
        return {name: result for name, result in self.results.items() if result.script == script}

    def with_script(self, path: str, script: Script, files: Mapping[str, str], when: str) -> Provenance:
        """The record after a script ran: what it wrote before and not again is no result any more."""
        made_from = {
            "when": when,
            "dictionary_version": self.run.study["dictionary_version"],
            "dictionary_sha256": self.run.study["dictionary_sha256"],
            "manifest_sha256": self.run.study["manifest_sha256"],
            "dermcohort": self.run.packages["dermcohort"],
        }
        by_name: dict[str, dict[str, str]] = {}
        for file, digest in files.items():
            by_name.setdefault(result_name(file), {})[file] = digest
        written = {name: Result(path, script.sha256, own, **made_from) for name, own in by_name.items()}
        kept = {name: result for name, result in self.results.items() if result.script != path}
        return Provenance(
            self.run,
            dict(sorted({**self.scripts, path: script}.items())),
            dict(sorted({**kept, **written}.items())),
        )

    def without(self, gone: Iterable[str]) -> Provenance:
        """The record without scripts that are no more, and without their results."""
        gone = set(gone)
        return Provenance(
            self.run,
            {path: script for path, script in self.scripts.items() if path not in gone},
            {name: result for name, result in self.results.items() if result.script not in gone},
        )

    def save(self, folder: Path) -> None:
        """Write ``provenance.json`` into the folder of results."""
        write_text(folder / FILE, json.dumps(asdict(self), ensure_ascii=False, indent=1) + "\n")


def read_provenance(folder: Path) -> Provenance | None:
    """The record of a folder of results; None where there is none that this version can read."""
    try:
        found = json.loads((folder / FILE).read_text("utf-8"))
        return Provenance(
            Run(**found["run"]),
            {path: Script(**script) for path, script in found["scripts"].items()},
            {name: Result(**result) for name, result in found["results"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def run_of(study: Path) -> Run:
    """Study and software as they are now."""
    from . import __version__

    manifest = json.loads((study / "manifest.json").read_text("utf-8"))
    ledger = pd.read_parquet(study / "ledger.parquet", columns=["cohort", "wave", "file"])
    rows = ledger["file"].astype(str).value_counts()
    raw = []
    for place, given in sorted(manifest["inputs"].items()):
        cohort, wave = place.split("/", 1)
        raw.append({"cohort": cohort, "wave": wave, "file": given["file"], "rows": int(rows.get(given["file"], 0)),
                    "sha256": given["sha256"]})  # fmt: skip
    known: dict[str, Any] = {
        "python": platform.python_version(),
        "packages": {"dermcohort": __version__, **_installed(PACKAGES[1:])},
        "study": {
            "dictionary_version": manifest["dictionary_version"],
            "dictionary_sha256": manifest["dictionary_sha256"],
            "manifest_sha256": hash_of(study / "manifest.json"),
            "dermcohort": manifest["dermcohort"],
        },
        "raw": raw,
    }
    package = Path(__file__).parent
    code = [file for file in sorted(package.rglob("*")) if file.suffix in (".py", ".yaml")]
    tables = hash_of(study / "visits.parquet", study / "participants.parquet", *code)
    environment = hashlib.sha256(json.dumps([known, tables], sort_keys=True).encode()).hexdigest()
    return Run(**known, environment=environment)


def script_of(path: Path, environment: str) -> Script:
    """A script as it is now. The seeds and questions are read from its text: nothing runs.

    A script that is no Python has neither; running it will tell.
    """
    content = path.read_bytes()
    digest, code = hashlib.sha256(content).hexdigest(), content.decode("utf-8", "replace")
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError):
        return Script(digest, environment, code)
    constants = _constants(tree)
    question = {"en": ast.get_docstring(tree) or ""}
    question |= {
        found[1].lower(): value.strip()
        for name, value in constants.items()
        if (found := QUESTION.fullmatch(name)) and isinstance(value, str)
    }
    seeds = {
        name: value for name, value in constants.items() if SEED.fullmatch(name) and _is_whole_number(value)
    }
    seeds |= _seeds_of_calls(tree)
    return Script(digest, environment, code, {key: text for key, text in question.items() if text}, seeds)


def script_path(script: Path) -> str:
    """``analyses/prevalence.py``: the path as the record names it, the same on every machine."""
    return f"{script.resolve().parent.name}/{script.name}"


def result_name(file: str) -> str:
    """Name of the result that a file belongs to.

    Examples
    --------
    >>> result_name("prevalence.zh.svg"), result_name("trend_0.5.parquet")
    ('prevalence', 'trend_0.5')
    """
    return ENDING.sub("", file)


def hash_of(*paths: Path) -> str:
    """SHA-256 of the contents, one after the other."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _constants(tree: ast.Module) -> dict[str, Any]:
    """Values of ``NAME = literal`` at the level of the module."""
    found = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            try:
                value = ast.literal_eval(statement.value)
            except ValueError:
                continue
            found.update({t.id: value for t in statement.targets if isinstance(t, ast.Name)})
    return found


def _seeds_of_calls(tree: ast.Module) -> dict[str, int]:
    """Whole numbers given as ``seed=``; one that is a constant of the script is there under its name."""
    found: dict[str, int] = {}
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        for argument in call.keywords:
            given = argument.value
            seed: Any = given.value if isinstance(given, ast.Constant) else None
            if argument.arg == "seed" and _is_whole_number(seed):
                found[f"{ast.unparse(call.func).split('.')[-1]}, line {given.lineno}"] = seed
    return found


def _is_whole_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _installed(packages: Iterable[str]) -> dict[str, str]:
    """Versions of the packages that are there, without the label of a build (``+local``)."""
    found = {}
    for package in packages:
        try:
            found[package] = metadata.version(package).split("+")[0]
        except metadata.PackageNotFoundError:
            continue
    return found
