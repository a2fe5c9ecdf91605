"""Framingham: how many get coronary disease before they die of something else?"""

from dataclasses import replace

import pandas as pd

import dermcohort as dc
from dermcohort.figures import save_figure
from dermcohort.pipeline import results_folder, study_folder
from dermcohort.survival import cumulative_incidence, kaplan_meier
from dermcohort.tables import format_p

study = dc.open_study(study_folder())
results = results_folder()
labels = {
    **study.labels(), "exit": "Years since the first exam", "death": "Death without coronary disease",
}  # fmt: skip
people = study.survival_frame(
    "coronary_disease", origin="exam1", competing="death", covariates=["sex", "current_smoker"]
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
    years = differences.table.astype({"time": int})
    replace(differences, table=years, notes=(*differences.notes, *gray)).save(
        results / f"risk_difference_{group}"
    )

# with the others censored: the risk in a world in which nobody dies of anything else
incidence = cumulative_incidence(people, "exit", "event", by="sex")
survival = kaplan_meier(people, "exit", "coronary", by="sex")
axes = incidence.plot(labels=labels, show="coronary_disease")
for line, (_, curve) in zip(list(axes.lines), survival.table.groupby("sex", observed=True), strict=False):
    axes.step(curve["time"], 1 - curve["estimate"], "--", where="post", color=line.get_color())
save_figure(axes, results / "incidence_coronary")
risk = incidence.at([10, 20]).query("cause == 'coronary_disease'").assign(estimator="Cumulative incidence")
free = survival.at([10, 20]).rename(columns={"conf_low": "conf_high", "conf_high": "conf_low"})
bounds = ["estimate", "conf_low", "conf_high"]
naive = free.assign(estimator="1 - Kaplan-Meier", **{name: 1 - free[name] for name in bounds})
both = pd.concat([risk, naive])[["sex", "time", "estimator", *bounds]]
dc.Estimates(
    both.astype({"time": int}).assign(measure="risk"),
    method=f"{incidence.method} 1 - Kaplan-Meier censors those who die of something else.",
    n=incidence.n, events=int(people["coronary"].sum()),
).save(results / "overestimate")  # fmt: skip
