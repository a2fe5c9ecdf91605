"""Missing data: multiple imputation, pooling by Rubin's rules, and weights for drop-out."""

from .impute import Imputed, impute
from .pool import PooledEstimates, pool

__all__ = ["Imputed", "PooledEstimates", "impute", "pool"]
