"""Framingham: how many get coronary disease before they die of something else?"""

from dataclasses import replace

import matplotlib.pyplot as plt
import pandas as pd

import dermcohort as dc
from dermcohort.figures import save_figure
from dermcohort.pipeline import results_folder, study_folder
from dermcohort.survival import cox, cumulative_incidence, fine_gray, kaplan_meier
from dermcohort.tables import format_p

study = dc.open_study(study_folder())
results = results_folder()
labels = {
    **study.labels(), "exit": "Years since the first exam", "death": "Death without coronary disease",
}  # fmt: skip
covariates = ["age", "sex", "systolic", "current_smoker", "bmi", "diabetes", "total_cholesterol"]
people = study.survival_frame(
    "coronary_disease", origin="exam1", competing="death", covariates=covariates
).data
people["coronary"] = people["event"] == "coronary_disease"

for group in ("sex", "current_smoker"):
    incidence = cumulative_incidence(people, "exit", "event", by=group)
    incidence.save(results / f"incidence_{group}")
    differences = incidence.risk_difference([10, 20])
    gray = [
        f"Gray's test, {labels[test.cause]}: chi-squared {test.statistic:.1f}, p {format_p(test.p_value)}."
        for test in incidence.gray_test().itertuples()
    ]
    replace(differences, notes=(*differences.notes, *gray)).save(results / f"risk_difference_{group}")

# with the others censored: the risk in a world in which nobody dies of anything else
incidence = cumulative_incidence(people, "exit", "event", by="sex")
survival = kaplan_meier(people, "exit", "coronary", by="sex")
axes = incidence.plot(labels=labels, show="coronary_disease")
for line, (_, curve) in zip(list(axes.lines), survival.table.groupby("sex", observed=True), strict=False):
    axes.step(curve["time"], 1 - curve["estimate"], "--", where="post", color=line.get_color())
save_figure(axes, results / "incidence_coronary")
of_disease = incidence.at([10, 20])
of_disease = of_disease[of_disease["cause"] == "coronary_disease"].assign(estimator="cumulative incidence")
naive = survival.at([10, 20])
naive = naive.assign(
    estimator="1 - Kaplan-Meier",
    estimate=1 - naive["estimate"], conf_low=1 - naive["conf_high"], conf_high=1 - naive["conf_low"],
)  # fmt: skip
columns = ["sex", "time", "estimator", "estimate", "conf_low", "conf_high"]
dc.Estimates(
    pd.concat([of_disease, naive])[columns].assign(measure="risk"),
    method=f"{incidence.method} 1 - Kaplan-Meier censors those who die of something else.",
    n=incidence.n, events=int(people["coronary"].sum()),
).save(results / "overestimate")  # fmt: skip

formula, models = " + ".join(covariates), {}
for cause in ("coronary_disease", "death"):
    people["ended_so"] = people["event"] == cause
    for model, fit in {
        "cause-specific": cox(formula, people, time="exit", event="ended_so"),
        "subdistribution": fine_gray(formula, people, time="exit", event="event", cause=cause),
    }.items():
        models[cause, model] = fit
        fit.save(results / f"{model}_{cause}")
side_by_side = pd.concat(
    [fit.table.assign(model=f"{labels[cause]}, {model}") for (cause, model), fit in models.items()]
)
columns = ["model", "term", "level", "reference", "estimate", "conf_low", "conf_high"]
fit = models["coronary_disease", "cause-specific"]
dc.Estimates(
    side_by_side[columns].assign(measure="HR"),
    method="Cause-specific hazard ratios by Cox regression, subdistribution hazard ratios by Fine-Gray regression.",
    n=fit.n, events=fit.events, n_missing=fit.n_missing, notes=fit.notes,
).save(results / "competing_models")  # fmt: skip
_, axes = plt.subplots(1, 2, figsize=(9.0, 3.8), layout="constrained")
for ax, (model, heading) in zip(
    axes, (("cause-specific", "Cause-specific"), ("subdistribution", "Subdistribution")), strict=True
):
    models["coronary_disease", model].plot(ax, labels=labels).set_title(heading)
axes[1].set_yticklabels([])
save_figure(axes[0], results / "competing_models")
