"""The outcome of a mixture analysis: which arguments it needs, and which regression fits it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from ..design import Design, build_design, require_columns
from ..estimates import FittedModel
from ..regression.glm import Model
from ..regression.linear import MODEL as GAUSSIAN
from ..regression.linear import linear
from ..regression.logistic import MODEL as BINOMIAL
from ..regression.logistic import logistic
from ..regression.poisson import MODEL as POISSON
from ..regression.poisson import poisson
from ..survival import cox
from ..wording import suggest

FITS = {"binomial": logistic, "poisson": poisson, "gaussian": linear}
MODELS = {"binomial": BINOMIAL, "poisson": POISSON, "gaussian": GAUSSIAN}
KNOWN = (*MODELS, "cox")
TITLES = {
    "binomial": "logistic regression",
    "poisson": "Poisson regression",
    "gaussian": "linear regression",
    "cox": "Cox regression",
}
SEEDLESS = ("No seed was given: another run gives another result.",)


@dataclass(frozen=True)
class Outcome:
    """The family of the outcome and the columns it takes beside the formula."""

    family: str
    time: str | None = None
    event: str | None = None
    entry: str | None = None
    offset: str | None = None

    def __post_init__(self) -> None:
        if self.family not in KNOWN:
            raise ValueError(
                f"family='{self.family}' is unknown.{suggest(self.family, KNOWN)} Choose one of {', '.join(KNOWN)}"
            )
        if self.is_cox:
            if self.time is None or self.event is None:
                raise ValueError(
                    "family='cox' needs time= and event=; the formula is the right-hand side alone"
                )
            if self.offset is not None:
                raise ValueError("offset= does not fit family='cox': leave it out")
        elif not self.time is self.event is self.entry is None:
            raise ValueError(f"time=, event= and entry= are for family='cox', not '{self.family}'")

    @property
    def is_cox(self) -> bool:
        return self.family == "cox"

    @property
    def model(self) -> Model:
        """The generalized linear model of the family."""
        return MODELS[self.family]

    @property
    def measure(self) -> str:
        return "HR" if self.is_cox else self.model.measure

    @property
    def is_ratio(self) -> bool:
        return self.family != "gaussian"

    @property
    def columns(self) -> list[str]:
        return [name for name in (self.time, self.event, self.entry, self.offset) if name is not None]

    def fit(
        self,
        formula: str,
        data: pd.DataFrame,
        *,
        conf_level: float,
        cluster: str | Sequence[str] | None = None,
        weights: str | None = None,
    ) -> FittedModel:
        """The regression of `dc.regression` or `dc.survival` for this outcome."""
        if self.is_cox:
            assert self.time is not None and self.event is not None
            return cox(
                formula,
                data,
                time=self.time,
                event=self.event,
                entry=self.entry,
                cluster=cluster,
                weights=weights,
                conf_level=conf_level,
            )
        fit = FITS[self.family]
        return fit(formula, data, cluster=cluster, weights=weights, offset=self.offset, conf_level=conf_level)


def with_terms(formula: str, names: Sequence[str]) -> str:
    """The formula with further columns as terms."""
    if not isinstance(formula, str):
        raise TypeError(f"formula must be text, it is {type(formula).__name__}")
    return " + ".join([formula.strip() or "1", *(f"`{name}`" for name in names)])


def confounder_design(
    formula: str, scored: pd.DataFrame, outcome: Outcome, exposures: Sequence[str]
) -> Design:
    """The confounders of the rows that are complete, exposures and times included; exposures must not be among them."""
    design = build_design(
        with_terms(formula, ()),
        scored,
        two_sided=not outcome.is_cox,
        others=[*exposures, *outcome.columns],
        intercept=not outcome.is_cox,
    )
    both = [name for name in exposures if name in design.variables]
    if both:
        raise ValueError(f"formula: '{both[0]}' is one of exposures=, leave it out of the formula")
    return design


def require_data(data: pd.DataFrame, outcome: Outcome, others: Sequence[str]) -> None:
    """Refuse what is no data frame, or lacks a column that is named."""
    if not isinstance(data, pd.DataFrame):
        raise TypeError(f"data must be a DataFrame, it is {type(data).__name__}")
    require_columns(data, [*outcome.columns, *others], "data")
