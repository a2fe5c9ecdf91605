"""What the cells of a report use: tables and figures that the scripts of analyses/ saved."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from ..estimates import Estimates
from ..language import Labels
from ..pipeline import LABELS, RESULTS_VARIABLE
from ..provenance import Provenance, read_provenance
from ..tables import markdown_table
from ..wording import suggest
from .errors import ReportError
from .methods import methods_text
from .reproducibility import reproducibility_text
from .sources import source_note
from .strobe import strobe_table
from .words import LANGUAGE_VARIABLE

ELSEWHERE = "The cards of the variables are in the HTML version of this report."
REASONS = {"primary": "Small counts", "complementary": "Would reveal them", "derived": "Computed from them"}
LEAST = "Least count shown"
UNCHECKED = "Not checked for small counts."
NOT_SHOWN = "not shown"


class Results:
    """The results folder: what `dermcohort run` chose, else the nearest ``results/`` here or above.

    Parameters
    ----------
    folder : path, optional
        Another folder.
    language : str, optional
        Of the printed names that `dermcohort run` saved with the results. Default: that of the page.

    Raises
    ------
    ReportError
        If there is none.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None, language: str | None = None) -> None:
        self.folder = _find_folder() if folder is None else Path(folder)
        if not self.folder.is_dir():
            raise ReportError(
                f"the results folder '{self.folder.name}' does not exist: run dermcohort run first"
            )

        self.language = language or os.environ.get(LANGUAGE_VARIABLE, "en")
        self.names = _printed_names(self.folder, "en")
        self.labels = _printed_names(self.folder, self.language)
        self.provenance = read_provenance(self.folder)

    def has(self, name: str) -> bool:
        """Whether estimates are saved under `name`: a page may leave out what a script did not make."""
        return (self.folder / f"{name}.parquet").exists()

    def load(self, name: str) -> Estimates:
        """The estimates saved under `name`."""
        return Estimates.load(self._file(name, "estimates", (".parquet",)))

    def table(
        self,
        name: str,
        labels: Mapping[str, str] | None = None,
        columns: Sequence[str] | None = None,
        *,
        spread: str | None = None,
    ) -> None:
        """Print a table as Markdown, method, notes and source below it; for a cell with ``output: asis``.

        A table of people that did not pass `study.shown` says so below it.

        Parameters
        ----------
        labels : mapping, optional
            Printed name of a column, term or level (as ``variable=level``); those of the study where absent.
        columns : list of str, optional
            Printed columns to show, in this order; all where absent.
        spread : str, optional
            A grouping column whose levels become columns, each with its estimates.
        """
        estimates = self.load(name)
        # names that the script chose itself stay; those it took from the study are in the page's language
        chosen = getattr(estimates, "labels", {})
        own = {key: label for key, label in chosen.items() if label != self.names.get(key)}
        names = self.labels | own | (labels or {})
        if _is_unchecked(estimates):
            estimates = replace(estimates, notes=(*estimates.notes, self.labels.sentence(UNCHECKED)))
        print(estimates.to_markdown(names, columns=columns, spread=spread))
        self._print_source(name, [".parquet"])

    def told(self, value: float, form: str = ".1f") -> str:
        """A number for a sentence: as `form` says, "not shown" where it was suppressed (NaN).

        Examples
        --------
        >>> Results(".").told(12.345), Results(".").told(float("nan"))
        ('12.3', 'not shown')
        """
        return self.labels.word(NOT_SHOWN) if pd.isna(value) else format(value, form)

    def cards(self, name: str) -> None:
        """Print the cards of the variables saved under `name`; for a cell with ``output: asis``.

        They are made for a screen: PDF and Word have a sentence in their place.
        """
        file = self._file(name, "cards", (f".{self.language}.md", ".en.md"))
        print(f'::: {{.content-visible when-format="html"}}\n\n{file.read_text("utf-8")}\n')
        self._print_source(name, [file.name.removeprefix(name)])
        print("\n:::\n")
        print(f'::: {{.content-hidden when-format="html"}}\n{self.labels.sentence(ELSEWHERE)}\n:::')

    def suppressed(self) -> None:
        """Print how many cells of each saved table were suppressed, and why; for a cell with ``output: asis``.

        Below the table stand those in which nothing had to be, lists of which no column was said to count
        people, and tables that did not pass `study.shown`.
        """
        rows: list[dict[str, str]] = []
        lists: dict[str, list[str]] = {"whole": [], "nobody": [], "unchecked": []}
        for file in sorted(self.folder.glob("*.parquet")):
            estimates = Estimates.load(file)
            passed = estimates.suppressed
            if passed is None:
                lists["unchecked" if _is_unchecked(estimates) else "nobody"].append(file.stem)
            elif passed["cells"].empty:
                lists["whole"].append(file.stem)
            else:
                why = passed["cells"]["why"].value_counts()
                counts = {head: str(why.get(reason, 0)) for reason, head in REASONS.items()}
                rows.append({"Table": file.stem, LEAST: str(passed["min_cell"]), **counts})
        sentences = {
            "whole": "Nothing had to be suppressed in: {}.",
            "nobody": "Lists of which no column was named that counts people, or published numbers: {}.",
            "unchecked": "Not checked: {}.",
        }
        notes = [sentences[kind].format(", ".join(names)) for kind, names in lists.items() if names]
        heads = ["Table", LEAST, *REASONS.values()]
        shown = pd.DataFrame(rows, columns=heads).rename(columns=self.labels.word)
        print(markdown_table(shown, [self.labels.sentence(note) for note in notes]))

    def figure(self, name: str) -> SavedFigure:
        """A figure saved under `name`, to stand last in a cell."""
        own = () if self.language == "en" else (f".{self.language}.svg",)
        return SavedFigure(self._file(name, "figure", (*own, ".svg", ".png")))

    def source(self, name: str) -> None:
        """Print the source of the figure `name`; for a cell with ``output: asis`` below that of the figure.

        A cell of its own, as Quarto makes two figures of a cell that shows two things.
        """
        self._print_source(name, [f".{self.language}.svg", ".svg", ".png"])

    def methods(self, labels: Mapping[str, str] | None = None) -> None:
        """Print the methods section; for a cell with ``output: asis``.

        For each script its question and the methods of its estimates, each once; then how missing values were handled.

        Parameters
        ----------
        labels : mapping, optional
            Printed name of a variable that a script made; those of the study where absent.
        """
        print(methods_text(self._record(), self.folder, self.labels | (labels or {})))

    def strobe(self, answers: str | os.PathLike[str] = "strobe.yaml") -> None:
        """Print the STROBE checklist with the study's answers; for a cell with ``output: asis``.

        Parameters
        ----------
        answers : path
            File of the answers, seen from the page. docs/provenance.md says how it is written.

        Raises
        ------
        ReportError
            With file and line, if an item is unknown or not answered, or a section it leads to does not exist.
        """
        print(strobe_table(Path(answers), Path(), self.labels))

    def reproducibility(self) -> None:
        """Print software, raw files, scripts with their results, and seeds; for a cell with ``output: asis``."""
        print(reproducibility_text(self._record(), self.labels))

    def _record(self) -> Provenance:
        if self.provenance is None:
            raise ReportError(
                f"{self.folder.name}/ has no record of what made the results: run dermcohort run first"
            )
        return self.provenance

    def _print_source(self, name: str, suffixes: Sequence[str]) -> None:
        note = source_note(self.provenance, self.folder, name, suffixes, self.labels)
        if note:
            print(f"\n{note}")

    def _file(self, name: str, kind: str, suffixes: Sequence[str]) -> Path:
        for suffix in suffixes:
            file = self.folder / f"{name}{suffix}"
            if file.exists():
                return file
        known = sorted(
            {file.name.removesuffix(suffix) for suffix in suffixes for file in self.folder.glob(f"*{suffix}")}
        )
        there = f"There are: {', '.join(known)}." if known else "There are none."
        raise ReportError(
            f"{self.folder.name}/ has no {kind} '{name}'.{suggest(name, known)} {there} "
            "The scripts of analyses/ save them: run dermcohort run first"
        )


@dataclass(frozen=True)
class SavedFigure:
    """A figure as its files hold it: vector graphics for pages and PDF, pixels for Word."""

    file: Path

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """What a cell shows: both forms, where both files are there."""
        vector, pixels = self.file.with_suffix(".svg"), self.file.with_suffix(".png")
        found: dict[str, Any] = {}
        if vector.exists():
            found["image/svg+xml"] = vector.read_text("utf-8")
        if pixels.exists():
            found["image/png"] = base64.b64encode(pixels.read_bytes()).decode("ascii")
        return found


def _is_unchecked(estimates: Estimates) -> bool:
    """Whether it may tell small counts of people: it did not pass `study.shown`."""
    if estimates.suppressed is not None:
        return False
    from ..disclosure import tells_of_people  # knows every estimator, which printing does not need

    return tells_of_people(estimates)


def _printed_names(folder: Path, language: str) -> Labels:
    """Printed names of the study, which `dermcohort run` saves beside the results."""
    try:
        return Labels(json.loads((folder / LABELS).read_text("utf-8")).get(language), language)
    except (OSError, ValueError):
        return Labels(language=language)


def _find_folder() -> Path:
    chosen = os.environ.get(RESULTS_VARIABLE)
    if chosen:
        return Path(chosen)
    here = Path.cwd()
    found = next((above / "results" for above in (here, *here.parents) if (above / "results").is_dir()), None)
    if found is None:
        raise ReportError("there is no results/ folder here or above: run dermcohort run first")
    return found
