"""Sample size and power: how many people a survey or a comparison needs, and what a given number can show.

Each function solves for the one quantity that is left out: the sample size, the power, or the smallest effect
that can be detected. Tests are two-sided; as in R's power.prop.test, the negligible chance of a significant
result in the wrong direction is not counted.

Every table has one row with the whole plan, in the same columns whatever was asked: `measure` says what was
solved for, `estimate` is the answer of the formula, not rounded, and counts of people, events and clusters
(`n` all people, `n_1` and `n_2` those of the groups) are rounded up.
"""

from .clusters import cluster_proportions
from .precision import design_effect, prevalence
from .proportions import case_control, two_proportions
from .survival import logrank

__all__ = [
    "case_control",
    "cluster_proportions",
    "design_effect",
    "logrank",
    "prevalence",
    "two_proportions",
]
