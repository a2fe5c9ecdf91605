"""Framingham: how many get coronary disease before they die of something else?"""

import matplotlib.pyplot as plt
import pandas as pd

import dermcohort as dc
from dermcohort.figures import save_figure
from dermcohort.pipeline import results_folder, study_folder
from dermcohort.survival import cox, cumulative_incidence, fine_gray, kaplan_meier

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
    incidence.save(results / f"incidence_coronary_{group}")
    incidence.risk_difference([10, 20]).save(results / f"risk_difference_{group}")
    gray = incidence.gray_test().assign(measure="Gray's test")
    dc.Estimates(
        gray, method="Gray's test of equal cumulative incidence.", n=incidence.n, events=incidence.events
    ).save(results / f"gray_{group}")

# the others censored: the risk in a world in which nobody dies of anything else
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
    pd.concat([of_disease, naive])[columns].assign(measure="cumulative incidence"),
    method=f"{incidence.method} 1 - Kaplan-Meier censors those who die of something else.",
    n=incidence.n, events=int(people["coronary"].sum()),
).save(results / "overestimate")  # fmt: skip

_, axes = plt.subplots(1, 2, figsize=(9.0, 3.6), layout="constrained")
for ax, cause in zip(axes, ("coronary_disease", "death"), strict=True):
    people["this"] = people["event"] == cause
    formula = " + ".join(covariates)
    cause_specific = cox(formula, people, time="exit", event="this")
    cause_specific.save(results / f"cause_specific_{cause}")
    subdistribution = fine_gray(formula, people, time="exit", event="event", cause=cause)
    subdistribution.save(results / f"fine_gray_{cause}")
