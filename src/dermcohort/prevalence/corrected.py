"""Prevalence corrected for the errors of a test with known or estimated sensitivity and specificity.

Sources: Rogan & Gladen (1978) Am J Epidemiol 107:71; Reiczigel, Foldi & Ozsvari (2010) Epidemiol Infect 138:1674
(interval of the apparent prevalence carried over, as in R's epiR::epi.prev); Lang & Reiczigel (2014) Prev Vet Med
113:13 (accuracy estimated, as in R's asht::prevSeSp).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import norm

from ..estimates import Estimates, tidy
from .intervals import INTERVALS, NAMES

LANG_REICZIGEL = "lang-reiczigel"


class Accuracy(NamedTuple):
    """A sensitivity or specificity: `right` of `n` tested, or a known `share` (n infinite)."""

    share: float
    n: float

    @property
    def variance(self) -> float:
        return self.share * (1 - self.share) / self.n

    @property
    def drawn_in(self) -> Accuracy:
        """With one success and one failure added (Lang & Reiczigel); a known share stays."""
        if math.isinf(self.n):
            return self
        return Accuracy((self.share * self.n + 1) / (self.n + 2), self.n + 2)


def corrected(
    cases: ArrayLike,
    n: ArrayLike,
    sensitivity: float | tuple[int, int],
    specificity: float | tuple[int, int],
    *,
    labels: Sequence[str] | None = None,
    ci: str | None = None,
    conf_level: float = 0.95,
) -> Estimates:
    """True prevalence from the share of positive tests, by Rogan and Gladen.

    Parameters
    ----------
    cases, n : int or sequence of int
        Positive tests and people tested, of one population or several.
    sensitivity, specificity : float or (int, int)
        A number (known, 0 to 1), or the counts of the validation study it was estimated in: correctly classified
        and tested, e.g. ``(45, 50)``.
    labels : sequence of str, optional
        Name of each population.
    ci : {"lang-reiczigel", "wilson", "wald", "clopper-pearson", "agresti-coull", "jeffreys", "logit"}, optional
        "lang-reiczigel" (2014) carries the uncertainty of counted accuracies; it is the default where either is
        given as counts, and can only be used then. The others take both as known and carry their interval of the
        apparent prevalence over; "wilson" is the default.
    conf_level : float

    Returns
    -------
    Estimates
        One row a population: `measure` "prevalence" (0 to 1), `std_error` (delta method), `n`, `events` (positive
        tests) and `apparent`, the uncorrected prevalence. Estimates and limits outside 0 and 1 are set to the
        bound, which a note says.

    Raises
    ------
    ValueError
        If sensitivity + specificity is 1 or less (the test says nothing), or for counts that are impossible.

    Examples
    --------
    >>> corrected(26, 109, 0.90, 0.85).table["estimate"].round(3).tolist()
    [0.118]
    >>> corrected(26, 109, (45, 50), (170, 200)).table[["conf_low", "conf_high"]].round(3).values.tolist()
    [[0.001, 0.251]]
    """
    if not 0 < conf_level < 1:
        raise ValueError(f"conf_level={conf_level} must lie between 0 and 1, e.g. 0.95")
    x, total = _counts(cases, n)
    names = _names(labels, len(x))
    se, sp = _accuracy(sensitivity, "sensitivity"), _accuracy(specificity, "specificity")
    if se.share + sp.share <= 1:
        raise ValueError(
            f"sensitivity + specificity is {se.share + sp.share:.4g}: a test that tells the ill from the well has "
            "more than 1"
        )
    counted = math.isfinite(se.n) or math.isfinite(sp.n)
    ci = ci or (LANG_REICZIGEL if counted else "wilson")
    _check_interval(ci, counted)

    apparent = x / total
    estimate = rogan_gladen(apparent, se, sp)
    std_error = np.sqrt(rogan_gladen_variance(apparent, total, estimate, se, sp))
    if ci == LANG_REICZIGEL:
        low, high = lang_reiczigel(x, total, se, sp, conf_level)
    else:
        low, high = (rogan_gladen(limit, se, sp) for limit in INTERVALS[ci](x, total, conf_level))
    table = pd.DataFrame(
        {
            "term": names,
            "measure": "prevalence",
            "estimate": np.clip(estimate, 0, 1),
            "conf_low": np.clip(low, 0, 1),
            "conf_high": np.clip(high, 0, 1),
            "std_error": std_error,
            "n": total.astype(int),
            "events": x.astype(int),
            "apparent": apparent,
        }
    )
    return Estimates(
        table=tidy(table),
        method=(
            f"Prevalence corrected for a sensitivity of {_shown(se)} and a specificity of {_shown(sp)} (Rogan-Gladen), "
            f"with {'Lang-Reiczigel' if ci == LANG_REICZIGEL else NAMES[ci]} {100 * conf_level:.4g}% confidence "
            "intervals."
        ),
        n=int(total.sum()),
        events=int(x.sum()),
        notes=_notes(names, estimate, low, high),
        conf_level=conf_level,
    )


def rogan_gladen(apparent: np.ndarray, se: Accuracy, sp: Accuracy) -> np.ndarray:
    """(AP + Sp - 1) / (Se + Sp - 1)."""
    return (apparent + sp.share - 1) / (se.share + sp.share - 1)


def rogan_gladen_variance(
    apparent: np.ndarray, n: np.ndarray, prevalence: np.ndarray, se: Accuracy, sp: Accuracy
) -> np.ndarray:
    """Delta method (Rogan & Gladen; Lang & Reiczigel, equation 4)."""
    youden = se.share + sp.share - 1
    sampling = apparent * (1 - apparent) / n
    return (sampling + prevalence**2 * se.variance + (1 - prevalence) ** 2 * sp.variance) / youden**2


def lang_reiczigel(
    x: np.ndarray, n: np.ndarray, se: Accuracy, sp: Accuracy, conf_level: float
) -> tuple[np.ndarray, np.ndarray]:
    """Wald interval after drawing all three proportions in, shifted by dP (equations 6, 7, 16 and 17)."""
    z = norm.ppf(0.5 + conf_level / 2)
    n_tilde = n + z**2
    apparent = (x + z**2 / 2) / n_tilde
    se, sp = se.drawn_in, sp.drawn_in
    prevalence = rogan_gladen(apparent, se, sp)
    shift = 2 * z**2 * (prevalence * se.variance - (1 - prevalence) * sp.variance)
    half = z * np.sqrt(rogan_gladen_variance(apparent, n_tilde, prevalence, se, sp))
    return prevalence + shift - half, prevalence + shift + half


# --------------------------------------------------------------------------------------- at the door


def _counts(cases: ArrayLike, n: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    x, total = np.atleast_1d(np.asarray(cases, float)), np.atleast_1d(np.asarray(n, float))
    if x.shape != total.shape or x.ndim != 1:
        raise ValueError(f"cases and n must have the same length, not {x.size} and {total.size}")
    whole = (x == np.floor(x)) & (total == np.floor(total))
    wrong = ~(whole & (x >= 0) & (x <= total) & (total > 0))
    if wrong.any():
        i = int(np.argmax(wrong))
        raise ValueError(
            f"cases and n must be whole numbers with 0 <= cases <= n and n > 0; number {i + 1} is {x[i]:g} of "
            f"{total[i]:g}"
        )
    return x, total


def _accuracy(value: float | tuple[int, int], name: str) -> Accuracy:
    if isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 2:
        (right,), (n,) = _counts(value[0], value[1])
        return Accuracy(right / n, n)
    if isinstance(value, int | float | np.number) and 0 <= value <= 1:
        return Accuracy(float(value), math.inf)
    raise ValueError(f"{name} must be a number from 0 to 1 or counts such as (45, 50), not {value!r}")


def _names(labels: Sequence[str] | None, n_populations: int) -> list[str]:
    if labels is None:
        return [str(i + 1) for i in range(n_populations)] if n_populations > 1 else ["corrected"]
    if len(labels) != n_populations:
        raise ValueError(f"labels: {len(labels)} given for {n_populations} populations")
    return list(labels)


def _check_interval(ci: str, counted: bool) -> None:
    known = [LANG_REICZIGEL, *INTERVALS]
    if ci not in known:
        raise ValueError(f"ci='{ci}' is unknown; choose one of {', '.join(known)}")
    if ci == LANG_REICZIGEL and not counted:
        raise ValueError(
            "ci='lang-reiczigel' needs the counts behind the sensitivity or the specificity, e.g. (45, 50); for known "
            "ones use 'wilson'"
        )
    if ci != LANG_REICZIGEL and counted:
        raise ValueError(
            f"ci='{ci}' takes sensitivity and specificity as known: give numbers, or use ci='lang-reiczigel'"
        )


def _shown(accuracy: Accuracy) -> str:
    if math.isinf(accuracy.n):
        return f"{accuracy.share:g}"
    return f"{accuracy.share:.3g} ({accuracy.share * accuracy.n:.0f} of {accuracy.n:.0f})"


def _notes(names: Sequence[str], estimate: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[str, ...]:
    notes = []
    outside = (estimate < 0) | (estimate > 1)
    if outside.any():
        which = ", ".join(name for name, out in zip(names, outside, strict=True) if out)
        notes.append(
            f"The estimate lies outside 0 and 1 and was set to the bound ({which}): fewer or more tests are positive "
            "than their errors alone explain."
        )
    if (low < 0).any() or (high > 1).any():
        notes.append("Confidence limits outside 0 and 1 were set to the bound.")
    return tuple(notes)
