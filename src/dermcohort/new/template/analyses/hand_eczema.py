"""How common is hand eczema, and what goes with it?"""

import pandas as pd

import dermcohort as dc
from dermcohort.figures import save_figure
from dermcohort.pipeline import results_folder, study_folder
from dermcohort.prevalence import crude
from dermcohort.regression import logistic

study = dc.open_study(study_folder())
results = results_folder()
names = ["hand_eczema", "wet_work", "age", "sex", "smoking_status", "cluster"]
people = study.frame(names, wave=study.waves[0]).data
people["age_group"] = pd.cut(people["age"], [18, 40, 60, 120], right=False, labels=["18-39", "40-59", "60+"])

by_sex = crude(people, "hand_eczema", by="sex", ci="wilson", kind="point")
study.shown(by_sex).save(results / "prevalence_by_sex")
by_age = study.shown(crude(people, "hand_eczema", by="age_group", ci="wilson", kind="point"))
by_age.save(results / "prevalence_by_age")

# people of one village are alike; CR2 is the cluster-robust variance for few villages
people["age_10"] = people["age"] / 10
formula = "hand_eczema ~ wet_work + age_10 + sex + smoking_status"
model = logistic(formula, people, cluster="cluster", robust="CR2")
factors = study.shown(model)
factors.save(results / "hand_eczema_factors")

own = {
    "en": {"age_group": "Age group", "age_10": "Age, per 10 years"},
    "zh": {"age_group": "年龄组", "age_10": "年龄（每10岁）"},
}
for language in study.languages:
    labels = study.labels(language) | own[language]
    save_figure(by_age.plot(labels=labels), results / "prevalence_by_age", language)
    save_figure(factors.plot(labels=labels), results / "hand_eczema_factors", language)
