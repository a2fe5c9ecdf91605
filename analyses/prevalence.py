"""How common are the skin conditions at baseline, by cohort, age and sex, and which go together?"""

import pandas as pd

import dermcohort as dc
from dermcohort.figures import grouped_ranges, line_ranges, save_figure
from dermcohort.pipeline import results_folder, study_folder
from dermcohort.prevalence import co_occurrence, crude, multimorbidity

study = dc.open_study(study_folder())
results = results_folder()
labels = study.labels()

conditions = list(study.schema.index[study.schema["condition"].notna()])
baseline = study.frame(["age", "sex", *conditions], wave="baseline").data
baseline["age_group"] = pd.cut(
    baseline["age"], [0, 30, 40, 50, 60, 70, 120], right=False,
    labels=["<30", "30-39", "40-49", "50-59", "60-69", "70+"],
)  # fmt: skip

kinds = study.schema["measures"]  # of each condition: point, period or lifetime prevalence
by_cohort = {
    name: crude(baseline.dropna(subset=[name]), name, by="cohort", kind=kinds[name]) for name in conditions
}
for name, estimate in by_cohort.items():
    estimate.save(results / f"prevalence_{name}")
overview = pd.concat([estimate.table for estimate in by_cohort.values()], ignore_index=True)
order = overview.groupby("term")["estimate"].max().sort_values(ascending=False).index
overview = overview.sort_values("term", key=lambda term: term.map(list(order).index), kind="stable")
dc.Estimates(
    overview,
    method="Crude prevalence with Wilson 95% confidence intervals: of a lifetime, a period or the day of the "
    "examination, as the dictionary says of each condition. People count as independent.",
    n=len(baseline),
).save(results / "prevalence_by_cohort")
save_figure(
    grouped_ranges(overview, row="term", group="cohort", labels=labels, log=True),
    results / "prevalence_by_cohort",
)

adults = baseline[baseline["cohort"] == "central_china"]
for name in ("rosacea", "androgenetic_alopecia"):
    by_age = crude(adults, name, by=["age_group", "sex"], margins=True, kind=kinds[name])
    by_age.save(results / f"prevalence_{name}_by_age")
    by_ages = by_age.table[(by_age.table[["age_group", "sex"]] != "All").all(axis=1)]
    save_figure(
        line_ranges(by_ages, x="age_group", group="sex", labels={**labels, "age_group": "Age (years)"}),
        results / f"prevalence_{name}_by_age",
    )

examined = [name for name in conditions if adults[name].notna().any()]
multimorbidity(adults, examined, by="sex").save(results / "multimorbidity")
pairs = co_occurrence(adults, examined)
pairs.save(results / "co_occurrence")
save_figure(pairs.plot(labels=labels), results / "co_occurrence")

students = study.frame(["acne_moderate_severe", "sex"], cohorts="college").data
crude(students, "acne_moderate_severe", by=["wave", "sex"]).save(results / "prevalence_acne_by_wave")
