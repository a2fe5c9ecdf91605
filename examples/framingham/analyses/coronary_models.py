"""Framingham: what goes with coronary disease, and with death without it, as rates and as risks?"""

import matplotlib.pyplot as plt
import pandas as pd

import dermcohort as dc
from dermcohort.figures import save_figure
from dermcohort.pipeline import results_folder, study_folder
from dermcohort.survival import cox, fine_gray

study = dc.open_study(study_folder())
results = results_folder()
labels = study.labels()
covariates = ["age", "sex", "systolic", "current_smoker", "bmi", "diabetes", "total_cholesterol"]
people = study.survival_frame(
    "coronary_disease", origin="exam1", competing="death", covariates=covariates
).data

formula = " + ".join(covariates)
columns = ["model", "term", "level", "reference", "estimate", "conf_low", "conf_high"]
for cause in ("coronary_disease", "death"):
    people["ended_so"] = people["event"] == cause
    fits = {
        "Cause-specific HR": cox(formula, people, time="exit", event="ended_so"),
        "Subdistribution HR": fine_gray(formula, people, time="exit", event="event", cause=cause),
    }
    rate, risk = fits.values()
    rate.save(results / f"cause_specific_{cause}")
    risk.save(results / f"subdistribution_{cause}")
    dc.Estimates(
        pd.concat([fit.table.assign(model=model) for model, fit in fits.items()])[columns].assign(measure="HR"),
        method=f"{rate.method} {risk.method}",
        n=rate.n, events=rate.events, n_missing=rate.n_missing, notes=rate.notes,
    ).save(results / f"competing_models_{cause}")  # fmt: skip
    _, axes = plt.subplots(1, 2, figsize=(9.0, 3.8), layout="constrained")
    for ax, (model, fit) in zip(axes, fits.items(), strict=True):
        fit.plot(ax, labels=labels).set_title(model)
    axes[1].set_yticklabels([])
    save_figure(axes[0], results / f"competing_models_{cause}")
