"""Missing data: multiple imputation, pooling by Rubin's rules, weights for drop-out, sensitivity to loss."""

from .dropout import DropoutWeights, dropout_weights
from .impute import Imputed, impute
from .loss import loss_sensitivity
from .pool import pool
from .pooled import PooledEstimates

__all__ = [
    "DropoutWeights",
    "Imputed",
    "PooledEstimates",
    "dropout_weights",
    "impute",
    "loss_sensitivity",
    "pool",
]
