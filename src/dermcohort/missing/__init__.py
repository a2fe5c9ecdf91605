"""Missing data: multiple imputation, pooling by Rubin's rules, and weights for drop-out."""

from .dropout import DropoutWeights, dropout_weights
from .impute import Imputed, impute
from .pool import pool
from .pooled import PooledEstimates

__all__ = ["DropoutWeights", "Imputed", "PooledEstimates", "dropout_weights", "impute", "pool"]
