"""Which exposures go with psoriasis, acne and arsenical lesions at baseline?"""

import numpy as np

import dermcohort as dc
from dermcohort.figures import save_figure
from dermcohort.pipeline import results_folder, study_folder
from dermcohort.regression import logistic

study = dc.open_study(study_folder())
results = results_folder()
labels = study.labels()

# Central China: smoking and body mass index with psoriasis, clusters of residence
adults = study.frame(
    ["psoriasis", "age", "sex", "smoking_status", "bmi", "alcohol", "cluster"],
    wave="baseline",
    cohorts="central_china",
).data
adults = adults.assign(age_10=adults["age"] / 10, bmi_5=adults["bmi"] / 5)
for model, covariates in {"crude": "", "adjusted": " + age_10 + sex + bmi_5 + alcohol"}.items():
    fit = logistic(f"psoriasis ~ smoking_status{covariates}", adults, cluster="cluster")
    study.shown(fit).save(results / f"psoriasis_smoking_{model}")

# College: soft drinks with moderate-to-severe acne. Five sites are too few for a cluster-robust variance, so
# the site is a covariate.
students = study.frame(
    ["acne_moderate_severe", "soft_drinks", "sex", "age", "bmi", "site"], wave="baseline", cohorts="college"
).data
acne = study.shown(logistic("acne_moderate_severe ~ soft_drinks + sex + age + bmi + site", students))
acne.save(results / "acne_soft_drinks")
names = {**labels, "age_10": "Age (per 10 years)", "bmi_5": "Body mass index (per 5 kg/m²)"}
save_figure(acne.plot(labels=names), results / "acne_soft_drinks")

# Hunan: a value below the detection limit is replaced by the limit over the root of 2; arsenic per doubling
residents = study.frame(
    ["arsenical_lesion", "age", "sex", "occupational_arsenic", "years_at_residence", "urine_as",
     "urine_creatinine", "cluster"],
    wave="baseline", cohorts="hunan_metals", lod="limit/sqrt2",
).data  # fmt: skip
residents = residents.assign(
    age_10=residents["age"] / 10,
    residence_10=residents["years_at_residence"] / 10,
    arsenic_doubling=np.log2(residents["urine_as"]),
    creatinine_doubling=np.log2(residents["urine_creatinine"]),
)
lesions = logistic(
    "arsenical_lesion ~ age_10 + sex + occupational_arsenic + residence_10 + arsenic_doubling"
    " + creatinine_doubling",
    residents,
    cluster="cluster",
)
study.shown(lesions).save(results / "arsenical_lesion")
