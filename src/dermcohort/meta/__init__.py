"""Pooling one number a study across studies: meta-analysis.

`combine` takes estimates with their standard errors, on a scale on which they are about normal (log odds ratios, log
hazard ratios, mean differences); proportions are pooled by `dermcohort.prevalence.pooled`.
"""

from .analysis import MetaAnalysis, SubgroupAnalysis
from .combine import combine

__all__ = ["MetaAnalysis", "SubgroupAnalysis", "combine"]
