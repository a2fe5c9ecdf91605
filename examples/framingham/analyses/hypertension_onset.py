"""Framingham: when does hypertension begin, which is seen only at the exams, and in whom?"""

import pandas as pd

import dermcohort as dc
from dermcohort.describe import flow
from dermcohort.figures import save_figure
from dermcohort.pipeline import results_folder, study_folder
from dermcohort.survival import cox, discrete_time, interval_ph, kaplan_meier, parametric, turnbull

study = dc.open_study(study_folder())
results = results_folder()
labels = {**study.labels(), "time": "Years since the first exam"}

# (left, right] is the time between two exams in which it began; exit is the date of the exam that saw it
onset = study.survival_frame(
    "hypertension", origin="exam1", covariates=["age", "sex", "current_smoker", "bmi"]
)
people = onset.data
flow(onset.flow).save(results / "flow_hypertension")

curve = turnbull(people, "left", "right", by="sex")
curve.save(results / "turnbull_hypertension")
axes = curve.plot(labels=labels)
at_exams = kaplan_meier(people, "exit", "event", by="sex")
at_exams.save(results / "exam_dates_hypertension")
for line, (_, steps) in zip(list(axes.lines), at_exams.table.groupby("sex", observed=True), strict=False):
    axes.step(steps["time"], steps["estimate"], "--", where="post", color=line.get_color(), linewidth=1)
save_figure(axes, results / "turnbull_hypertension")

formula = "age + sex + current_smoker + bmi"
at_exam = {"time": "exit", "event": "event"}
fits = {
    "Between exams": interval_ph(formula, people, left="left", right="right", knots=1),
    "Discrete time": discrete_time(formula, people, **at_exam, cuts=[9, 14]),  # the second exam and the third
    "Cox, date of exam": cox(formula, people, **at_exam),
}
first = fits["Between exams"]
first.save(results / "interval_ph_hypertension")
save_figure(first.plot(labels=labels), results / "interval_ph_hypertension")
compared = pd.concat([fit.table.assign(model=model) for model, fit in fits.items()], ignore_index=True)
dc.Estimates(
    compared[["model", "term", "level", "reference", "measure", "estimate", "conf_low", "conf_high"]],
    method="Hazard ratios of hypertension by three models of the same people, Wald intervals.",
    n=first.n, events=first.events, n_missing=first.n_missing, notes=first.notes[:1],
).save(results / "compared_hypertension")  # fmt: skip
parametric(formula, people, left="left", right="right").save(results / "weibull_hypertension")
