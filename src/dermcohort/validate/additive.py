"""Aalen's additive hazards regression (id aareg)."""

from __future__ import annotations

import numpy as np

from ..survival import additive_hazards
from .registry import Read, Values, errors, recomputes


@recomputes("aareg")
def _averages_and_tests(read: Read) -> Values:
    lung = read("lung").assign(status=lambda d: d["status"] - 1)
    fit = additive_hazards("age + sex", lung, time="time", event="status")
    return np.concatenate([fit.coefficients, fit.coefficients / errors(fit.covariance)])
