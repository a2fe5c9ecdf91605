"""Who develops rosacea, and who dies, in the Central China cohort?"""

import dermcohort as dc
from dermcohort.describe import listing
from dermcohort.figures import save_figure
from dermcohort.pipeline import results_folder, study_folder
from dermcohort.regression import e_value
from dermcohort.survival import (
    cox,
    cumulative_incidence,
    fine_gray,
    incidence_rate,
    interval_ph,
    kaplan_meier,
    turnbull,
)

QUESTION_ZH = "华中队列中哪些人新发玫瑰痤疮，哪些人死亡？"

study = dc.open_study(study_folder())
results = results_folder()
covariates = ["age", "sex", "smoking_status", "bmi", "cluster"]
formula = "smoking_status + sex + age_10 + bmi_5"


def prepared(frame):
    """Age per 10 years and body mass index per 5 kg/m²."""
    return frame.data.assign(age_10=frame.data["age"] / 10, bmi_5=frame.data["bmi"] / 5)


# rosacea is seen at yearly examinations: time runs to the visit at which it was first seen
onset = prepared(study.survival_frame("rosacea", cohorts="central_china", covariates=covariates))
rates = incidence_rate(onset, "exit", "event", by=["sex", "smoking_status"])
study.shown(rates).save(results / "rosacea_rates")
free = study.shown(kaplan_meier(onset, "exit", "event", by="sex"))
free.save(results / "rosacea_free")
at_visit = cox(formula, onset, time="exit", event="event", cluster="cluster")
study.shown(at_visit).save(results / "rosacea_cox")
study.shown(at_visit.ph_test(), of=at_visit).save(results / "rosacea_ph_test")

# ... or it began between two visits: bounds of the onset, and the middle between them
bounds = {"left": "left", "right": "right"}
between = interval_ph(formula, onset, **bounds, knots=1, cluster="cluster")
study.shown(between).save(results / "rosacea_interval")
middle = onset["exit"].where(onset["event"] == 0, (onset["left"] + onset["right"]) / 2)
midpoint = cox(formula, onset.assign(middle=middle), time="middle", event="event", cluster="cluster")
study.shown(midpoint).save(results / "rosacea_midpoint")
not_determined = study.shown(turnbull(onset, **bounds))
not_determined.save(results / "rosacea_turnbull")

# death ends the risk of rosacea, as long as the cohort looks for rosacea
competing = prepared(
    study.survival_frame("rosacea", cohorts="central_china", competing="death", covariates=covariates)
)
risk = cumulative_incidence(competing, "exit", "event", by="sex")
risk = study.shown(risk)
risk.save(results / "rosacea_risk")
subdistribution = fine_gray(
    formula, competing, time="exit", event="event", cause="rosacea", cluster="cluster"
)
study.shown(subdistribution).save(results / "rosacea_fine_gray")

# deaths are dated by the register; age is the time scale, everybody entering at the age of the baseline visit
death = study.survival_frame("death", cohorts="central_china", covariates=covariates).data
survival = study.shown(kaplan_meier(death, "exit", "event", by="smoking_status"))
survival.save(results / "death_survival")
by_age = study.survival_frame("death", cohorts="central_china", covariates=covariates, time_scale="age").data
mortality = cox(
    "smoking_status + sex", by_age, time="exit", event="event", entry="entry", cluster="cluster"
)  # fmt: skip
deaths = study.shown(mortality)
deaths.save(results / "death_cox")
strength = e_value(mortality, rare=True)
explained = strength.table.assign(
    estimate=[
        f"{row.estimate:.2f} ({row.conf_low:.2f}, {row.conf_high:.2f})" for row in strength.table.itertuples()
    ]
)
columns = ["level", "estimate", "e_value", "e_value_limit", "n", "events"]
study.shown(listing(explained[columns], strength.method), counts=["n", "events"]).save(
    results / "death_e_values"
)
study.shown(incidence_rate(death, "exit", "event", by="sex")).save(results / "death_rates")

words = {
    "en": dict.fromkeys(["years", "exit", "time"], "Years since baseline"),
    "zh": dict.fromkeys(["years", "exit", "time"], "基线后年数"),
}
for language in study.languages:
    labels = study.labels(language) | words[language]
    alive = survival.plot(labels=labels)
    alive.set_ylim(0.85, 1)
    without = free.plot(labels=labels)
    without.set_ylim(0.9, 1)
    bounded = not_determined.plot(labels=labels)
    bounded.set_ylim(0.9, 1)
    figures = {
        "death_survival": alive,
        "death_cox": deaths.plot(labels=labels),
        "rosacea_free": without,
        "rosacea_turnbull": bounded,
        "rosacea_risk": risk.plot(labels=labels),
    }
    for name, axes in figures.items():
        save_figure(axes, results / name, language)
