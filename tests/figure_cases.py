"""Figures with made-up numbers, one a function and a hard case: what `test_figure_images` draws and compares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from dermcohort import figures
from dermcohort.figures.chains import chain_figure
from dermcohort.figures.dose_response import dose_response_figure
from dermcohort.language import Labels

LONG = "Ever told by a doctor or other health professional that you have psoriasis"
ENGLISH = Labels(
    {
        "long": LONG, "acne": "Acne", "psoriasis": "Psoriasis", "rosacea": "Rosacea", "cohort=a": "North bay",
        "cohort=b": "East lake", "sex=f": "Women", "sex=m": "Men", "age_group": "Age group", "bmi": "Body mass index",
        "time": "Years since baseline", "wave=one": "Baseline", "wave=two": "Follow-up 1",
    }
)  # fmt: skip
CHINESE = Labels(
    {
        "long": "过去十二个月内是否曾因皮肤问题就诊于皮肤科医生或其他专科医生（自我报告）", "acne": "痤疮",
        "psoriasis": "银屑病", "rosacea": "玫瑰痤疮", "cohort=a": "北湾队列", "cohort=b": "东湖队列", "sex=f": "女",
        "sex=m": "男", "age_group": "年龄组", "bmi": "体质指数", "time": "基线后年数", "wave=one": "基线调查",
        "wave=two": "第一次随访", "smoking=never": "从不", "smoking=current": "目前吸烟", "smoking": "吸烟状况",
    },
    language="zh",
)  # fmt: skip
TERMS = ["acne", "psoriasis", "rosacea", "long"]


def _estimates(measure: str, middles: list[float], spread: float = 1.3, **columns: list) -> pd.DataFrame:
    middle = np.array(middles)
    table = pd.DataFrame(
        {
            **columns,
            "measure": measure,
            "estimate": middle,
            "conf_low": middle / spread,
            "conf_high": middle * spread,
        }
    )
    return table.assign(n=1000, events=100.0)


def _hide(table: pd.DataFrame, *rows: int) -> pd.DataFrame:
    """Rows as disclosure control leaves them."""
    table.loc[list(rows), ["estimate", "conf_low", "conf_high", "events"]] = np.nan
    return table


def _prevalence() -> pd.DataFrame:
    pairs = [(term, cohort) for term in TERMS for cohort in "ab"]
    table = _estimates(
        "prevalence", [0.3, 0.25, 0.02, 0.03, 0.05, 0.04, 0.1, 0.12],
        cohort=[cohort for _, cohort in pairs], term=[term for term, _ in pairs],
    )  # fmt: skip
    return _hide(table, 2)


def forest(labels: Labels) -> Axes:
    terms = ["smoking", "smoking", "acne", "long", "psoriasis", "rosacea"]
    table = _estimates(
        "OR", [1.0, 2.1, 0.8, 1.5, 1.2, 1.1], term=terms, level=["never", "current", None, None, None, None]
    ).assign(reference=["never", "never", None, None, None, None])
    table.loc[0, ["conf_low", "conf_high"]] = np.nan
    table.loc[5, ["estimate", "conf_low", "conf_high"]] = np.nan
    table["n"] = [1000, 1000, 1000, 1000, 1000, 0]
    return figures.point_ranges(_hide(table, 4), 0.95, None, labels)


def forest_pooled(labels: Labels) -> Axes:
    table = _estimates(
        "OR", [1.2, 1.9, 0.7, 1.3, np.nan], term=["a 2003", "b 2010", "c 2015", "pooled", "interval"]
    )
    table = table.drop(columns=["n", "events"]).assign(weight=[20.0, 50.0, 30.0, np.nan, np.nan])
    table.loc[4, ["conf_low", "conf_high"]] = 0.5, 3.4
    diamonds = np.array([False, False, False, True, False])
    return figures.point_ranges(table, 0.95, None, labels, summary=diamonds)


def forest_forty_rows(labels: Labels) -> Axes:
    middle = np.exp(np.sin(np.arange(40)) / 2)
    table = _estimates("HR", list(middle), term=[f"exposure {i}" for i in range(1, 41)])
    return figures.point_ranges(table, 0.95, None, labels)


def forest_by_model(labels: Labels) -> Axes:
    rows = [(model, term) for model in ("Crude", "Adjusted") for term in TERMS]
    table = _estimates(
        "OR", [1.5, 2.5, 0.7, 1.1, 1.3, 2.0, 0.8, 1.0], model=[m for m, _ in rows], term=[t for _, t in rows]
    ).assign(level=None, reference=None)
    return figures.forest_by_group(_hide(table, 6), "model", 0.95, None, labels)


def prevalence_by_cohort(labels: Labels) -> Axes:
    return figures.grouped_ranges(_prevalence(), "term", "cohort", labels=labels)


def prevalence_on_log_axis(labels: Labels) -> Axes:
    return figures.grouped_ranges(_prevalence(), "term", "cohort", labels=labels, log=True)


def prevalence_by_age(labels: Labels) -> Axes:
    ages = ["<30", "30–39", "40–49", "50–59", "60+"]
    table = _estimates(
        "prevalence", [0.01, 0.02, 0.04, 0.06, 0.09, 0.02, 0.03, 0.05, 0.08, 0.10],
        age_group=ages * 2, sex=["f"] * 5 + ["m"] * 5,
    )  # fmt: skip
    return figures.line_ranges(_hide(table, 0, 5, 9), "age_group", "sex", labels=labels)


def _curve(rate: float, *, rising: bool = False) -> pd.DataFrame:
    time = np.linspace(0.5, 12, 24)
    survival = np.exp(-rate * time)
    middle = 1 - survival if rising else survival
    half = 0.01 + 0.004 * time
    return pd.DataFrame(
        {"time": time, "estimate": middle, "conf_low": middle - half, "conf_high": middle + half}
    )


def _n_risk(curve: pd.DataFrame, times: np.ndarray) -> np.ndarray:
    return (
        np.round(1200 * np.exp(-0.2 * times))
        if curve["estimate"].notna().any()
        else np.full(len(times), np.nan)
    )


def survival(labels: Labels) -> Axes:
    names = [labels.get(f"sex={sex}", sex) for sex in "fm"]
    hidden = _curve(0.1).iloc[[-1]].assign(estimate=np.nan, conf_low=np.nan, conf_high=np.nan)
    return figures.curve_figure(
        {names[0]: _curve(0.02), names[1]: _curve(0.06), labels["long"]: hidden}, None, x_label="time",
        y_label="Survival probability", start=1.0, intervals=True, n_risk=_n_risk, labels=labels,
    )  # fmt: skip


def cumulative_incidence(labels: Labels) -> Axes:
    curves = {labels.get(name, name): _curve(0.01 * i, rising=True) for i, name in enumerate(TERMS, start=1)}
    ax = figures.curve_figure(
        curves, None, x_label="time", y_label="Cumulative incidence", start=0.0, intervals=True,
        n_risk=_n_risk, at_risk_of={"": curves[labels["acne"]]}, labels=labels,
    )  # fmt: skip
    ax.set_ylim(0, 0.5)
    return ax


def dose_response(labels: Labels) -> Axes:
    x = np.linspace(18, 40, 60)
    middle = np.exp(((x - 24) / 12) ** 2)
    curve = pd.DataFrame({"bmi": x, "estimate": middle, "conf_low": middle / 1.2, "conf_high": middle * 1.2})
    return dose_response_figure(
        curve, None, x_label="bmi", measure="OR", conf_level=0.95, reference=24.0,
        observed=pd.Series(24 + 5 * np.sin(np.arange(80.0))), labels=labels,
    )  # fmt: skip


def love_plot(labels: Labels) -> Axes:
    terms = [labels.get(term, term) for term in TERMS]
    rows = pd.concat(
        [
            pd.DataFrame({"term": terms, "measure": "unweighted SMD", "estimate": [0.3, 0.25, 0.12, 0.4]}),
            pd.DataFrame({"term": terms, "measure": "SMD", "estimate": [0.05, 0.02, np.nan, 0.11]}),
        ]
    )
    return figures.difference_dots(rows, None, labels)


def flow(labels: Labels) -> Axes:
    rows = [
        (1, "wave=one", "kept", 5120, "5,120"), (2, "long", "excluded", np.nan, "<5"),
        (2, "rosacea", "excluded", 300, "300"), (2, "long", "kept", np.nan, "4,8xx"),
        (3, "acne", "excluded", 800, "800"), (3, "wave=two", "kept", 4000, "4,000"),
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["step", "label", "kind", "n", "printed"])
    return figures.flow_boxes(table.assign(label=[labels.get(v, v) for v in table["label"]]), None, labels)


def harmonization(labels: Labels) -> Axes:
    rng = np.random.default_rng(5)
    columns = pd.MultiIndex.from_tuples([("a", "one"), ("a", "two"), ("b", "one")])
    choices = ["complete", "derived", "partial", "undecided", "impossible", "."]
    index = [*TERMS, *(f"variable_{i}" for i in range(36))]
    return figures.status_matrix(
        pd.DataFrame(rng.choice(choices, (40, 3)), index=index, columns=columns), labels=labels
    )


def co_occurrence(labels: Labels) -> Axes:
    pairs = [(a, b) for i, a in enumerate(TERMS) for b in TERMS[i + 1 :]]
    table = pd.DataFrame(pairs, columns=["first", "second"]).assign(
        estimate=[1.2, 0.4, 6.0, np.nan, 0.9, 1.1], is_sure=[True, False, True, False, False, False],
        is_vague=[False, False, False, False, True, False],
    )  # fmt: skip
    return figures.pair_matrix(table, TERMS, heading="Observed / expected", labels=labels)


def reasons(labels: Labels) -> Axes:
    columns = list(figures.reasons.REASONS)
    counts = pd.DataFrame(
        [[600, *range(10, 110, 10)], [900, 0, 100] + [0] * 8, [0] * 11, [500] + [0] * 10],
        index=TERMS, columns=columns,
    )  # fmt: skip
    return figures.reason_bars(counts, labels=labels)


def timeline(labels: Labels) -> Axes:
    waves = pd.DataFrame(
        {
            "cohort": ["a", "a", "b"], "wave": ["one", "two", "one"],
            "start": ["2001-03-01", "2006-01-01", "2004-05-01"], "end": ["2003-06-30", "2007-12-31", "2004-05-02"],
            "n": [5120, np.nan, 880],
        }
    )  # fmt: skip
    return figures.timeline(waves, labels=labels)


def matrix_of_estimates(labels: Labels) -> Axes:
    return figures.estimate_matrix(_prevalence().drop(index=5), labels=labels)


def weights(labels: Labels) -> Axes:
    table = pd.DataFrame({"term": TERMS, "weight": [0.5, 0.3, 0.2, -0.1]})
    return figures.weight_bars(table, None, labels, threshold=0.25)


def quantiles(labels: Labels) -> Axes:
    curve = pd.DataFrame({"quantile": range(4), "estimate": [0.1, 0.15, 0.18, 0.3]})
    return figures.quantile_curve(
        curve.assign(conf_low=curve["estimate"] - 0.03, conf_high=curve["estimate"] + 0.03), None, labels
    )


def roc(labels: Labels) -> Axes:
    at = np.linspace(0, 1, 21)
    curves = {}
    for name, power in (("acne", 0.3), ("long", 0.7)):
        curve = pd.DataFrame({"specificity": 1 - at, "sensitivity": at**power})
        curves[labels.get(name, name)] = (curve, curve.iloc[[5]])
    return figures.roc_figure(curves, None, labels)


def bland_altman(labels: Labels) -> Axes:
    mean = np.linspace(20, 40, 60)
    points = pd.DataFrame({"mean": mean, "difference": 2 * np.sin(np.arange(60)) + 0.5})
    table = pd.DataFrame(
        {"measure": ["bias", "lower limit", "upper limit"], "estimate": [0.5, -2.3, 3.3],
         "conf_low": [0.1, -3, 2.6], "conf_high": [0.9, -1.6, 4.0]}
    )  # fmt: skip
    return figures.bland_altman_figure(
        points, table, None, a=labels["acne"], b=labels["rosacea"], labels=labels
    )


def chains(labels: Labels) -> Axes:
    rows = [
        {
            "variable": "bmi",
            "chain": chain,
            "iteration": i,
            "mean": 25 + np.sin(i * chain),
            "sd": 3 + np.cos(i + chain),
        }
        for chain in (1, 2, 3)
        for i in range(1, 11)
    ]
    return chain_figure(pd.DataFrame(rows), labels=labels).axes[0]


def residuals(labels: Labels) -> Axes:
    time = np.linspace(0.5, 12, 80)
    smooth = pd.DataFrame({"x": np.linspace(0.5, 12, 30)}).assign(estimate=lambda d: 0.5 + 0.05 * d["x"])
    smooth = smooth.assign(conf_low=smooth["estimate"] - 0.3, conf_high=smooth["estimate"] + 0.3)
    ((ax, _),) = figures.coefficient_panels(None, ["acne"], None)
    return figures.residual_figure(
        ax, time, 0.8 + 2 * np.sin(np.arange(80)), smooth, time, coefficient=0.8, x_label="time",
        y_label=f"log HR of {labels['acne']}", labels=labels,
    )  # fmt: skip


def log_log(labels: Labels) -> Axes:
    curves = {labels.get(f"sex={sex}", sex): _curve(rate) for sex, rate in (("f", 0.02), ("m", 0.06))}
    return figures.log_log_figure(curves, None, x_label="time", labels=labels)


def lexis(labels: Labels) -> Axes:
    start = np.arange(2000, 2012, 0.6)
    return figures.lexis_lines(
        start, 30 + 20 * np.abs(np.sin(start)), np.full(20, 4.0), np.arange(20) % 3 == 0, None, event_label="acne",
        period_lines=None, age_lines=None, labels=labels,
    )  # fmt: skip


def interval_censored(labels: Labels) -> Axes:
    curve = pd.DataFrame(
        {"lower": [1.0, 3, 6, 8], "upper": [2, 4, 7, np.inf], "survival": [0.9, 0.7, 0.5, 0.5]}
    )
    other = curve.assign(survival=[0.95, 0.85, 0.8, 0.8])
    named = {labels.get(f"sex={sex}", sex): table for sex, table in (("f", curve), ("m", other))}
    return figures.steps_between(
        named, 10.0, None, x_label="time", y_label="Survival probability", labels=labels
    )


CASES: Mapping[str, Callable[[Labels], Axes]] = {
    function.__name__: function
    for function in (
        forest, forest_pooled, forest_forty_rows, forest_by_model, prevalence_by_cohort, prevalence_on_log_axis,
        prevalence_by_age, survival, cumulative_incidence, dose_response, love_plot, flow, harmonization, co_occurrence,
        reasons, timeline, matrix_of_estimates, weights, quantiles, roc, bland_altman, chains, residuals, log_log, lexis,
        interval_censored,
    )
}  # fmt: skip

IMAGES = Path(__file__).parent / "images"
# figures whose words, not only names, are drawn differently in Chinese
IN_CHINESE = (
    "forest", "prevalence_by_cohort", "prevalence_by_age", "survival", "flow", "harmonization", "reasons", "matrix_of_estimates",
)  # fmt: skip
PAIRS = [(name, "en") for name in CASES] + [(name, "zh") for name in IN_CHINESE]


def draw(name: str, language: str, path: Path) -> None:
    """The figure as a small PNG."""
    ax = CASES[name](CHINESE if language == "zh" else ENGLISH)
    with figures.journal_style():
        ax.figure.figure.savefig(path, dpi=50, bbox_inches="tight")
    plt.close(ax.figure.figure)


if __name__ == "__main__":  # draw all again, as what the figures shall look like from now on
    for case in PAIRS:
        draw(*case, IMAGES / f"{'.'.join(case)}.png")
