"""Who takes part?"""

import dermcohort as dc
from dermcohort.describe import flow, table_one
from dermcohort.pipeline import results_folder, study_folder

study = dc.open_study(study_folder())
results = results_folder()
names = ["age", "smoking_status", "cigarettes_per_day", "wet_work", "bmi", "hand_eczema"]

people = study.frame([*names, "sex"], wave=study.waves[0])
first = table_one(people.data, names, by="sex", labels=study.labels(), median=study.medians(names))
study.shown(first).save(results / "table_one")  # study.shown hides counts of few people

needed = ["hand_eczema", "wet_work", "age", "sex", "smoking_status"]
complete = study.frame(needed, wave=study.waves[0], on_missing="drop")
study.shown(flow(complete.flow)).save(results / "flow")
