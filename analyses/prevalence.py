"""How common are the skin conditions at baseline, by cohort, age and sex, and which go together?

The samples are clustered and weighted: strata are those of each cohort, except that every university of the college
program is a stratum of its own, from which alone no variance can be estimated; there the universities are the sample.
"""

import pandas as pd

import dermcohort as dc
from dermcohort.figures import estimate_matrix, grouped_ranges, line_ranges, save_figure
from dermcohort.pipeline import results_folder, study_folder
from dermcohort.prevalence import co_occurrence, crude, multimorbidity, pooled, standardized, survey, trend

QUESTION_ZH = """基线时各种皮肤病有多常见（按队列、年龄和性别），哪些疾病常合并出现？

样本为整群抽样并加权：各队列按自身的层分层；但大学生项目中每所大学自成一层，层内仅有一个抽样单位，无法估计方差，故以大学为抽样单位。"""

study = dc.open_study(study_folder())
results = results_folder()

conditions = list(study.schema.index[study.schema["condition"].notna()])
sampling = ["stratum", "cluster", "weight"]
baseline = study.frame(["age", "sex", *sampling, *conditions], wave="baseline").data
baseline["stratum"] = baseline["stratum"].astype(str).where(baseline["cohort"] != "college", "college")
design = dc.SurveyDesign("weight", strata="stratum", cluster="cluster", nest=True)
baseline["age_group"] = pd.cut(
    baseline["age"], [0, 30, 40, 50, 60, 70, 120], right=False,
    labels=["<30", "30-39", "40-49", "50-59", "60-69", "70+"],
)  # fmt: skip

kinds = study.schema["measures"]  # of each condition: point, period or lifetime prevalence
by_cohort = {
    name: survey(baseline, name, design, by="cohort", ci="beta", kind=kinds[name]) for name in conditions
}
overview = pd.concat([estimate.table for estimate in by_cohort.values()], ignore_index=True)
order = overview.groupby("term")["estimate"].max().sort_values(ascending=False).index
overview = overview.sort_values("term", key=lambda term: term.map(list(order).index), kind="stable")
by_condition = dc.Estimates(
    overview,
    method="Survey-weighted prevalence with Korn-Graubard 95% confidence intervals (strata, clusters and weights of "
    "each cohort's sample): of a lifetime, a period or the day of the examination, as the dictionary says of each condition.",
    n=len(baseline),
    notes=tuple(
        dict.fromkeys(note for e in by_cohort.values() for note in e.notes if "degrees of freedom" in note)
    ),
)
by_condition = study.shown(by_condition)
by_condition.save(results / "prevalence_by_cohort")

# the two cohorts of adults, as if both had the ages and sexes of China in 2010
baseline["age_band"] = pd.cut(
    baseline["age"], [20, 40, 60, 120], right=False, labels=["20-39", "40-59", "60+"]
)
general = baseline.assign(**baseline[conditions].where(baseline["cohort"] != "college"))
common = [
    name for name in conditions if general.groupby("cohort", observed=True)[name].count().gt(0).sum() == 2
]
adjusted = [
    standardized(general, name, age="age_band", sex="sex", standard="china-2010", by="cohort", design=design)
    for name in common
]
rows = pd.concat([estimate.table for estimate in adjusted], ignore_index=True)
as_china = dc.Estimates(
    rows[rows["measure"] == "standardized prevalence"],
    method=adjusted[0].method,
    n=adjusted[0].n,
    notes=tuple(note for note in adjusted[0].notes if "left out" not in note),
)
study.shown(as_china).save(results / "prevalence_standardized")

# the same people three ways: as they are, as the population that was sampled, as the population of China
as_they_are = pd.concat([crude(general, name, by="cohort").table for name in common], ignore_index=True)
known = as_they_are.set_index(["term", "cohort"])[["n", "events"]]
ways = {
    "crude": as_they_are,
    "survey": overview[overview["term"].isin(common) & (overview["cohort"] != "college")],
    "standardized": as_china.table.drop(columns=["n", "events"], errors="ignore").join(
        known, on=["term", "cohort"]
    ),
}
columns = ["cohort", "way", "term", "measure", "estimate", "conf_low", "conf_high", "n", "events"]
side_by_side = pd.concat([rows.assign(way=way) for way, rows in ways.items()], ignore_index=True)
in_three_ways = dc.Estimates(
    side_by_side[columns].assign(measure="prevalence"),
    "Crude: each person counts once (Wilson). Survey: weights, strata and clusters of the sample (Korn-Graubard). "
    "Standardized: the same by age and sex to the census of China in 2010.",
    n=int(general["cohort"].ne("college").sum()),
)
study.shown(in_three_ways).save(results / "prevalence_three_ways")

counts = by_cohort["psoriasis"].table
together = pooled(counts["events"], counts["n"], list(counts["cohort"]), method="REML", hksj=True)
together = study.shown(together)
together.save(results / "prevalence_pooled")

adults = baseline[baseline["cohort"] == "central_china"]
by_ages = {}
for name in ("rosacea", "androgenetic_alopecia"):
    by_age = survey(adults, name, design, by=["age_group", "sex"], margins=True, kind=kinds[name])
    by_age = study.shown(by_age)
    by_age.save(results / f"prevalence_{name}_by_age")
    by_ages[name] = by_age.table[(by_age.table[["age_group", "sex"]] != "All").all(axis=1)]

examined = [name for name in conditions if adults[name].notna().any()]
study.shown(multimorbidity(adults, examined, by="sex")).save(results / "multimorbidity")
pairs = study.shown(co_occurrence(adults, examined))
pairs.save(results / "co_occurrence")

students = study.frame(["acne_moderate_severe", "sex", "cluster", "weight"], cohorts="college").data
universities = dc.SurveyDesign("weight", cluster="cluster")
by_wave = survey(students, "acne_moderate_severe", universities, by=["wave", "sex"])
study.shown(by_wave).save(results / "prevalence_acne_by_wave")
over_waves = trend(students, "acne_moderate_severe", "wave", design=universities)
study.shown(over_waves).save(results / "trend_acne")

# conditions of the moment, whose prevalence can fall as well as rise, in those examined at each wave
points = [name for name in conditions if kinds[name] == "point"]
residents = study.frame([*points, *sampling, "age"], cohorts="central_china").data
waves = [survey(residents, name, design, by="wave", kind="point") for name in points]
rows = pd.concat([estimate.table for estimate in waves], ignore_index=True)
changing = study.shown(dc.Estimates(rows, waves[0].method, n=len(residents)))
changing.save(results / "prevalence_over_waves")

words = {
    "en": {"age_group": "Age (years)", "wave": "Wave"},
    "zh": {"age_group": "年龄（岁）", "wave": "调查轮次"},
}
for language in study.languages:
    labels = study.labels(language) | words[language]
    cohorts = {cohort: labels[f"cohort={cohort}"] for cohort in counts["cohort"]}
    figures = {
        "prevalence_by_cohort": grouped_ranges(
            by_condition.table, row="term", group="cohort", labels=labels, log=True
        ),
        "prevalence_matrix": estimate_matrix(by_condition.table, row="term", column="cohort", labels=labels),
        "prevalence_pooled": together.plot(labels=labels | cohorts),
        "co_occurrence": pairs.plot(labels=labels),
        "prevalence_over_waves": line_ranges(changing.table, x="wave", group="term", labels=labels),
    }
    for name, rows in by_ages.items():
        figures[f"prevalence_{name}_by_age"] = line_ranges(rows, x="age_group", group="sex", labels=labels)
    for name, axes in figures.items():
        save_figure(axes, results / name, language)
