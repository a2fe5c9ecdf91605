"""Quantitative bias analysis: what an estimate would be without a bias of a given, or uncertain, size."""

from .confounding import selection, unmeasured_confounder
from .misclassification import misclassification
from .negative_controls import negative_control
from .parameters import Beta, Triangular

__all__ = [
    "Beta",
    "Triangular",
    "misclassification",
    "negative_control",
    "selection",
    "unmeasured_confounder",
]
