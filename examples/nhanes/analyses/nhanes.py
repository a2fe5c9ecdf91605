"""NHANES 2017-2018: metals in blood by smoking, and who was told of a skin cancer?"""

import dermcohort as dc
from dermcohort.describe import table_one
from dermcohort.figures import save_figure
from dermcohort.pipeline import results_folder, study_folder
from dermcohort.prevalence import crude
from dermcohort.regression import logistic

study = dc.open_study(study_folder())
results = results_folder()
labels = {**study.labels(), "age_10": "Age (per 10 years)"}

characteristics = ["age", "sex", "bmi", "phq2", "blood_pb", "blood_cd", "blood_hg"]
people = study.frame([*characteristics, "ethnicity", "smoking_status", "skin_cancer"]).data
adults = people[people["age"] >= 20]
table_one(
    adults, characteristics, by="smoking_status", labels=labels, median=study.medians(characteristics)
).save(results / "table_one")

crude(adults, "skin_cancer", by=["ethnicity"]).save(results / "skin_cancer_prevalence")
model = logistic(
    "skin_cancer ~ age_10 + sex + smoking_status",
    adults[adults["ethnicity"] == "white"].assign(age_10=lambda d: d["age"] / 10),
)
model.save(results / "skin_cancer_model")
save_figure(model.plot(labels=labels), results / "skin_cancer_model")
