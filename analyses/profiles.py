"""A profile of each cohort, and of all: who, how often seen, what is missing, how common, where it goes with what.

Saved under `profile_<cohort>_<what>` and, of each condition that is common enough, `profile_<cohort>_<condition>_<what>`, for
reports/profile.qmd, which draws the figures. `profile_choices` says which cohorts and conditions there are.
"""

import pandas as pd

import dermcohort as dc
from dermcohort.describe import listing, table_one
from dermcohort.pipeline import results_folder, study_folder
from dermcohort.prevalence import crude
from dermcohort.regression import risk_factors
from dermcohort.survival import incidence_rate

QUESTION_ZH = "各队列及全部队列的概况：研究对象、随访、缺失、患病率及相关因素。"

study = dc.open_study(study_folder())
results = results_folder()

LEAST = 100  # people with a condition from whom its profile is made
characteristics = ["age", "residence", "income", "smoking_status", "alcohol", "bmi_group", "hypertension"]
exposures = ["sex", "smoking_status", "alcohol", "bmi"]
conditions = [*study.schema.index[study.schema["condition"].notna()], "any_skin_condition"]
columns = ["sex", "bmi", *characteristics, *conditions]

baseline = study.frame(columns, wave="baseline").data
baseline["age_group"] = pd.cut(
    baseline["age"], [0, 20, 30, 40, 50, 60, 70, 120], right=False,
    labels=["<20", "20-29", "30-39", "40-49", "50-59", "60-69", "70+"],
)  # fmt: skip
cohorts = [str(cohort) for cohort in baseline["cohort"].cat.categories]
seen = study.visits.groupby(["cohort", "wave"], observed=True).size().unstack()
reasons = ["sex", *characteristics[:-1], "height", "psqi", "dlqi"]
why = {name: study.why(name, by="cohort") for name in reasons}
counted = ["observed", *study.reason_names.values()]


def save(what, estimates, counts=()):
    """Save under `profile_<cohort>_<what>` what others may see of it."""
    study.shown(estimates, counts=counts).save(results / f"profile_{cohort}_{what}")


def missing_by_reason(chosen):
    """Values of each variable, and why others are absent, over the visits of these cohorts."""
    rows = {name: table.loc[table.index.isin(chosen)].sum() for name, table in why.items()}
    counts = pd.DataFrame(rows).T
    counts = counts[[reason for reason in counted if reason in counts]]
    return counts.rename_axis("variable").reset_index()


choices = []
for cohort in ["all", *cohorts]:
    chosen = cohorts if cohort == "all" else [cohort]
    people = baseline[baseline["cohort"].isin(chosen)].copy()
    told = [name for name in characteristics if people[name].notna().any()]
    examined = [name for name in conditions if people[name].notna().any()]
    save("table_one", table_one(people, told, by="sex", labels=study.labels(), median=study.medians(told)))

    visits = seen.loc[chosen].sum()
    response = pd.DataFrame({"wave": visits.index.astype(str), "people": visits.to_numpy()})
    response["of those enrolled, %"] = 100 * response["people"] / response["people"].iloc[0]
    save("response", listing(response, "People examined at each wave."), counts=["people"])
    absent = missing_by_reason(chosen)
    listing(absent, "Values over all waves, and why others are absent.").save(
        results / f"profile_{cohort}_missing"
    )

    rows = pd.concat([crude(people, name).table for name in examined], ignore_index=True)
    rows = rows.sort_values("estimate", ascending=False, ignore_index=True).assign(measure="prevalence")
    method = "Crude prevalence at baseline, each person counting once, with Wilson intervals."
    save("prevalence", dc.Estimates(rows, method, n=len(people)))

    common = [name for name in examined if (people[name] == "yes").sum() >= LEAST]
    choices += [{"cohort": cohort, "condition": name} for name in common]
    for name in common:
        save(f"{name}_by_age", crude(people, name, by=["age_group", "sex"]))
        adjusted = ["age", "sex", *(["cohort"] if cohort == "all" else [])]
        factors = risk_factors(
            people, name, [e for e in exposures if people[e].notna().any()], {"Crude": [], "Adjusted": adjusted},
            per={"bmi": 5}, trend=False,
        )  # fmt: skip
        save(f"{name}_risk_factors", factors)
        if study.schema["condition"].get(name) is not None:
            onset = study.survival_frame(name, cohorts=chosen, covariates=["sex"]).data
            save(f"{name}_incidence", incidence_rate(onset, "exit", "event", by="sex"))

listing(pd.DataFrame(choices), "Cohorts and conditions that have a profile.").save(
    results / "profile_choices"
)
