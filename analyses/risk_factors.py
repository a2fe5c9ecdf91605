"""Which exposures go with psoriasis, rosacea, acne and arsenical lesions at baseline?"""

from dataclasses import replace

import pandas as pd

import dermcohort as dc
from dermcohort.figures import save_figure
from dermcohort.pipeline import results_folder, study_folder
from dermcohort.regression import (
    dose_response,
    interaction,
    logistic,
    modified_poisson,
    risk_factors,
    standardized_risks,
)

QUESTION_ZH = "基线时哪些暴露与银屑病、玫瑰痤疮、痤疮和砷性皮损有关？"

study = dc.open_study(study_folder())
results = results_folder()

# Central China: psoriasis, clusters of residence
adults = study.frame(
    ["psoriasis", "rosacea", "age", "sex", "residence", "smoking_status", "bmi", "alcohol", "cluster"],
    wave="baseline",
    cohorts="central_china",
).data
factors = risk_factors(
    adults,
    "psoriasis",
    ["smoking_status", "alcohol", "bmi"],
    {"Crude": [], "Adjusted": ["age", "sex", "smoking_status", "alcohol", "bmi"]},
    per={"bmi": 5},
    cluster="cluster",
    complete_cases="common",
)
psoriasis = study.shown(factors)
psoriasis.save(results / "psoriasis_risk_factors")

# rosacea over body mass index, as a curve, and the risk were everybody a smoker, or nobody
curved = logistic("rosacea ~ rcs(bmi, 4) + age + sex", adults, cluster="cluster")
bmi_curve = dose_response(curved, "bmi", 22)
bmi_curve = study.shown(bmi_curve, of=curved)
bmi_curve.save(results / "rosacea_bmi_curve")
smoking = logistic("rosacea ~ smoking_status + sex + age + bmi", adults, cluster="cluster")
rosacea = study.shown(smoking)
rosacea.save(results / "rosacea_smoking")
risks = standardized_risks(smoking, "smoking_status")
without_nnt = replace(
    risks,
    table=risks.table[risks.table["measure"] != "NNT"].reset_index(drop=True),  # nobody is treated here
    notes=tuple(note for note in risks.notes if "NNT" not in note),
)
study.shown(without_nnt, of=smoking).save(results / "rosacea_risks")

# is it the same in everybody? current against never smokers, within parts of the cohort
adults["age_half"] = pd.cut(adults["age"], [0, 50, 120], right=False, labels=["under 50", "50 and over"])
adults["current"] = adults["smoking_status"].map({"never": 0, "current": 1}).astype(float)
parts = []
for variable in ("sex", "age_half", "residence"):
    others = " + ".join(name for name in ("age", "sex", "bmi") if name != variable)
    for level, part in adults.groupby(variable, observed=True):
        fit = logistic(f"rosacea ~ current + {others}", part, cluster="cluster")
        row = fit.table[fit.table["term"] == "current"].assign(term=variable, level=str(level))
        parts.append(row.assign(reference=None, n=fit.n, events=fit.events))
subgroups = study.shown(
    dc.Estimates(
        pd.concat(parts, ignore_index=True),
        "Odds ratios of current against never smokers, one logistic regression for each part of the cohort, adjusted for age, "
        "sex and body mass index; robust variance clustered by residence, Wald intervals.",
        n=smoking.n,
    )
)
subgroups.save(results / "rosacea_subgroups")

# College: soft drinks with moderate-to-severe acne. Five sites are too few for a cluster-robust variance, so
# the site is a covariate.
students = study.frame(
    ["acne_moderate_severe", "soft_drinks", "sex", "age", "bmi", "site"], wave="baseline", cohorts="college"
).data
acne = study.shown(logistic("acne_moderate_severe ~ soft_drinks + sex + age + bmi + site", students))
acne.save(results / "acne_soft_drinks")
drinks = study.shown(
    risk_factors(
        students,
        "acne_moderate_severe",
        ["soft_drinks", "sex", "bmi"],
        {"Crude": ["site"], "Adjusted": ["soft_drinks", "sex", "age", "bmi", "site"]},
        per={"bmi": 5},
        complete_cases="common",
    )
)
drinks.save(results / "acne_risk_factors")

# Hunan: a value below the detection limit is replaced by the limit over the root of 2; arsenic per doubling
residents = study.frame(
    ["arsenical_lesion", "arsenical_keratosis", "age", "sex", "smoking_status", "occupational_arsenic",
     "years_at_residence", "urine_as", "urine_creatinine", "cluster"],
    wave="baseline", cohorts="hunan_metals", lod="limit/sqrt2",
).data  # fmt: skip
sources = ["occupational_arsenic", "years_at_residence", "urine_as"]
lesions = risk_factors(
    residents,
    "arsenical_lesion",
    sources,
    {
        "Crude": [],
        "Adjusted": ["age", "sex", *sources[:2], "log2(urine_as)", "log2(urine_creatinine)"],
    },
    per={"years_at_residence": 10, "urine_as": "doubling"},
    cluster="cluster",
    complete_cases="common",
    labels={
        **study.labels(),
        "log2(urine_as)": "Urine arsenic (log2)",
        "log2(urine_creatinine)": "Urine creatinine (log2)",
    },
)
study.shown(lesions).save(results / "arsenical_lesion")

years = logistic(
    "arsenical_lesion ~ rcs(years_at_residence, 4) + age + sex",
    residents,
    cluster="cluster",
)
residence_curve = dose_response(years, "years_at_residence", 20)
residence_curve = study.shown(residence_curve, of=years)
residence_curve.save(results / "lesion_residence_curve")

# do arsenic at work and smoking do more harm together? Keratosis is common here: prevalence ratios
residents["ever_smoker"] = (residents["smoking_status"] != "never").where(residents["smoking_status"].notna())
residents["ever_smoker"] = residents["ever_smoker"].map({False: "no", True: "yes"}).astype("category")
together = modified_poisson(
    "arsenical_keratosis ~ occupational_arsenic * ever_smoker + age + sex", residents, cluster="cluster"
)
joint = interaction(together, "occupational_arsenic", "ever_smoker")
effects = dc.Estimates(
    joint.joint, joint.method, n=joint.n, events=joint.events, n_missing=joint.n_missing, notes=joint.notes
)
study.shown(effects).save(results / "keratosis_joint")
study.shown(joint).save(results / "keratosis_interaction")

words = {
    "en": {"age_half": "Age", "urine_as": "Urine arsenic"},
    "zh": {"age_half": "年龄", "age_half=under 50": "50 岁以下", "age_half=50 and over": "50 岁及以上",
           "site=Changsha": "长沙", "site=Hohhot": "呼和浩特", "site=Urumqi": "乌鲁木齐", "site=Wuhan": "武汉",
           "site=Xiamen": "厦门", "Crude": "粗", "Adjusted": "调整"},
}  # fmt: skip
for language in study.languages:
    labels = study.labels(language) | words[language]
    figures = {
        "psoriasis_risk_factors": psoriasis.plot(labels=labels),
        "rosacea_bmi_curve": bmi_curve.plot(labels=labels),
        "rosacea_subgroups": subgroups.plot(labels=labels),
        "acne_soft_drinks": acne.plot(labels=labels),
        "lesion_residence_curve": residence_curve.plot(labels=labels),
    }
    for name, axes in figures.items():
        save_figure(axes, results / name, language)
