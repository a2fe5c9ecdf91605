"""From influence functions to a covariance: the one place where variances of estimates are made.

Row i of an influence array is what row i of the data contributes to the estimates, psi_i, weights included, so
that the estimates are off by about sum_i psi_i. A design says which rows depend on each other:

- independent rows or clusters (`sandwich`), with corrections for few clusters (`bias_reduced`);
- a sample survey with strata, stages, weights and finite populations (`SurveyDesign`, `Sample.covariance`);
- replicate weights that came with the data (`ReplicateDesign`).
"""

from .few_clusters import JointDf, MeanModel, bias_reduced
from .means import Means, weighted_means, weighted_ratios
from .replicates import ReplicateDesign, Replicates, jackknife
from .robust import CLUSTERED, NEED_MODEL, UNCLUSTERED, check_kind, choose_kind, sandwich
from .survey import IndependentRows, Sample, SurveyDesign

__all__ = [
    "CLUSTERED",
    "NEED_MODEL",
    "UNCLUSTERED",
    "IndependentRows",
    "JointDf",
    "MeanModel",
    "Means",
    "ReplicateDesign",
    "Replicates",
    "Sample",
    "SurveyDesign",
    "bias_reduced",
    "check_kind",
    "choose_kind",
    "jackknife",
    "sandwich",
    "weighted_means",
    "weighted_ratios",
]
