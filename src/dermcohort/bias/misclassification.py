"""An odds or risk ratio corrected for misclassification of exposure or outcome.

Source: Lash, Fox & Fink (2009) Applying Quantitative Bias Analysis to Epidemiologic Data, ch. 6 and 8. Numbers as R's
episensr::misclassification.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..estimates import Estimates
from ..prevalence.two_by_two import TwoByTwo, log_limits, odds_ratio_woolf, proportion_ratio
from .parameters import Parameter, as_pair, corrected_estimates, drawn, kind_of

GROUPS = {"exposure": ("cases", "non-cases"), "outcome": ("exposed", "unexposed")}


def misclassification(
    counts: Sequence[Sequence[float]],
    *,
    of: str,
    sensitivity: Parameter | tuple[Parameter, Parameter],
    specificity: Parameter | tuple[Parameter, Parameter],
    measure: str = "OR",
    simulations: int = 10_000,
    seed: int | None = None,
    conf_level: float = 0.95,
) -> Estimates:
    """What an odds or risk ratio would be, had exposure or outcome been classified without error.

    Parameters
    ----------
    counts : 2 x 2 of float
        ``[[exposed cases, unexposed cases], [exposed non-cases, unexposed non-cases]]`` as they were observed.
    of : {"exposure", "outcome"}
        What is misclassified.
    sensitivity, specificity : float, Beta, Triangular, or a pair of them
        Of the classification. A pair is for misclassification that differs: among cases and non-cases (exposure), or
        exposed and unexposed (outcome).
    measure : {"OR", "RR"}
    simulations : int
        Draws, where a parameter is a distribution.
    seed : int, optional
        Needed with a distribution.
    conf_level : float

    Returns
    -------
    Estimates
        Rows by `term`: "observed" with its Wald interval; then "corrected" (no interval), or with distributions
        "systematic error" (median and percentiles over the draws) and "systematic and random error" (with the
        standard error of the observed ratio added to each draw).

    Raises
    ------
    ValueError
        For counts or parameters that cannot be, a sensitivity and specificity that sum to 1 or less, or that would
        leave a cell without people: the parameters and the counts then contradict each other.

    Notes
    -----
    Draws that contradict the counts are left out and counted in `.notes`.

    Examples
    --------
    >>> counts = [[215, 1449], [668, 4296]]
    >>> found = misclassification(counts, of="exposure", sensitivity=0.78, specificity=0.99)
    >>> found.table[["term", "estimate"]].round(3)
            term  estimate
    0   observed     0.954
    1  corrected     0.949
    """
    table = _check(counts, of, measure)
    first, second = GROUPS[of]
    pairs = (as_pair(sensitivity, "sensitivity"), as_pair(specificity, "specificity"))
    named = {
        f"{name} ({group})": parameter
        for name, pair in zip(("sensitivity", "specificity"), pairs, strict=True)
        for group, parameter in zip((first, second), pair, strict=True)
    }
    se1, se2, sp1, sp2 = drawn(named, simulations, seed).values()
    # rows are the groups within which the column, what was misclassified, is moved
    groups = table if of == "exposure" else table.T
    moved = np.array([_corrected(groups[0], se1, sp1), _corrected(groups[1], se2, sp2)])
    cells = moved if of == "exposure" else moved.swapaxes(0, 1)
    possible = np.all(cells > 0, axis=(0, 1)).reshape(-1)
    if not possible.any():
        raise ValueError(
            f"sensitivity and specificity contradict the counts: corrected cells would be {_shown(cells[..., 0])}"
        )
    kept = cells[..., possible]

    (a, b), (c, d) = table
    tested = TwoByTwo(a, a + c, b, b + d)
    effect = odds_ratio_woolf(tested) if measure == "OR" else proportion_ratio(tested)
    notes = []
    if len(possible) == 1:
        notes.append(f"Corrected cells: {_shown(kept[..., 0])}.")
    elif not possible.all():
        notes.append(
            f"{int((~possible).sum()):,} of {len(possible):,} draws contradict the counts and were left out."
        )
    return corrected_estimates(
        (effect.estimate, *log_limits(effect, conf_level)),
        _ratio(kept, measure),
        effect.std_error,
        (np.nan, np.nan),
        measure=measure,
        method=(
            f"{measure} corrected for misclassification of the {of} ({kind_of(len(possible))}; Lash, Fox & Fink 2009)."
        ),
        n=round(table.sum()),
        notes=notes,
        seed=seed,
        conf_level=conf_level,
    )


def _check(counts: Sequence[Sequence[float]], of: str, measure: str) -> np.ndarray:
    table = np.asarray(counts, float)
    if table.shape != (2, 2) or not (np.isfinite(table) & (table > 0)).all():
        raise ValueError(
            "counts must be [[exposed cases, unexposed cases], [exposed non-cases, unexposed non-cases]], all positive"
        )
    if of not in GROUPS:
        raise ValueError(f"of='{of}' is unknown; choose exposure or outcome")
    if measure not in ("OR", "RR"):
        raise ValueError(f"measure='{measure}' is unknown; choose OR or RR")
    return table


def _corrected(
    observed: np.ndarray, sensitivity: np.ndarray, specificity: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """True positives and negatives from the two numbers classified so: (a - (1 - Sp) N) / (Se + Sp - 1)."""
    positive, total = observed[0], observed.sum()
    informative = sensitivity + specificity > 1
    power = np.where(informative, sensitivity + specificity - 1, np.nan)
    true = (positive - (1 - specificity) * total) / power
    return true, total - true


def _ratio(cells: np.ndarray, measure: str) -> np.ndarray:
    (a, b), (c, d) = cells
    return a * d / (b * c) if measure == "OR" else (a / (a + c)) / (b / (b + d))


def _shown(cells: np.ndarray) -> str:
    return ", ".join(f"{value:.1f}" for value in cells.ravel())
