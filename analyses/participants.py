"""Who takes part in the three cohorts, and who came back?"""

import dermcohort as dc
from dermcohort.describe import flow, listing, table_one
from dermcohort.figures import save_figure
from dermcohort.pipeline import results_folder, study_folder

QUESTION_ZH = "三个队列的研究对象有哪些人，哪些人参加了随访？"

study = dc.open_study(study_folder())
results = results_folder()
labels = study.labels()

characteristics = [
    "age", "sex", "residence", "income", "smoking_status", "secondhand_smoke", "alcohol", "soft_drinks",
    "bmi", "bmi_group", "hypertension", "phq2_positive", "gad2_positive", "any_skin_condition", "itch_nrs",
]  # fmt: skip
baseline = study.frame(["cluster", *characteristics], wave="baseline", reasons=True)
people = table_one(
    baseline.data,
    characteristics,
    by="cohort",
    labels=labels,
    median=study.medians(characteristics),
    reasons=True,
)
study.shown(people).save(results / "table_one")

seen = study.visits.groupby(["cohort", "wave"], observed=True).size().unstack()
enrolled, later = seen.columns[0], list(seen.columns[1:])
returned = 100 * seen[later].div(seen[enrolled], axis=0).add_suffix(", %")
deaths = study.events[study.events["event"] == "death"].groupby("cohort", observed=False).size()
has_register = study.participants.groupby("cohort", observed=False)["vital_status"].count() > 0
deaths = deaths.where(has_register)
attendance = seen.rename(columns={enrolled: "enrolled"}).join(returned).assign(deaths=deaths).reset_index()
attended = listing(
    attendance.rename_axis(columns=None),
    "People enrolled, examined at each wave, and deaths told by the register (the students are in none).",
)
study.shown(attended, counts=["enrolled", *later, "deaths"]).save(results / "attendance")

rosacea = study.survival_frame("rosacea", cohorts="central_china", covariates=["age", "sex"])
steps = study.shown(flow(rosacea.flow))
steps.save(results / "flow_rosacea")
save_figure(steps.plot(), results / "flow_rosacea")
