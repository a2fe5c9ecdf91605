"""Who develops rosacea, and who dies, in the Central China cohort?"""

import dermcohort as dc
from dermcohort.figures import save_figure
from dermcohort.pipeline import results_folder, study_folder
from dermcohort.survival import cox, incidence_rate, kaplan_meier

QUESTION_ZH = "华中队列中哪些人新发玫瑰痤疮，哪些人死亡？"

study = dc.open_study(study_folder())
results = results_folder()
labels = {**study.labels(), "years": "Years since baseline", "exit": "Years since baseline"}
covariates = ["age", "sex", "smoking_status", "bmi", "cluster"]

# rosacea is seen at yearly examinations: time runs to the visit at which it was first seen
onset = study.survival_frame("rosacea", cohorts="central_china", covariates=covariates).data
onset = onset.assign(age_10=onset["age"] / 10, bmi_5=onset["bmi"] / 5)
rates = incidence_rate(onset, "exit", "event", by=["sex", "smoking_status"])
study.shown(rates).save(results / "rosacea_rates")
hazards = cox("smoking_status + sex + age_10 + bmi_5", onset, time="exit", event="event", cluster="cluster")
study.shown(hazards).save(results / "rosacea_cox")

# deaths are dated by the register; age is the time scale, everybody entering at the age of the baseline visit
death = study.survival_frame("death", cohorts="central_china", covariates=covariates).data
survival = study.shown(kaplan_meier(death, "exit", "event", by="smoking_status"))
survival.save(results / "death_survival")
axes = survival.plot(labels=labels)
axes.set_ylim(0.85, 1)
save_figure(axes, results / "death_survival")
by_age = study.survival_frame("death", cohorts="central_china", covariates=covariates, time_scale="age").data
mortality = cox(
    "smoking_status + sex", by_age, time="exit", event="event", entry="entry", cluster="cluster"
)  # fmt: skip
study.shown(mortality).save(results / "death_cox")
study.shown(incidence_rate(death, "exit", "event", by="sex")).save(results / "death_rates")
