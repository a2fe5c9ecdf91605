"""Weighted quantile sum regression: the effect of an index of exposures whose weights the data choose.

Source: Carrico et al. (2015) J Agric Biol Environ Stat 20:100; repeated holdout: Tanner et al. (2019) MethodsX 6:2855. As
R's gWQS with ``b1_constr = TRUE, signal = "t2"``, but the weights of a bootstrap sample are solved to the end (see
`index_weights`), where gWQS stops at what a general optimizer finds from one start.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from tqdm import tqdm

from ..estimates import Estimates, tidy
from .index_weights import IndexWeights
from .outcomes import SEEDLESS, TITLES, Outcome, confounder_design, require_data, with_terms
from .quantiles import quantile_scores
from .training import TrainingData

if TYPE_CHECKING:
    import matplotlib.axes

INDEX = "weighted quantile sum"
SIGNS = {"positive": 1.0, "negative": -1.0}


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class WeightedQuantileSum(Estimates):
    """The effect of the index in `.table`, its weights in `.weights`.

    Parameters
    ----------
    weights : DataFrame
        One row an exposure, largest first: `term`, `weight`; they add to 1. With several splits the mean over them,
        `conf_low` and `conf_high` their quantiles.
    splits : DataFrame
        One row a split: `split`, `coef` and `std_error` of the index in its validation rows.
    split_weights : DataFrame
        One row a split, one column an exposure.
    """

    weights: pd.DataFrame
    splits: pd.DataFrame
    split_weights: pd.DataFrame

    def plot(
        self, ax: matplotlib.axes.Axes | None = None, *, labels: Mapping[str, str] | None = None
    ) -> matplotlib.axes.Axes:
        """Bars of the weights; the dashed line is 1/c, the weight of each of c exposures if all were equal."""
        from ..figures import weight_bars

        return weight_bars(self.weights, ax, labels or {}, threshold=1 / len(self.weights))


def wqs(
    formula: str,
    data: pd.DataFrame,
    exposures: Sequence[str],
    *,
    family: str = "binomial",
    quantiles: int = 4,
    direction: str = "positive",
    bootstrap: int = 100,
    validation: float = 0.6,
    repeats: int = 1,
    seed: int | None = None,
    time: str | None = None,
    event: str | None = None,
    entry: str | None = None,
    offset: str | None = None,
    conf_level: float = 0.95,
) -> WeightedQuantileSum:
    """Effect of a weighted mean of quantile scores, the weights estimated in other rows than the effect.

    In the training rows the likelihood is maximized over the weights (not negative, sum 1) and the effect, which is
    held to `direction`, in each bootstrap sample; the weights are averaged, each sample counting with the square of
    the test statistic of its index ("t2" of gWQS). The index with these weights is a covariate of the regression in the
    validation rows, where its effect may take either sign.

    Parameters
    ----------
    formula, data, exposures, family, quantiles, time, event, entry, offset
        As for `quantile_gcomp`. Values below a detection limit must be numbers before.
    direction : {"positive", "negative"}
        Whether weights are sought for exposures that raise, or that lower, the outcome (risk, rate, hazard).
    bootstrap : int
        Number of bootstrap samples for the weights, 1 or more.
    validation : float
        Share of the rows, drawn at random, in which the effect is estimated; at 0 all rows are used for both, which
        makes the interval too narrow and the p-value too small.
    repeats : int
        Number of random splits. Above 1 the estimate is the mean (of the logarithm, for ratios) over the splits and
        the interval has the quantiles over them (Tanner et al. 2019); there is no p-value.
    seed : int, optional
        Same seed, same result, on any number of cores.
    conf_level : float
        Level of the interval.

    Returns
    -------
    WeightedQuantileSum
        One row of `term` "mixture" per one quantile of the index ("OR", "IRR", "HR" or "difference"), `n` and `events`
        those of the validation rows; `.weights`, `.plot()`.

    Raises
    ------
    ValueError
        For arguments out of range, exposures that are no numbers or in the formula, too few rows, or when no
        bootstrap sample has an association in the direction asked for.

    Notes
    -----
    The interval of a single split takes the weights as known. That of repeated splits shows how much weights and
    estimate depend on the split; it is no confidence interval in the strict sense. Assumes that all exposures act in
    one direction and linearly in their scores. With family "cox" the weights use Breslow's ties, the effect Efron's.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> metals = pd.DataFrame(rng.normal(size=(400, 3)), columns=["arsenic", "cadmium", "lead"])
    >>> data = metals.assign(score=(metals["arsenic"] > 0) + rng.normal(size=400))
    >>> fit = wqs("score ~ 1", data, ["arsenic", "cadmium", "lead"], family="gaussian", bootstrap=20, seed=1)
    >>> fit.weights["term"][0]
    'arsenic'
    """
    outcome = Outcome(family, time, event, entry, offset)
    require_data(data, outcome, [])
    _check_arguments(direction, bootstrap, validation, repeats, seed)
    scores, notes = quantile_scores(data, exposures, quantiles)
    exposures = list(exposures)
    scored = data.assign(**scores).reset_index(drop=True)
    design = confounder_design(formula, scored, outcome, exposures)
    training = TrainingData.from_design(design, outcome, exposures, SIGNS[direction])
    n, events = len(design.frame), training.n_events
    n_training = _training_rows(n, validation, design.matrix.shape[1] + len(exposures) + 1)

    found, fits = [], []
    splits_to_draw = np.random.SeedSequence(seed).spawn(repeats)
    for split in tqdm(splits_to_draw, desc="wqs", disable=True if repeats == 1 else None):
        split_seed, *sample_seeds = split.spawn(bootstrap + 1)
        order = np.random.default_rng(split_seed).permutation(n)
        rows = np.sort(order[:n_training])
        weights = training.weights(rows, sample_seeds)
        if weights is None:
            raise ValueError(
                f"no bootstrap sample has an association in the {direction} direction: try another direction="
            )
        checked = rows if validation == 0 else np.sort(order[n_training:])
        kept = scored.loc[design.frame.index[checked]]
        index = kept[exposures].to_numpy(float) @ weights.weights
        try:
            fit = outcome.fit(
                with_terms(formula, [INDEX]), kept.assign(**{INDEX: index}), conf_level=conf_level
            )
        except ValueError as problem:
            raise ValueError(f"validation={validation}: the rows held out do not do: {problem}") from None
        found.append(weights)
        fits.append(fit)

    split_weights = pd.DataFrame([w.weights for w in found], columns=exposures)
    splits = pd.DataFrame(
        {
            "split": np.arange(1, repeats + 1),
            "coef": [float(fit.coefficients[INDEX]) for fit in fits],
            "std_error": [float(np.sqrt(fit.covariance.loc[INDEX, INDEX])) for fit in fits],
        }
    )
    if repeats == 1:
        row = fits[0].table[fits[0].table["term"] == INDEX].drop(columns=["level", "reference"])
        table = tidy(row.assign(term="mixture"))
        split_notes = tuple(note for note in fits[0].notes if note not in design.notes)
    else:
        table = _over_splits(splits["coef"].to_numpy(), outcome, conf_level, n, events)
        split_notes = ()
    return WeightedQuantileSum(
        table=table,
        method=_method(outcome, exposures, quantiles, direction, bootstrap, validation, repeats),
        n=n,
        events=events,
        n_missing=design.n_missing,
        notes=(*design.notes, *notes, *split_notes, *_notes(found, direction, validation, repeats, seed)),
        conf_level=conf_level,
        weights=_weights(split_weights, conf_level),
        splits=splits,
        split_weights=split_weights,
    )


def _check_arguments(
    direction: str, bootstrap: int, validation: float, repeats: int, seed: int | None
) -> None:
    if direction not in SIGNS:
        raise ValueError(f"direction='{direction}' is unknown; choose positive or negative")
    for name, value, least in (("bootstrap", bootstrap, 1), ("repeats", repeats, 1), ("seed", seed, 0)):
        if value is None and name == "seed":
            continue
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ValueError(f"{name} must be a whole number of {least} or more, it is {value!r}")
    if not 0 <= validation < 1:
        raise ValueError(f"validation must be 0 or a share below 1, it is {validation}")
    if validation == 0 and repeats > 1:
        raise ValueError("repeats= needs splits: give validation= above 0")


def _training_rows(n: int, validation: float, n_coefficients: int) -> int:
    """How many rows the weights are estimated in."""
    n_training = n if validation == 0 else n - round(validation * n)
    smaller = n if validation == 0 else min(n_training, n - n_training)
    if smaller <= n_coefficients:
        raise ValueError(
            f"{n:,} complete rows with validation={validation} leave {n_training:,} for training: each part needs "
            f"more than {n_coefficients} rows for this model"
        )
    return n_training


def _over_splits(
    coef: np.ndarray, outcome: Outcome, conf_level: float, n: int, events: int | None
) -> pd.DataFrame:
    low, high = np.quantile(coef, [0.5 - conf_level / 2, 0.5 + conf_level / 2])
    scale = np.exp if outcome.is_ratio else np.positive
    row = {
        "term": "mixture",
        "measure": outcome.measure,
        "estimate": scale(coef.mean()),
        "conf_low": scale(low),
        "conf_high": scale(high),
        "coef": coef.mean(),
        "std_error": coef.std(ddof=1),
        "n": n,
        **({} if events is None else {"events": events}),
    }
    return tidy(pd.DataFrame([row]))


def _weights(split_weights: pd.DataFrame, conf_level: float) -> pd.DataFrame:
    rows = split_weights.mean().rename_axis("term").reset_index(name="weight")
    if len(split_weights) > 1:
        rows["conf_low"] = split_weights.quantile(0.5 - conf_level / 2).to_numpy()
        rows["conf_high"] = split_weights.quantile(0.5 + conf_level / 2).to_numpy()
    return rows.sort_values("weight", ascending=False, kind="stable", ignore_index=True)


def _method(
    outcome: Outcome,
    exposures: Sequence[str],
    quantiles: int,
    direction: str,
    bootstrap: int,
    validation: float,
    repeats: int,
) -> str:
    split = "no holdout" if validation == 0 else f"{100 * validation:.0f}% of the rows for validation"
    interval = "Wald intervals"
    if repeats > 1:
        split = f"{repeats:,} random splits with {split}"
        interval = "mean and quantiles over the splits"
    return (
        f"Weighted quantile sum regression of {len(exposures)} exposures in {quantiles} quantile groups by "
        f"{TITLES[outcome.family]}, weights of the {direction} direction from {bootstrap:,} bootstrap samples "
        f"(t² signal), {split}, {interval}."
    )


def _notes(
    found: Sequence[IndexWeights], direction: str, validation: float, repeats: int, seed: int | None
) -> tuple[str, ...]:
    notes = []
    if repeats > 1:
        notes.append("The interval shows how estimates differ between splits; it is no confidence interval.")
    elif validation == 0:
        notes.append(
            "Weights and effect are from the same rows: the interval is too narrow and the p-value too small."
        )
    else:
        notes.append(
            "One random split: the interval takes the weights as known. repeats=100 shows how both depend on the split."
        )
    without = sum(weights.n_samples - weights.n_used for weights in found)
    if without:
        total = sum(weights.n_samples for weights in found)
        notes.append(
            f"{without:,} of {total:,} bootstrap samples without an association in the {direction} direction have no "
            "part in the weights."
        )
    return (*notes, *(SEEDLESS if seed is None else ()))
