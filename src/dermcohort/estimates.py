"""The one result type: a tidy table of estimates with what a reader needs to judge them.

Every estimator returns `Estimates` or a subclass that adds what its method needs (a curve, a covariance). The
table has one row an estimate and the same column names for every method; `.gt()` and `.plot()` are views of
it; `.save()` and `Estimates.load()` keep all of it. Nothing here computes a statistic.
"""

from __future__ import annotations

import importlib
import io
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from .estimates_file import (
    categories_of,
    file_pair,
    from_arrow,
    from_json,
    parquet_bytes,
    to_arrow,
    to_json,
    write_both,
)
from .language import Labels, labels_of
from .wording import suggest

if TYPE_CHECKING:
    import matplotlib.axes
    from great_tables import GT

COLUMNS = (
    "term",
    "level",
    "reference",
    "measure",
    "estimate",
    "conf_low",
    "conf_high",
    "p_value",
    "coef",
    "std_error",
    "statistic",
    "df",
    "n",
    "events",
    "person_years",
)


@dataclass(frozen=True, eq=False, repr=False)
class Estimates:
    """Tidy estimates, the sentence for the methods section, and the warnings a reader must see.

    Parameters
    ----------
    table : DataFrame
        One row an estimate. Grouping columns first, then those of `COLUMNS` that apply. `estimate`,
        `conf_low`, `conf_high` are on the scale that `measure` names; `coef` and `std_error` on the model's.
        Missing values are NaN.
    method : str
        One sentence for the methods section.
    n : int
        Rows of data used.
    events : int, optional
        Events among them.
    n_missing : mapping of str to int
        Rows with a missing value, by variable.
    notes : tuple of str
        What a reader must know: rows left out, weights, convergence.
    conf_level : float
        Level of the confidence intervals.
    suppressed : mapping, optional
        What `disclosure.suppress` hid: `min_cell`, and `cells` with a row for each. None before it has passed.

    Examples
    --------
    >>> table = pd.DataFrame({"term": ["eczema"], "measure": ["prevalence"], "estimate": [0.1]})
    >>> Estimates(table, method="Crude prevalence.", n=50).table["estimate"].tolist()
    [0.1]
    """

    table: pd.DataFrame
    method: str
    n: int
    events: int | None = None
    n_missing: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    conf_level: float = 0.95
    suppressed: Mapping[str, Any] | None = None

    _known: ClassVar[dict[str, type[Estimates]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        Estimates._known[cls.__name__] = cls

    def __repr__(self) -> str:
        lines = [
            f"{type(self).__name__}: {self.method}",
            self.table.to_string(max_rows=30),
            *self._footnotes(),
        ]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return self.gt().as_raw_html()

    @property
    def marks(self) -> dict[tuple[int, str], str]:
        """What is printed in the place of what was hidden, by row and column of the table."""
        if self.suppressed is None:
            return {}
        cells = self.suppressed["cells"]
        return dict(zip(zip(cells["row"], cells["column"], strict=True), cells["shown"], strict=True))

    def _footnotes(self) -> list[str]:
        if self.n == 0:  # made from a published estimate, not from people
            return list(self.notes)
        counts = f"n = {self.n:,}" + ("" if self.events is None else f"; events = {self.events:,}")
        return [counts, *self.notes]

    def _table_notes(self) -> list[str]:
        """What stands below the printed table, in English with the names of variables as they are in the data."""
        from .tables import common_outcome

        outcome = common_outcome(self.table)
        said = [] if outcome in (None, "event") else [f"Outcome: {outcome}."]
        return [*said, self.method, *self._footnotes()]

    def _labels(self, labels: Mapping[str, str] | None) -> Labels:
        """Printed names and the language: those given over those the estimates have of their own."""
        given = labels_of(labels)
        return Labels({**getattr(self, "labels", {}), **given}, given.language)

    def _printed_notes(self, labels: Mapping[str, str] | None) -> list[str]:
        """The notes below the table in the language of the reader."""
        names = self._labels(labels)
        return [names.sentence(note) for note in self._table_notes()]

    def to_display(self, labels: Mapping[str, str] | None = None) -> pd.DataFrame:
        """The table as text in reading order, as `.gt()` shows it.

        Parameters
        ----------
        labels : mapping, optional
            Printed name of a column or term, where it differs from its own name. `Labels` also tell the language.

        Returns
        -------
        DataFrame of str
        """
        from .tables import display_table

        return display_table(self.table, self.conf_level, self._labels(labels), self.marks)

    def gt(self, *, title: str | None = None, labels: Mapping[str, str] | None = None) -> GT:
        """A great_tables table in the style of a journal, method and notes below it."""
        from .tables import journal_table

        shown = self.to_display(labels)
        return journal_table(
            shown, title=title, footnotes=self._printed_notes(labels), spanners=self._spanners(shown, labels)
        )

    def _spanners(self, shown: pd.DataFrame, labels: Mapping[str, str] | None) -> dict[str, list[str]]:
        """Heads over several columns of the printed table, whose names begin with them."""
        return {}

    def to_markdown(
        self,
        labels: Mapping[str, str] | None = None,
        *,
        columns: Sequence[str] | None = None,
        spread: str | None = None,
    ) -> str:
        """The table as a Markdown pipe table, method and notes in a div ``.table-notes`` below it.

        Parameters
        ----------
        labels : mapping, optional
            Printed name of a column, term or level. `Labels` also tell the language.
        columns : list of str, optional
            Printed columns to show, in this order.
        spread : str, optional
            A grouping column whose levels become columns.
        """
        from .tables import markdown_table

        return markdown_table(self._chosen(labels, columns, spread), self._printed_notes(labels))

    def export(
        self,
        path: str | os.PathLike[str],
        labels: Mapping[str, str] | None = None,
        *,
        title: str | None = None,
        columns: Sequence[str] | None = None,
        spread: str | None = None,
    ) -> Path:
        """Write the printed table, method and notes below it, as a file for a manuscript.

        Parameters
        ----------
        path : path
            The suffix says which: ``.docx`` (Word), ``.tex`` (LaTeX, booktabs), ``.xlsx`` (text on the first sheet, the
            unrounded numbers on the second), ``.html`` (a page) or ``.md``. Its folder is made where it does not exist.
        labels : mapping, optional
            Printed name of a column, term or level. `Labels` also tell the language.
        title : str, optional
            Caption above the table.
        columns, spread : optional
            As for `to_markdown`.

        Returns
        -------
        Path

        Raises
        ------
        ValueError
            For another suffix.

        Examples
        --------
        >>> estimates.export("tables/table_2.docx", study.labels("zh"), title="表 2")      # doctest: +SKIP
        """
        from .table_files import PrintedTable, write_table

        shown = self._chosen(labels, columns, spread)
        spanners = {} if spread else self._spanners(shown, labels)
        printed = PrintedTable(
            text=shown,
            notes=self._printed_notes(labels),
            spanners={head: own for head, own in spanners.items() if own},
            numbers=self.table,
            title=title,
            language=self._labels(labels).language,
        )
        return write_table(path, printed)

    def _chosen(
        self, labels: Mapping[str, str] | None, columns: Sequence[str] | None, spread: str | None
    ) -> pd.DataFrame:
        """The printed table, one group side by side, some of its columns."""
        from .tables import spread_table

        shown = self.to_display(labels)
        if spread is not None:
            shown = spread_table(shown, self._labels(labels).word(spread))
        if columns is None:
            return shown
        # a page in another language may name a column as the English table does
        english = self.to_display(Labels(labels)) if spread is None else shown
        printed = dict(zip(english.columns, shown.columns, strict=True)) | {c: c for c in shown}
        unknown = [column for column in columns if column not in printed]
        if unknown:
            raise KeyError(
                f"columns: '{unknown[0]}' is not printed.{suggest(unknown[0], shown.columns)} "
                f"The table has: {', '.join(shown.columns)}"
            )
        return shown[[printed[column] for column in columns]]

    def plot(
        self, ax: matplotlib.axes.Axes | None = None, *, labels: Mapping[str, str] | None = None
    ) -> matplotlib.axes.Axes:
        """Points with their intervals, one row an estimate; ratios on a log axis. Returns the Axes."""
        from .figures import point_ranges

        return point_ranges(self.table, self.conf_level, ax, labels or {})

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Save as ``<path>.parquet``, with ``<path>.json`` beside it for people and other programs.

        The Parquet file holds all that `load` needs and is put in place last and in one step: whatever
        happens, `load` finds either the former estimates or these. A design kept for prediction is not saved.

        Parameters
        ----------
        path : path
            With or without ``.parquet``. Its folder is made where it does not exist.

        Returns
        -------
        Path
            The Parquet file.
        """
        parquet, sidecar = file_pair(path)
        parquet.parent.mkdir(parents=True, exist_ok=True)
        frames: dict[str, pd.DataFrame] = {}
        values = {
            f.name: to_json(getattr(self, f.name), f.name, frames)
            for f in fields(self)
            if f.metadata.get("saved", True)
        }
        document = {
            "format": 1,
            "class": type(self).__name__,
            "module": type(self).__module__,
            "fields": values,
            "categories": {name: categories_of(frame) for name, frame in frames.items()},
        }
        text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)
        metadata = {b"dermcohort": text.encode()}
        for name, frame in frames.items():
            if name != "table":
                metadata[b"dermcohort." + name.encode()] = parquet_bytes(to_arrow(frame))
        table = to_arrow(frames["table"])
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), **metadata})
        write_both({sidecar: f"{text}\n".encode(), parquet: parquet_bytes(table)})
        return parquet

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read what `save` wrote, as the class it was.

        Raises
        ------
        ValueError
            If the file was not written by `save` or is damaged.
        """
        parquet, _ = file_pair(path)
        if not parquet.exists():
            raise FileNotFoundError(f"{parquet.name} does not exist in {parquet.parent.name}/")
        try:
            table = pq.read_table(parquet)
        except (pa.ArrowException, OSError) as problem:
            raise ValueError(f"{parquet.name} is damaged ({type(problem).__name__}): save it again") from None
        metadata = table.schema.metadata or {}
        if b"dermcohort" not in metadata:
            raise ValueError(f"{parquet.name} was not written by Estimates.save")
        document = json.loads(metadata[b"dermcohort"])
        frames = {"table": table}
        for name in document["categories"]:
            if name != "table":
                frames[name] = pq.read_table(io.BytesIO(metadata[b"dermcohort." + name.encode()]))
        restored = {name: from_arrow(frame, document["categories"][name]) for name, frame in frames.items()}
        values = {name: from_json(value, restored) for name, value in document["fields"].items()}
        found = _class_of(document["class"], document["module"])
        if not issubclass(found, cls):
            raise ValueError(f"{parquet.name} holds {found.__name__}: read it with {found.__name__}.load")
        return found(**values)


Estimates._known["Estimates"] = Estimates


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class FittedModel(Estimates):
    """A fitted regression: `Estimates` with all coefficients and their covariance.

    Parameters
    ----------
    coefficients : Series
        Every coefficient on the model's scale, in the order of the design matrix.
    covariance : DataFrame
        Their covariance, of the kind that was asked for.
    loglik : float
        Log-likelihood at the maximum.
    robust : str, optional
        What the covariance is where it is not that of the likelihood: "HC0" ... "CR3", "survey", "GEE".
    joint_df : JointDf, optional
        Degrees of freedom of tests of several coefficients, where each has its own; not saved.
    design : Design, optional
        The formula applied to the data, kept for prediction; not saved.
    """

    coefficients: pd.Series
    covariance: pd.DataFrame
    loglik: float
    robust: str | None = None
    joint_df: Any = field(default=None, metadata={"saved": False})
    design: Any = field(default=None, metadata={"saved": False})

    def predict(self, newdata: pd.DataFrame) -> pd.Series | pd.DataFrame:
        """What the model expects for each row of `newdata`; each model says on which scale."""
        raise NotImplementedError

    def _new_matrix(self, newdata: pd.DataFrame) -> pd.DataFrame:
        if self.design is None:
            raise ValueError(
                "predict: these estimates were loaded from a file; fit the model again to predict"
            )
        return self.design.matrix_for(newdata)


def tidy(rows: pd.DataFrame, groups: Sequence[str] = ()) -> pd.DataFrame:
    """Order the columns as the contract says: groups, `COLUMNS`, then what else the method adds."""
    known = [column for column in COLUMNS if column in rows]
    extra = [column for column in rows if column not in known and column not in groups]
    ordered = rows[[*groups, *known, *extra]].reset_index(drop=True)
    for column in [c for c, dtype in ordered.dtypes.items() if pd.api.types.is_object_dtype(dtype)]:
        ordered[column] = ordered[column].where(ordered[column].notna(), None)
    return ordered


def missing_note(n_used: int, n_rows: int, n_missing: Mapping[str, int]) -> tuple[str, ...]:
    """The sentence that says how many rows were left out for missing values, and for which variables."""
    if n_used == n_rows:
        return ()
    by_variable = ", ".join(f"{name} {count:,}" for name, count in n_missing.items() if count)
    return (f"{n_rows - n_used:,} of {n_rows:,} rows left out for missing values ({by_variable}).",)


def _class_of(name: str, module: str) -> type[Estimates]:
    # only our own modules are imported because a file says so
    if name not in Estimates._known and module.startswith("dermcohort."):
        importlib.import_module(module)
    if name not in Estimates._known:
        raise ValueError(f"the file holds estimates of class {name}, which this version does not know")
    return Estimates._known[name]
