"""The codebook of a study: a page to search, a workbook, or DDI-Codebook 2.5, all from the same cards."""

from __future__ import annotations

from pathlib import Path

from ..storage import write_files
from ..study import Study, StudyError

SUFFIXES = (".html", ".xlsx", ".xml")

__all__ = ["write_codebook"]


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
    if "codes" not in study.schema.columns:
        raise StudyError("the study has no definitions and codes: run dermcohort harmonize again")
    from . import ddi, excel, html
    from .summary import cards_of

    cards = cards_of(study)
    write = {".html": html.write_html, ".xlsx": excel.write_excel, ".xml": ddi.write_ddi}[path.suffix]
    return write_files(path.parent, [(path.name, lambda temporary: write(study, cards, temporary))])[0]
