"""What a dictionary says, as frozen dataclasses. `read.py` builds them, everything else only reads them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from ..wording import did_you_mean
from .expression import PREVIOUS, Expression
from .problems import Place

STATUSES = ("complete", "partial", "impossible", "undecided")
VERBS = ("map", "cut", "date", "expr", "first_of", "score", "call", "value")


@dataclass(frozen=True)
class Reason:
    """Why a value can be absent. The code 0 is reserved for observed values."""

    name: str
    code: int
    group: str
    label: Mapping[str, str]


@dataclass(frozen=True)
class Conversion:
    """``target = slope * source + intercept`` for one analyte."""

    slope: float
    intercept: float
    source: str


@dataclass(frozen=True)
class Category:
    name: str
    code: int | str
    label: Mapping[str, str]


@dataclass(frozen=True)
class Variable:
    """One target variable of the schema."""

    name: str
    domain: str
    entity: str
    type: str
    label: Mapping[str, str]
    place: Place = field(compare=False)
    definition: Mapping[str, str] | None = None
    unit: str | None = None
    analyte: str | None = None
    categories: tuple[Category, ...] = ()
    soft: tuple[Any, Any] | None = None
    hard: tuple[Any, Any] | None = None
    asked_if: Expression | None = None
    derive: Expression | None = None
    condition: str | None = None
    measures: str | None = None
    followed_until: str | None = None
    keep: str = "first"
    role: str | None = None
    sensitive: str = "no"
    source: str | None = None

    @property
    def levels(self) -> tuple[str, ...]:
        """Category names, the reference first; empty for numbers, dates, codes and texts."""
        return tuple(category.name for category in self.categories)

    @property
    def is_number(self) -> bool:
        return self.type in ("number", "integer")


@dataclass(frozen=True)
class Limit:
    """How a file marks a value outside the range of the assay (`below_lod`, `above_loq`)."""

    prefix: str | None = None
    codes: tuple[Any, ...] = ()
    indicator: str | None = None
    limit: float | None = None
    limit_from: str | None = None


@dataclass(frozen=True)
class Score:
    method: str
    min_items: int
    range: tuple[float, float] | None
    reverse: tuple[str, ...]
    values: Mapping[Any, float]
    prorate: bool


@dataclass(frozen=True)
class Interval:
    """Half-open interval of a `cut` rule: low <= x < high unless the ends say otherwise."""

    low: float
    high: float
    low_closed: bool
    high_closed: bool


@dataclass(frozen=True)
class Rule:
    """What one schema variable is in one wave."""

    variable: str
    status: str
    place: Place = field(compare=False)
    verb: str = "none"
    columns: Mapping[str, str] = field(default_factory=dict)
    note: str | None = None
    map: Mapping[Any, str] = field(default_factory=dict)
    cut: Mapping[str, Interval] = field(default_factory=dict)
    date: tuple[str, ...] = ()
    partial: str | None = None
    expr: Expression | None = None
    score: Score | None = None
    call: str | None = None
    values: Mapping[Any, float] = field(default_factory=dict)
    value: Any = None
    missing: Mapping[Any, str] = field(default_factory=dict)
    below_lod: Limit | None = None
    above_loq: Limit | None = None
    unit: str | None = None
    ascertainment: str | None = None
    examples: tuple[tuple[Any, Any], ...] = ()
    question: str | None = None
    reviewed: str | None = None
    text: str = ""

    @property
    def is_mapped(self) -> bool:
        return self.verb != "none"

    @property
    def sources(self) -> tuple[str, ...]:
        """Every raw column that the rule reads."""
        columns = list(self.columns.values())
        for limit in (self.below_lod, self.above_loq):
            if limit:
                columns += [name for name in (limit.indicator, limit.limit_from) if name]
        return tuple(dict.fromkeys(columns))

    @property
    def hash(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class IdRule:
    column: str
    place: Place = field(compare=False)
    pattern: str | None = None
    expr: Expression | None = None


@dataclass(frozen=True)
class Wave:
    """One delivery of one cohort: the file, how to read it and the rule of every variable."""

    cohort: str
    name: str
    order: int
    file: str
    kind: str
    id: IdRule
    rules: Mapping[str, Rule]
    label: Mapping[str, str]
    place: Place = field(compare=False)
    enrols: bool = False
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    header_row: int = 1
    catalog: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Every declared raw column, the id first; nothing else is read from the file."""
        names = [self.id.column]
        for rule in self.rules.values():
            names += rule.sources
        return tuple(dict.fromkeys(names))


@dataclass(frozen=True)
class Coarsening:
    """How the levels of a code are made coarse: by their first letters or by a map."""

    first_letters: int | None = None
    map: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Privacy:
    """What a cohort does to its values before they are handed out."""

    shift_dates: int = 0
    coarsen: Mapping[str, Coarsening] = field(default_factory=dict)
    withhold: tuple[str, ...] = ()


@dataclass(frozen=True)
class Decision:
    """What a person decided about one raw row of a file."""

    file: str
    sha256: str
    row: int
    decision: str
    by: str
    on: str
    reason: str


@dataclass(frozen=True)
class Cohort:
    name: str
    title: Mapping[str, str]
    short: Mapping[str, str]
    waves: Mapping[str, Wave]
    duplicates: str
    duplicates_by: str | None
    protect: str
    missing_codes: Mapping[Any, str]
    privacy: Privacy = Privacy()
    decisions: tuple[Decision, ...] = ()


@dataclass(frozen=True)
class Condition:
    """A disease: its names, codes and case definition."""

    name: str
    label: Mapping[str, str]
    icd10: Mapping[str, Any]
    icd11: Mapping[str, Any]
    case_definition: Mapping[str, str]


@dataclass(frozen=True)
class Distribution:
    """A statistic of one variable that may differ by at most `change` from `against`."""

    variable: str
    statistic: str  # mean, missing or share
    level: str | None
    change: float
    against: str = "previous"  # wave, or "others": all other waves of the cohort


@dataclass(frozen=True)
class Check:
    """A condition between variables or waves, and the share of violations it tolerates.

    Exactly one of `require`, `across_waves` and `distribution` is there.
    """

    id: str
    title: Mapping[str, str]
    severity: str
    group: str
    owner: str
    reason: str
    place: Place = field(compare=False)
    require: Expression | None = None
    across_waves: Expression | None = None
    distribution: Distribution | None = None
    threshold: float = 0.0  # for a distribution its `change`
    cohorts: tuple[str, ...] = ()  # empty: all
    waves: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        kinds = ("require", "across_waves", "distribution")
        return next(kind for kind in kinds if getattr(self, kind) is not None)

    @property
    def names(self) -> tuple[str, ...]:
        """The schema variables it looks at."""
        expression = self.require or self.across_waves
        if expression is not None:
            return tuple(dict.fromkeys(name.removeprefix(PREVIOUS) for name in expression.names))
        assert self.distribution is not None
        return (self.distribution.variable,)

    @property
    def hash(self) -> str:
        """Of what is counted, and where: not of title, threshold, severity, owner and reason."""
        expression = self.require or self.across_waves
        d = self.distribution
        counted = expression.text if expression else (d.variable, d.statistic, d.level, d.against)  # type: ignore[union-attr]
        text = repr((self.kind, counted, self.cohorts, self.waves))
        return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Dictionary:
    """The declared truth: schema, conditions, units and the mapping of every cohort and wave.

    Read it with `read_dictionary`; look at it with `matrix()` and `show(variable)`.
    """

    root: Path
    version: str
    languages: tuple[str, ...]
    reasons: Mapping[str, Reason]
    conversions: Mapping[tuple[str, str, str], Conversion]
    conditions: Mapping[str, Condition]
    variables: Mapping[str, Variable]
    cohorts: Mapping[str, Cohort]
    checks: tuple[Check, ...] = ()
    min_cell: int = 5
    warnings: tuple[Any, ...] = ()

    def sha256(self) -> str:
        """Hash of every YAML file of the dictionary, in order of their names."""
        digest = hashlib.sha256()
        for path in sorted(self.root.rglob("*.yaml")):
            digest.update(path.relative_to(self.root).as_posix().encode())
            digest.update(path.read_bytes())
        return digest.hexdigest()

    def waves(self) -> Iterator[Wave]:
        """Every wave of every cohort, in order."""
        for cohort in self.cohorts.values():
            yield from cohort.waves.values()

    def matrix(self) -> pd.DataFrame:
        """Harmonization potential: one row a variable, one column a cohort and wave.

        Returns
        -------
        DataFrame
            Index `variable`; columns a MultiIndex (cohort, wave); values complete, partial, impossible,
            undecided, derived, or "." where a wave of kind register does not carry visit variables.

        Examples
        --------
        >>> dictionary = read_dictionary("data-dictionary")          # doctest: +SKIP
        >>> dictionary.matrix().loc["psoriasis"]                     # doctest: +SKIP
        """
        columns = {}
        for wave in self.waves():
            statuses = []
            for variable in self.variables.values():
                rule = wave.rules.get(variable.name)
                if rule is not None:
                    statuses.append(rule.status)
                else:
                    statuses.append("derived" if variable.derive and wave.kind == "visit" else ".")
            columns[(wave.cohort, wave.name)] = statuses
        table = pd.DataFrame(columns, index=pd.Index(list(self.variables), name="variable"))
        table.columns = pd.MultiIndex.from_tuples(table.columns, names=["cohort", "wave"])
        return table

    def show(self, variable: str) -> pd.DataFrame:
        """One variable across all waves, the rules side by side.

        Raises
        ------
        KeyError
            If the schema has no such variable; the message proposes the closest name.
        """
        if variable not in self.variables:
            hint = did_you_mean(variable, self.variables)
            raise KeyError(f"'{variable}' is not a variable of the schema. {hint}".strip())
        rows = []
        for wave in self.waves():
            rule = wave.rules.get(variable)
            if rule is None:
                continue
            rows.append(
                {
                    "cohort": wave.cohort,
                    "wave": wave.name,
                    "status": rule.status,
                    "verb": rule.verb,
                    "from": ", ".join(rule.sources),
                    "rule": rule.text,
                    "ascertainment": rule.ascertainment,
                    "note": rule.note,
                    "where": f"{rule.place.file}:{rule.place.line}",
                }
            )
        columns = ["cohort", "wave", "status", "verb", "from", "rule", "ascertainment", "note", "where"]
        return pd.DataFrame(rows, columns=columns)
