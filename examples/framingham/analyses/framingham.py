"""Framingham: who was examined, hypertension by sex and period, death and coronary disease over 24 years."""

import dermcohort as dc
from dermcohort.describe import flow, table_one
from dermcohort.figures import grouped_ranges, save_figure
from dermcohort.pipeline import results_folder, study_folder
from dermcohort.prevalence import crude
from dermcohort.survival import cox, incidence_rate, kaplan_meier

study = dc.open_study(study_folder())
results = results_folder()
labels = {**study.labels(), "exit": "Years since the first exam"}

characteristics = [
    "age", "education", "current_smoker", "systolic", "diastolic", "hypertension", "bmi",
    "total_cholesterol", "glucose", "diabetes",
]  # fmt: skip
first_exam = study.frame(["sex", *characteristics], wave="exam1").data
medians = study.medians(characteristics)
table_one(first_exam, characteristics, by="sex", labels=labels, median=medians).save(results / "table_one")

exams = study.frame(["sex", "hypertension"])
hypertension = crude(exams.data, "hypertension", by=["wave", "sex"])
hypertension.save(results / "hypertension")
save_figure(
    grouped_ranges(hypertension.table, row="wave", group="sex", labels=labels), results / "hypertension"
)

death = study.survival_frame("death", origin="exam1", covariates=["sex"])
survival = kaplan_meier(death.data, "exit", "event", by="sex")
survival.save(results / "survival_death")
save_figure(survival.plot(labels=labels), results / "survival_death")

covariates = ["age", "sex", "systolic", "current_smoker", "bmi", "diabetes", "total_cholesterol"]
coronary = study.survival_frame("coronary_disease", origin="exam1", covariates=covariates)
flow(coronary.flow).save(results / "flow_coronary")
save_figure(flow(coronary.flow).plot(), results / "flow_coronary")
incidence_rate(coronary.data, "exit", "event", by="sex").save(results / "rates_coronary")
model = cox(" + ".join(covariates), coronary.data, time="exit", event="event")
model.save(results / "cox_coronary")
save_figure(model.plot(labels=labels), results / "cox_coronary")
