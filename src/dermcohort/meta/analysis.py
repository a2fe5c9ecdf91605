"""The result of a meta-analysis, and what can be asked of it: without each study, by subgroup, small studies, a plot.

Sources: Egger et al. (1997) BMJ 315:629; Hunter et al. (2014) J Clin Epidemiol 67:897 (proportions); Sterne & Egger (2005) in Publication Bias in Meta-Analysis, ch. 6; Borenstein
et al. (2009) Introduction to Meta-Analysis, ch. 19 (subgroups). Equal to leave1out and regtest of metafor 3.8.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import chi2

from ..estimates import Estimates, tidy
from ..tables import format_interval, format_number, format_p
from .random_effects import METHODS, fit_random_effects, quantiles, symmetric_interval

if TYPE_CHECKING:
    import matplotlib.axes


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class MetaAnalysis(Estimates):
    """Studies and their pooled estimate, with the heterogeneity between them.

    Parameters
    ----------
    tau2, tau2_interval : float, (low, high)
        Variance between studies on the scale of `coef`; its Q-profile interval.
    I2, I2_interval : float, (low, high)
        Share of the variability that lies between studies, in per cent.
    H2 : float
        Total over sampling variability.
    Q, Q_df, Q_p_value : float, int, float
        Cochran's test of equal effects.
    prediction_interval : (low, high)
        Where the effect of a new study lies, on the scale of `estimate`.
    estimator, hksj : str, bool
        As they were asked for.
    """

    tau2: float
    tau2_interval: tuple[float, ...]
    I2: float
    I2_interval: tuple[float, ...]
    H2: float
    Q: float
    Q_df: int
    Q_p_value: float
    prediction_interval: tuple[float, ...]
    estimator: str
    hksj: bool

    def _footnotes(self) -> list[str]:
        row = self.table.iloc[-1]
        spread = f"tau2 = {_with_interval(self.tau2, self.tau2_interval, 3)}"
        share = f"I2 = {_with_interval(self.I2, self.I2_interval, 1, '%')}"
        lines = []
        if not np.isnan(self.Q):  # it was not suppressed
            lines.append(f"Heterogeneity: {spread}; {share}; {_test(self.Q, self.Q_df, self.Q_p_value)}.")
        if np.isfinite(self.prediction_interval).all():
            shown = format_interval(row["measure"], row["estimate"], *self.prediction_interval)
            lines.append(f"Pooled with {100 * self.conf_level:.4g}% prediction interval: {shown}.")
        return [*super()._footnotes(), *lines]

    @property
    def studies(self) -> pd.DataFrame:
        """The rows of the studies, without the pooled one."""
        return self.table.iloc[:-1]

    def leave_one_out(self) -> Estimates:
        """The pooled estimate without each study in turn; `term` is the study left out.

        Examples
        --------
        >>> dc.meta.combine([0.1, 0.3, 0.8], [0.1, 0.1, 0.2]).leave_one_out().table[["term", "estimate", "I2"]].round(2)
              term  estimate    I2
        0  study 1      0.52  80.0
        1  study 2      0.43  89.8
        2  study 3      0.20  50.0
        """
        k = len(self.studies)
        if k < 2:
            raise ValueError("leave_one_out: there is one study; without it nothing is left to pool")
        fits = [self._refit(np.arange(k) != i) for i in range(k)]
        table = _pooled_rows(fits).assign(term=self.studies["term"].to_numpy())
        return Estimates(
            table=tidy(table),
            method=f"{self.method} Each row leaves out the study it names.",
            n=self.n,
            events=self.events,
            conf_level=self.conf_level,
        )

    def subgroups(self) -> SubgroupAnalysis:
        """A meta-analysis in each subgroup, with a tau2 of its own, and the test that they agree.

        The pooled estimates are compared by Cochran's Q with their standard errors: metafor's
        ``rma(b, sei = se, method = "EE")``. A common tau2, as in a regression on the subgroup, is not assumed.

        Examples
        --------
        >>> fit = dc.meta.combine([0.1, 0.3, 0.8, 0.9], [0.1, 0.1, 0.2, 0.1], subgroup=["a", "a", "b", "b"])
        >>> test = fit.subgroups()
        >>> round(test.statistic, 2), test.df, round(test.p_value, 6)
        (25.69, 1, 0.0)
        """
        if "subgroup" not in self.table:
            raise ValueError("subgroups: the studies have no subgroup; give combine(..., subgroup=...)")
        subgroup = self.studies["subgroup"]
        levels = list(dict.fromkeys(subgroup))
        if len(levels) < 2:
            raise ValueError(f"subgroups: all studies are in the one subgroup '{levels[0]}'")
        fits = [self._refit((subgroup == level).to_numpy()) for level in levels]
        table = _pooled_rows(fits).assign(
            subgroup=levels, term="pooled", studies=[len(f.studies) for f in fits]
        )
        b, std_error = table["coef"].to_numpy(float), table["std_error"].to_numpy(float)
        between = fit_random_effects(b, std_error**2, np.ones((len(b), 1)), "EE", hksj=False)
        return SubgroupAnalysis(
            table=tidy(table, ["subgroup"]),
            method=f"{self.method} Each subgroup has a tau2 of its own; Q compares their pooled estimates.",
            n=self.n,
            events=self.events,
            conf_level=self.conf_level,
            statistic=between.Q,
            df=between.Q_df,
            p_value=float(chi2.sf(between.Q, between.Q_df)),
        )

    def funnel_asymmetry(self, *, model: str = "rma") -> Estimates:
        """Egger's regression: do small studies show other effects than large ones?

        Parameters
        ----------
        model : {"rma", "lm"}
            "rma": random-effects regression on the standard error, tau2 by the method of the meta-analysis. "lm":
            Egger's own, weighted least squares, t with k - 2 df. As metafor::regtest.

        Returns
        -------
        Estimates
            Row "asymmetry": the slope of the estimate over its standard error (scale of `coef`), with the test.
            Row "limit": the estimate as the standard error goes to 0.

        Examples
        --------
        >>> fit = dc.meta.combine([0.1, 0.2, 0.5, 0.6], [0.1, 0.2, 0.3, 0.4])
        >>> fit.funnel_asymmetry(model="lm").table[["term", "estimate", "p_value"]].round(3)
                term  estimate  p_value
        0  asymmetry     1.692    0.027
        1      limit    -0.077      NaN
        """
        if model not in ("rma", "lm"):
            raise ValueError(f"model='{model}' is unknown; choose 'rma' or 'lm'")
        if self.estimator not in METHODS:
            raise ValueError(f"funnel_asymmetry: not for method='{self.estimator}'; pool with method='ML'")
        y, std_error = (self.studies[c].to_numpy(float) for c in ("coef", "std_error"))
        if len(np.unique(std_error)) < 2 or len(y) < 3:
            raise ValueError("funnel_asymmetry: needs 3 studies or more whose standard errors differ")
        X = np.column_stack([np.ones_like(y), std_error])
        # a multiplicative variance, estimated: weighted least squares is Knapp and Hartung's scaling without tau2
        fit = (
            fit_random_effects(y, std_error**2, X, "EE", hksj=True)
            if model == "lm"
            else fit_random_effects(y, std_error**2, X, self.estimator, self.hksj)
        )
        limit, slope = fit.coefficients
        limit_error, slope_error = np.sqrt(np.diag(fit.covariance))
        ends = symmetric_interval(slope, slope_error, fit.df, self.conf_level)
        limits = symmetric_interval(limit, limit_error, fit.df, self.conf_level)
        shown = self._reported(np.array([limit, *limits]))
        rows = pd.DataFrame(
            {
                "term": ["asymmetry", "limit"],
                "measure": ["coefficient", self.table["measure"].iloc[0]],
                "estimate": [slope, shown[0]],
                "conf_low": [ends[0], shown[1]],
                "conf_high": [ends[1], shown[2]],
                "p_value": [2 * quantiles(fit.df).sf(abs(slope / slope_error)), np.nan],
                "coef": [slope, limit],
                "std_error": [slope_error, limit_error],
                "statistic": [slope / slope_error, np.nan],
                "df": fit.df if np.isfinite(fit.df) else np.nan,
            }
        )
        notes = []
        if len(y) < 10:
            notes.append(
                f"{len(y)} studies: with fewer than 10 the test rarely finds an asymmetry that is there."
            )
        if self.events is not None:
            notes.append(
                "The standard error of a proportion depends on the proportion: an asymmetry may be made by that alone "
                "(Hunter et al. 2014)."
            )
        how = (
            "weighted least squares" if model == "lm" else f"a random-effects model, tau2 by {self.estimator}"
        )
        return Estimates(
            table=tidy(rows),
            method=f"Egger's regression of the estimates on their standard errors by {how}.",
            n=self.n,
            events=self.events,
            notes=tuple(notes),
            conf_level=self.conf_level,
        )

    def plot(
        self, ax: matplotlib.axes.Axes | None = None, *, labels: Mapping[str, str] | None = None
    ) -> matplotlib.axes.Axes:
        """Forest plot: studies as squares that grow with their weight, pooled estimates as diamonds.

        Subgroups stand together, each above its own diamond. The last line is the prediction interval.
        """
        from ..figures import point_ranges
        from ..language import labels_of

        words = labels_of(labels)
        plain = self.table.drop(columns="subgroup", errors="ignore")
        blocks, diamonds = [plain.iloc[:-1]], [False] * len(self.studies)
        if "subgroup" in self.table:
            groups = self.studies["subgroup"]
            summaries = self.subgroups().table if groups.nunique() > 1 else self.table.iloc[:0]
            blocks, diamonds = [], []
            pooled = words.word("pooled") + words.word(", ")
            for summary in summaries.to_dict("records"):
                rows = plain.iloc[:-1][(groups == summary["subgroup"]).to_numpy()]
                blocks += [
                    rows,
                    pd.DataFrame([{**summary, "term": f"{pooled}{words.word(summary['subgroup'])}"}]),
                ]
                diamonds += [*[False] * len(rows), True]
        low, high = self.prediction_interval
        interval = words.sentence(f"{100 * self.conf_level:.4g}% prediction interval")
        prediction = {"term": interval, "measure": plain["measure"].iloc[0],
                      "estimate": np.nan, "conf_low": low, "conf_high": high}  # fmt: skip
        last = [pd.DataFrame([prediction])] if np.isfinite(low) else []
        shown = pd.concat([*blocks, plain.iloc[-1:], *last], ignore_index=True)
        columns = ["term", "measure", "estimate", "conf_low", "conf_high", "weight", "n", "events"]
        shown = shown[[column for column in columns if column in shown]]
        return point_ranges(
            shown, self.conf_level, ax, words, summary=np.array([*diamonds, True, *[False] * len(last)])
        )

    def _refit(self, keep: np.ndarray) -> MetaAnalysis:
        """The same analysis of some of the studies."""
        raise NotImplementedError

    def _reported(self, values: np.ndarray) -> np.ndarray:
        """Values on the scale of `coef`, on that of `estimate`."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class SubgroupAnalysis(Estimates):
    """A pooled estimate a subgroup; `statistic`, `df`, `p_value` test that they are equal."""

    statistic: float
    df: int
    p_value: float

    def _footnotes(self) -> list[str]:
        return [
            *super()._footnotes(),
            f"Between subgroups: {_test(self.statistic, self.df, self.p_value)}.",
        ]


def _with_interval(value: float, interval: tuple[float, ...], digits: int, unit: str = "") -> str:
    middle, low, high = (format_number(number, digits) for number in (value, *interval))
    return f"{middle}{unit}" if np.isnan(interval).any() else f"{middle}{unit} ({low}, {high})"


def _test(Q: float, df: int, p_value: float) -> str:
    p = format_p(p_value)
    return f"Q = {format_number(Q, 1)}, df = {df}, p {p if p.startswith('<') else f'= {p}'}"


def _pooled_rows(fits: Sequence[MetaAnalysis]) -> pd.DataFrame:
    rows = pd.concat([fit.table.iloc[-1:] for fit in fits], ignore_index=True)
    names = ("tau2", "I2", "Q", "Q_p_value")
    return rows.drop(columns=["weight", "subgroup"], errors="ignore").assign(
        **{name: [getattr(fit, name) for fit in fits] for name in names}
    )
