"""Which exposures go with psoriasis, acne and arsenical lesions at baseline?"""

import dermcohort as dc
from dermcohort.figures import save_figure
from dermcohort.pipeline import results_folder, study_folder
from dermcohort.regression import logistic, risk_factors

QUESTION_ZH = "基线时哪些暴露与银屑病、痤疮和砷性皮损有关？"

study = dc.open_study(study_folder())
results = results_folder()
labels = study.labels()

# Central China: psoriasis, clusters of residence
adults = study.frame(
    ["psoriasis", "age", "sex", "smoking_status", "bmi", "alcohol", "cluster"],
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
    labels=labels,
)
psoriasis = study.shown(factors)
psoriasis.save(results / "psoriasis_risk_factors")
save_figure(psoriasis.plot(), results / "psoriasis_risk_factors")

# College: soft drinks with moderate-to-severe acne. Five sites are too few for a cluster-robust variance, so
# the site is a covariate.
students = study.frame(
    ["acne_moderate_severe", "soft_drinks", "sex", "age", "bmi", "site"], wave="baseline", cohorts="college"
).data
acne = study.shown(logistic("acne_moderate_severe ~ soft_drinks + sex + age + bmi + site", students))
acne.save(results / "acne_soft_drinks")
save_figure(acne.plot(labels=labels), results / "acne_soft_drinks")

# Hunan: a value below the detection limit is replaced by the limit over the root of 2; arsenic per doubling
residents = study.frame(
    ["arsenical_lesion", "age", "sex", "occupational_arsenic", "years_at_residence", "urine_as",
     "urine_creatinine", "cluster"],
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
        **labels,
        "log2(urine_as)": "Urine arsenic (log2)",
        "log2(urine_creatinine)": "Urine creatinine (log2)",
    },
)
study.shown(lesions).save(results / "arsenical_lesion")
