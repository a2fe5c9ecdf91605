"""NHANES with skin: how common is psoriasis, do readers agree, metals by smoking, and do people with it die earlier?"""

import numpy as np
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
    **study.labels(),
    "psoriasis=no": "No psoriasis",
    "psoriasis=yes": "Psoriasis",
    "exit": "Years since the exam",
}

# the question was put to people of 20 to 59 years in 2003-2006: compare that age in every cycle
people = study.frame(["sex", "age", "psoriasis", "weight_exam"]).data
adults = people[people["age"].between(20, 59) & (people["weight_exam"] > 0)]
prevalence = crude(adults, "psoriasis", by=["wave", "sex"])
prevalence.save(results / "prevalence_by_sex")
save_figure(
    grouped_ranges(prevalence.table, row="wave", group="sex", labels=labels), results / "prevalence_by_sex"
)
crude(adults, "psoriasis", by="wave").save(results / "prevalence")
asked = adults.dropna(subset=["psoriasis"]).assign(case=lambda d: d["psoriasis"] == "yes")
weighted = (
    asked.groupby("wave", observed=True)
    .apply(
        lambda d: pd.Series(
            {
                "n": len(d),
                "cases": d["case"].sum(),
                "unweighted": 100 * d["case"].mean(),
                "weighted": 100 * np.average(d["case"], weights=d["weight_exam"]),
            }
        ),
        include_groups=False,
    )
    .reset_index()
)
listing(
    weighted,
    "Prevalence of self-reported psoriasis in per cent, 20 to 59 years, unweighted and with the exam weights.",
    notes=[
        "The weighted share is a point estimate for the population of the United States. It has no interval "
        "here: that needs the strata and units of the survey design."
    ],
).save(results / "prevalence_weighted")

seen = study.frame(["psoriasis_reader1", "psoriasis_reader2"], wave="c", on_missing="drop").data
same = (seen["psoriasis_reader1"].astype(str) == seen["psoriasis_reader2"].astype(str)).mean()
pairs = pd.crosstab(seen["psoriasis_reader1"], seen["psoriasis_reader2"]).add_prefix("Reader 2: ").reset_index()
listing(
    pairs.rename(columns={"psoriasis_reader1": "Reader 1"}),
    "Psoriasis on photographs of people of 20 to 59 years, 2003-2004, as two dermatologists read it.",
    notes=[f"The readers said the same of {100 * same:.1f}% of {len(seen):,} people; most had no psoriasis."],
).save(results / "readers")

metals = ["blood_pb", "blood_cd", "blood_hg"]
measured = study.frame(["age", "sex", "bmi", "smoking_status", *metals], lod="limit/sqrt2").data
table_one(
    measured[measured["age"] >= 20], ["age", "sex", "bmi", *metals],
    by="smoking_status", labels=labels, median=metals,
).save(results / "metals_by_smoking")  # fmt: skip

followed = study.survival_frame(
    "death", origin=study.waves, covariates=["psoriasis", "age", "sex", "skin_target", "weight_exam"]
)
flow(followed.flow).save(results / "flow_death")
asked_alive = followed.data[(followed.data["skin_target"] == "yes") & (followed.data["age"] >= 20)]
incidence_rate(asked_alive, "exit", "event", by="psoriasis").save(results / "rates_death")
survival = kaplan_meier(asked_alive, "exit", "event", by="psoriasis")
survival.save(results / "survival_death")
save_figure(survival.plot(labels=labels), results / "survival_death")
model = cox(
    "psoriasis + age + sex", asked_alive, time="exit", event="event", strata="wave", weights="weight_exam"
)
model.save(results / "cox_death")
save_figure(model.plot(labels=labels), results / "cox_death")
