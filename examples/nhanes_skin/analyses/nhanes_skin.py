"""NHANES with skin: how common is psoriasis, do two readers agree, and do people with it die earlier?"""

import dermcohort as dc
from dermcohort.accuracy import kappa
from dermcohort.describe import flow, listing, table_one
from dermcohort.figures import grouped_ranges, save_figure
from dermcohort.pipeline import results_folder, study_folder
from dermcohort.prevalence import crude, survey, trend
from dermcohort.survival import cox, incidence_rate, kaplan_meier

study = dc.open_study(study_folder())
results = results_folder()
labels = {
    **study.labels(), "exit": "Years since the exam", "psoriasis=no": "No psoriasis", "psoriasis=yes": "Psoriasis",
}  # fmt: skip

# strata and variance units as NCHS gives them; everybody examined stays in the design
design = dc.SurveyDesign("weight_exam", strata="stratum", cluster="psu", nest=True)
sampling = ["stratum", "psu", "weight_exam"]
people = study.frame(["sex", "age", "psoriasis", *sampling]).data
examined = people[people["weight_exam"] > 0]
# 2003-2006 asked people of 20 to 59 years only: that age is compared in every cycle
adults = examined.assign(psoriasis=examined["psoriasis"].where(examined["age"].between(20, 59)))
crude(adults, "psoriasis", by="wave", kind="lifetime").save(results / "prevalence")
survey(adults, "psoriasis", design, by="wave", kind="lifetime", ci="beta").save(
    results / "prevalence_weighted"
)
trend(adults, "psoriasis", "wave", design=design).save(results / "trend")
by_sex = survey(adults, "psoriasis", design, by=["wave", "sex"], kind="lifetime", ci="beta").table
save_figure(grouped_ranges(by_sex, row="wave", group="sex", labels=labels), results / "prevalence_by_sex")

signs = ["psoriasis_photo", "hand_dermatitis"]
seen = study.frame(signs, wave="c", on_missing="drop").data
table_one(seen, signs, labels=labels).save(results / "seen")
for sign in ("psoriasis", "hand_dermatitis"):
    readers = [f"{sign}_reader1", f"{sign}_reader2"]
    read = study.frame(readers, wave="c", on_missing="drop").data
    agreement = kappa(read, *readers)
    agreement.save(results / f"agreement_{sign}")
    counts = agreement.confusion.rename_axis(index=readers[0], columns=None).reset_index()
    listing(
        counts, "As each of two dermatologists read the photographs, people of 20 to 59 years, 2003-2004."
    ).save(results / f"readers_{sign}")

covariates = ["psoriasis", "age", "sex", *sampling]
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
in_design = followed.data.assign(
    psoriasis=followed.data["psoriasis"].where(followed.data["age"].between(20, 59))
)
model = cox("psoriasis + age + sex", in_design, time="exit", event="event", strata="wave", design=design)
model.save(results / "cox_death")
save_figure(model.plot(labels=study.labels()), results / "cox_death")
