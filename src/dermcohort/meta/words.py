"""How a meta-analysis is described, and what its reader is warned of."""

from __future__ import annotations

from typing import Any

from .random_effects import METHODS, Pool


def method_sentence(what: str, k: int, method: str, hksj: bool, conf_level: float) -> str:
    """One sentence for the methods section."""
    interval = "Hartung-Knapp" if hksj else "normal"
    model = "Equal-effects" if method == "EE" else "Random-effects"
    tau2 = "" if method == "EE" else f", tau2 by {METHODS[method]} ({method})"
    studies = "1 study" if k == 1 else f"{k} studies"
    return f"{model} meta-analysis of {what} from {studies}{tau2}, {interval} {100 * conf_level:.4g}% confidence intervals."


def pool_notes(pool: Pool, method: str, hksj: bool) -> tuple[str, ...]:
    """Few studies, an empty Q-profile interval, an interval of Hartung and Knapp narrower than the usual one."""
    k = len(pool.weights)
    if k == 1:
        without = " There is no Hartung-Knapp interval." if hksj else ""
        return (f"One study: its own estimate is shown; nothing can be said of heterogeneity.{without}",)
    notes = []
    if k < 5 and method != "EE":
        notes.append(f"{k} studies: tau2 and all that rests on it are very uncertain.")
    if method != "EE" and pool.tau2_interval == (0, 0):
        notes.append(
            "The studies differ less than chance would have it: the Q-profile interval of tau2 is empty."
        )
    if hksj and pool.std_error < pool.usual_error:
        notes.append(
            f"The Hartung-Knapp standard error ({pool.std_error:.3g}) is below the usual one ({pool.usual_error:.3g}): "
            "report both."
        )
    return tuple(notes)


def heterogeneity(pool: Pool) -> dict[str, Any]:
    """The fields of `MetaAnalysis` that say how the studies differ."""
    return {
        "tau2": pool.tau2,
        "tau2_interval": pool.tau2_interval,
        "I2": pool.I2,
        "I2_interval": pool.I2_interval,
        "H2": pool.H2,
        "Q": pool.Q,
        "Q_df": pool.Q_df,
        "Q_p_value": pool.Q_p_value,
    }
