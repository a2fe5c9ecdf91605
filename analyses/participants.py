"""Who takes part in the three cohorts, who came back, and does it matter who did not?"""

import pandas as pd

import dermcohort as dc
from dermcohort.describe import flow, listing, table_one
from dermcohort.figures import save_figure, timeline
from dermcohort.missing import dropout_weights
from dermcohort.pipeline import results_folder, study_folder

QUESTION_ZH = "三个队列的研究对象有哪些人，哪些人参加了随访，失访有无影响？"

study = dc.open_study(study_folder())
results = results_folder()

characteristics = [
    "age", "sex", "residence", "income", "smoking_status", "secondhand_smoke", "alcohol", "soft_drinks",
    "bmi", "bmi_group", "hypertension", "phq2_positive", "gad2_positive", "any_skin_condition", "itch_nrs",
]  # fmt: skip
baseline = study.frame(["cluster", *characteristics], wave="baseline", reasons=True)
people = table_one(
    baseline.data,
    characteristics,
    by="cohort",
    labels=study.labels(),
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

# when each wave was in the field; the outermost hundredths of the dates are left out, some are mistakes
dates = study.visits.groupby(["cohort", "wave"], observed=True)["visit_date"]
waves = pd.DataFrame(
    {"start": dates.quantile(0.01), "end": dates.quantile(0.99), "n": dates.size()}
).reset_index()

# who was examined again, among those who lived long enough to be
dead = study.events.loc[study.events["event"] == "death", ["cohort", "participant_id"]].assign(died=True)
again = study.visits.loc[study.visits["wave"] != enrolled, ["cohort", "participant_id"]].drop_duplicates()
people = baseline.data.merge(again.assign(returned=True), how="left").merge(dead, how="left")
people["returned"] = people["returned"].notna()
alive = people[people["died"].isna() | people["returned"]]
alive = alive.assign(
    seen_again=pd.Categorical.from_codes(alive["returned"].astype(int), ["lost", "returned"])
)
health = ["age", "sex", "smoking_status", "bmi", "phq2_positive", "any_skin_condition"]
compared = table_one(alive, health, by="seen_again", labels=study.labels(), median=study.medians(health))
study.shown(compared).save(results / "loss_to_follow_up")

# drop-out weights: do those who came back, weighted, look like all who were enrolled?
staying = dropout_weights(alive, "seen_again", "cohort + age + sex + smoking_status + any_skin_condition")
study.shown(staying).save(results / "dropout_weights")
back = alive.assign(weight=staying.weights, people="returned").dropna(subset="weight")
both = pd.concat([alive.assign(weight=1.0, people="enrolled"), back], ignore_index=True)
balance = table_one(both, health, by="people", weights="weight", labels=study.labels())

rosacea = study.survival_frame("rosacea", cohorts="central_china", covariates=["age", "sex"])
death = study.survival_frame("death", cohorts="central_china", covariates=["age", "sex"])
flows = {"flow_rosacea": study.shown(flow(rosacea.flow)), "flow_death": study.shown(flow(death.flow))}
for name, steps in flows.items():
    steps.save(results / name)

for language in study.languages:
    labels = study.labels(language)
    save_figure(timeline(waves, labels=labels), results / "timeline", language)
    save_figure(balance.plot(labels=labels), results / "dropout_weights", language)
    for name, steps in flows.items():
        save_figure(steps.plot(labels=labels), results / name, language)
