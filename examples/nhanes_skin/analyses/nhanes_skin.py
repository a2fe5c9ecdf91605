"""NHANES with skin: how common is psoriasis, do two readers agree, and do people with it die earlier?"""

import pandas as pd

import dermcohort as dc
from dermcohort.describe import flow, listing, table_one
from dermcohort.figures import grouped_ranges, save_figure
from dermcohort.pipeline import results_folder, study_folder
from dermcohort.prevalence import crude
from dermcohort.survival import cox, incidence_rate, kaplan_meier

study = dc.open_study(study_folder())
results = results_folder()
labels = {
    **study.labels(), "exit": "Years since the exam", "psoriasis=no": "No psoriasis", "psoriasis=yes": "Psoriasis",
}  # fmt: skip

# 2003-2006 asked people of 20 to 59 years only: that age is compared in every cycle
people = study.frame(["sex", "age", "psoriasis", "weight_exam"]).data
adults = people[people["age"].between(20, 59) & (people["weight_exam"] > 0)]
crude(adults, "psoriasis", by="wave").save(results / "prevalence")
by_sex = crude(adults, "psoriasis", by=["wave", "sex"]).table
save_figure(grouped_ranges(by_sex, row="wave", group="sex", labels=labels), results / "prevalence_by_sex")

asked = adults.dropna(subset=["psoriasis"]).assign(people=1, cases=lambda d: d["psoriasis"] == "yes")
asked["weighted_cases"] = asked["cases"] * asked["weight_exam"]
sums = asked.groupby("wave", observed=True)[["people", "cases", "weighted_cases", "weight_exam"]].sum()
shares = sums[["people", "cases"]].assign(
    unweighted=100 * sums["cases"] / sums["people"],
    weighted=100 * sums["weighted_cases"] / sums["weight_exam"],
)
listing(
    shares.reset_index(),
    "Self-reported psoriasis among examined people of 20 to 59 years, per cent, without and with the exam weights.",
    notes=[
        "The weighted share is a point estimate for the civilian, noninstitutionalized population of the "
        "United States. No interval is given: it would need the strata and variance units of the survey design."
    ],
).save(results / "prevalence_weighted")

signs = ["psoriasis_photo", "hand_dermatitis"]
seen = study.frame(signs, wave="c", on_missing="drop").data
table_one(seen, signs, labels=labels).save(results / "seen")
read = study.frame(["psoriasis_reader1", "psoriasis_reader2"], wave="c", on_missing="drop").data
same = (read["psoriasis_reader1"].astype(str) == read["psoriasis_reader2"].astype(str)).mean()
listing(
    pd.crosstab(read["psoriasis_reader1"], read["psoriasis_reader2"]).reset_index(),
    "Psoriasis on the photographs of people of 20 to 59 years, 2003-2004, as each of two dermatologists read them.",
    notes=[
        f"The readers agree on {100 * same:.1f}% of {len(read):,} people, most of whom have no psoriasis."
    ],
).save(results / "readers")

covariates = ["psoriasis", "age", "sex", "stratum", "psu", "weight_exam"]
followed = study.survival_frame("death", origin=study.waves, covariates=covariates)
of_age = followed.data[followed.data["age"].between(20, 59)]
cohort = of_age.dropna(subset=["psoriasis"])
lost = [
    ("younger or older", len(followed.data) - len(of_age)),
    ("psoriasis unknown", len(of_age) - len(cohort)),
]
chosen = ("20 to 59 years, psoriasis known", len(cohort), lost)
steps = flow([*followed.flow.steps[:-1], chosen, ("Died", int(cohort["event"].sum()))])
steps.save(results / "flow_death")
save_figure(steps.plot(), results / "flow_death")
incidence_rate(cohort, "exit", "event", by="psoriasis").save(results / "rates_death")
survival = kaplan_meier(cohort, "exit", "event", by="psoriasis")
survival.save(results / "survival_death")
save_figure(survival.plot(labels=labels), results / "survival_death")
model = cox(
    "psoriasis + age + sex", cohort, time="exit", event="event", strata="wave",
    weights="weight_exam", cluster=["stratum", "psu"],
)  # fmt: skip
model.save(results / "cox_death")
save_figure(model.plot(labels=study.labels()), results / "cox_death")
