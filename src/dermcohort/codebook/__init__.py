"""The codebook of a study: a page to search, a workbook, or DDI-Codebook 2.5, all from the same cards."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..storage import write_files
from ..study import Study, StudyError

if TYPE_CHECKING:
    from .summary import Card

SUFFIXES = (".html", ".xlsx", ".xml")

__all__ = ["write_cards", "write_codebook"]


def write_codebook(study: Study, path: str | Path) -> Path:
    """Write what every variable is, where it comes from and what was observed.

    Counts are rounded to the nearest multiple of the dictionary's `min_cell`; what fewer people hold is shown as
    ``<5``. No smallest or largest value is shown.

    Parameters
    ----------
    study : Study
    path : str or Path
        ``.html``: one page with both languages and a search, that needs no network; ``.xlsx``: sheets Variables,
        Categories, Waves, Reasons; ``.xml``: DDI-Codebook 2.5.

    Raises
    ------
    StudyError
        For another suffix, or a study saved before the schema had definitions and codes.

    Examples
    --------
    >>> study = dc.open_study("harmonized/")                 # doctest: +SKIP
    >>> study.codebook("codebook.html")                      # doctest: +SKIP
    """
    path = Path(path)
    if path.suffix not in SUFFIXES:
        raise StudyError(f"'{path.name}': a codebook is written as one of {', '.join(SUFFIXES)}")
    from . import ddi, excel, html

    cards = _cards(study)
    write = {".html": html.write_html, ".xlsx": excel.write_excel, ".xml": ddi.write_ddi}[path.suffix]
    return write_files(path.parent, [(path.name, lambda temporary: write(study, cards, temporary))])[0]


def write_cards(study: Study, path: str | Path) -> list[Path]:
    """Write the cards of all variables as a part of a report, one file a language.

    Beside what stands in the codebook, a card has the raw values of each wave and what they became, and what was
    noticed about the variable; a matrix of variables and waves leads to the cards. Small counts are hidden as in the
    codebook, and so are raw values without a rule that few people hold: they may be names.

    Parameters
    ----------
    study : Study
    path : str or Path
        Such as ``results/variables``; the files are ``variables.en.md`` and ``variables.zh.md``, which
        `dermcohort.report.Results.cards` shows.

    Raises
    ------
    StudyError
        For a study saved before the schema had definitions and codes.

    Examples
    --------
    >>> write_cards(dc.open_study("harmonized/"), "results/variables")          # doctest: +SKIP
    """
    from .part import part_files

    path = Path(path)
    return write_files(path.parent, part_files(study, _cards(study), path.name))


def _cards(study: Study) -> list[Card]:
    from .summary import cards_of

    if "codes" not in study.schema.columns:
        raise StudyError("the study has no definitions and codes: run dermcohort harmonize again")
    return cards_of(study)
