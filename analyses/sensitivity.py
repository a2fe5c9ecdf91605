"""Would the headline results be others, had the analysis been another? One row a variant.

Three results: current smoking and rosacea at baseline, current smoking and incident rosacea, manganese in urine and chronic
urticaria. A fourth, current smoking and death, has the follow-up and the time scale varied.
"""

import matplotlib.pyplot as plt
import pandas as pd

import dermcohort as dc
from dermcohort.figures import journal_style, point_ranges, save_figure
from dermcohort.missing import dropout_weights, impute, pool
from dermcohort.pipeline import results_folder, study_folder
from dermcohort.regression import logistic, modified_poisson
from dermcohort.survival import cox, interval_ph

QUESTION_ZH = "换用其他分析方法，主要结果是否改变？每种方法一行。"

study = dc.open_study(study_folder())
results = results_folder()
SMOKER = {"term": "smoking_status", "level": "current"}


def compared(name, question, variants, term, level=None):
    """The row of one term in each variant, saved under `name`."""
    rows = []
    for variant, fit in variants.items():
        table = fit.table[fit.table["term"] == term]
        row = table[table["level"] == level] if level is not None else table
        counts = {"n": fit.n, "events": fit.events}
        rows.append(row.assign(term=variant, level=None, reference=None, **counts))
    columns = ["term", "measure", "estimate", "conf_low", "conf_high", "p_value", "n", "events"]
    table = pd.concat(rows, ignore_index=True)[columns]
    found = study.shown(dc.Estimates(table, question, n=int(table["n"].max())))
    found.save(results / name)
    return found


# 1. current against never smokers: rosacea at baseline
columns = ["rosacea", "smoking_status", "age", "sex", "bmi", "cluster", "stratum", "weight"]
adults = study.frame(columns, wave="baseline", cohorts="central_china").data
formula = "rosacea ~ smoking_status + sex + age + bmi"
design = dc.SurveyDesign("weight", strata="stratum", cluster="cluster", nest=True)
imputed = impute(
    adults[["rosacea", "smoking_status", "age", "sex", "bmi", "cluster"]].assign(cluster=adults["cluster"].astype(str)),
    m=5, iterations=5, seed=1,
)  # fmt: skip
baseline = compared(
    "sensitivity_rosacea",
    "Current against never smokers, adjusted for age, sex and body mass index. The main analysis is a logistic regression of "
    "complete cases with a variance clustered by residence.",
    {
        "main": logistic(formula, adults, cluster="cluster"),
        "unclustered": logistic(formula, adults),
        "few clusters (CR2)": logistic(formula, adults, cluster="cluster", robust="CR2"),
        "survey design": logistic(formula, adults, design=design),
        "multiple imputation": pool(imputed.fit(lambda d: logistic(formula, d, cluster="cluster"))),
        "prevalence ratio": modified_poisson(formula, adults, cluster="cluster"),
    },
    **SMOKER,
)

# 2. ... and incident rosacea
covariates = ["age", "sex", "smoking_status", "bmi", "cluster"]
onset = study.survival_frame("rosacea", cohorts="central_china", covariates=covariates).data
right_side = "smoking_status + sex + age + bmi"
visits = {"time": "exit", "event": "event", "cluster": "cluster"}
onset["middle"] = onset["exit"].where(onset["event"] == 0, (onset["left"] + onset["right"]) / 2)
# those seen again stand for all who could have been: free of rosacea at baseline and alive at the end of the first year
at_start = study.frame([*covariates, "rosacea"], wave="baseline", cohorts="central_china").data
deaths = study.survival_frame("death", cohorts="central_china", covariates=["age"]).data
early = deaths.loc[(deaths["event"] == 1) & (deaths["exit"] < 1), "participant_id"]
could = at_start[(at_start["rosacea"] == "no") & ~at_start["participant_id"].isin(early)]
could = could.assign(seen=could["participant_id"].isin(onset["participant_id"]).astype(int))
staying = dropout_weights(could, "seen", "age + sex + smoking_status")
weight = pd.Series(staying.weights.to_numpy(), index=could["participant_id"].astype(str))
onset["weight"] = onset["participant_id"].astype(str).map(weight).to_numpy()
incident = compared(
    "sensitivity_incident_rosacea",
    "Current against never smokers, adjusted for age, sex and body mass index. The main analysis is a Cox regression of "
    "the time to the visit at which rosacea was first seen.",
    {
        "main": cox(right_side, onset, **visits),
        "midpoint": cox(right_side, onset, **{**visits, "time": "middle"}),
        "interval-censored": interval_ph(
            right_side, onset, left="left", right="right", knots=1, cluster="cluster"
        ),
        "drop-out weights": cox(right_side, onset[onset["weight"].notna()], weights="weight", **visits),
        "first year left out": cox(
            right_side, onset[onset["exit"] > 1].assign(start=1.0), entry="start", **visits
        ),
    },
    **SMOKER,
)

# 3. ... and death
by_age = study.survival_frame("death", cohorts="central_china", covariates=covariates, time_scale="age").data
late = by_age.assign(start=by_age["entry"] + 1)
two_sides = {"time": "exit", "event": "event", "cluster": "cluster"}
mortality = compared(
    "sensitivity_death",
    "Current against never smokers, adjusted for sex. The main analysis is a Cox regression with age as the time scale.",
    {
        "main": cox("smoking_status + sex", by_age, entry="entry", **two_sides),
        "unclustered": cox("smoking_status + sex", by_age, time="exit", event="event", entry="entry"),
        "time since baseline": cox(
            "smoking_status + sex + rcs(age, 4)",
            study.survival_frame("death", cohorts="central_china", covariates=covariates).data,
            **two_sides,
        ),
        "body mass index added": cox(
            "smoking_status + sex + rcs(bmi, 4)", by_age, entry="entry", **two_sides
        ),
        "first year left out": cox(
            "smoking_status + sex", late[late["exit"] > late["start"]], entry="start", **two_sides
        ),
    },
    **SMOKER,
)

# 4. values below the detection limit: manganese in urine and urticaria at any visit, Hunan
ill = study.frame(["chronic_urticaria"], cohorts="hunan_metals").data
ever = (ill["chronic_urticaria"] == "yes").groupby(ill["participant_id"].astype(str)).max().astype(float)
names = ["urine_mn", "urine_creatinine", "age", "sex", "smoking_status", "cluster"]


def residents(lod):
    data = study.frame(names, wave="baseline", cohorts="hunan_metals", lod=lod).data
    return data.assign(urticaria=data["participant_id"].astype(str).map(ever).to_numpy())


exposure = "urticaria ~ log2(urine_mn) + log2(urine_creatinine) + age + sex + smoking_status"
censored = residents("censored")
marked = [c for c in censored if c.endswith("__below")]
drawn = impute(
    censored[["urticaria", "urine_mn", "urine_creatinine", "age", "sex", "smoking_status", *marked]],
    m=10, iterations=5, seed=1,
    limits={name.removesuffix("__below"): name for name in marked},
    methods=dict.fromkeys(marked, "none"),
)  # fmt: skip
root = residents("limit/sqrt2")
limits = compared(
    "sensitivity_detection_limit",
    "Chronic urticaria per doubling of manganese in urine, adjusted for creatinine, age, sex and smoking. In the main analysis "
    "values below the detection limit count as the limit divided by the root of 2.",
    {
        "main": logistic(exposure, root, cluster="cluster"),
        "half the limit": logistic(exposure, residents("limit/2"), cluster="cluster"),
        "values below left out": logistic(exposure, residents("drop"), cluster="cluster"),
        "values below imputed": pool(drawn.fit(lambda d: logistic(exposure, d))),
        "few clusters (CR2)": logistic(exposure, root, cluster="cluster", robust="CR2"),
    },
    "log2(urine_mn)",
)

words = {
    "en": {"rosacea": "Rosacea at baseline", "incident": "Incident rosacea", "death": "Death", "metal": "Urticaria"},
    "zh": {
        "rosacea": "基线玫瑰痤疮", "incident": "新发玫瑰痤疮", "death": "死亡", "metal": "荨麻疹",
        "main": "主要分析", "unclustered": "不考虑整群", "few clusters (CR2)": "少群校正（CR2）",
        "survey design": "抽样设计加权", "multiple imputation": "多重插补", "midpoint": "取区间中点",
        "interval-censored": "区间删失模型", "drop-out weights": "失访加权", "first year left out": "剔除随访第一年",
        "time since baseline": "以基线后时间为时间尺度", "body mass index added": "增加调整体质指数",
        "half the limit": "检测限的一半", "values below left out": "剔除低于检测限的值",
        "values below imputed": "插补低于检测限的值",
    },
}  # fmt: skip
panels = {"rosacea": baseline, "incident": incident, "death": mortality, "metal": limits}
for language in study.languages:
    labels = study.labels(language) | words[language]
    with journal_style():
        figure, axes = plt.subplots(2, 2, figsize=(6.7, 4.0), layout="constrained")
        for ax, (title, found) in zip(axes.flat, panels.items(), strict=True):
            one_measure = found.table[found.table["measure"] == found.table["measure"].iloc[0]]  # on one axis
            point_ranges(one_measure, found.conf_level, ax, labels)
            ax.set_title(labels[title], loc="left")
        save_figure(axes[0, 0], results / "sensitivity", language)
