"""Several correlated exposures at once, such as metals: the effect of the mixture, and which parts carry it."""

from .quantile_gcomp import QuantileGcomp, quantile_gcomp
from .wqs import WeightedQuantileSum, wqs

__all__ = ["QuantileGcomp", "WeightedQuantileSum", "quantile_gcomp", "wqs"]
