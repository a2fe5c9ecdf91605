"""What did harmonization do with every raw row and every variable, and what did it notice?"""

import pandas as pd

import dermcohort as dc
from dermcohort.codebook import write_cards
from dermcohort.describe import listing
from dermcohort.figures import reason_bars, save_figure, status_matrix
from dermcohort.pipeline import results_folder, study_folder

QUESTION_ZH = "数据协调对每一行原始数据和每个变量作了何种处理，发现了哪些问题？"

study = dc.open_study(study_folder())
results = results_folder()

# every row of every file is kept, merged or set aside
rows = pd.crosstab(
    [study.ledger["cohort"], study.ledger["wave"], study.ledger["file"]], study.ledger["action"]
).reset_index()
rows["rows"] = rows[["kept", "merged", "quarantined"]].sum(axis=1)
listing(
    rows[["cohort", "wave", "file", "rows", "kept", "merged", "quarantined"]],
    "Rows of the raw files and what became of them; merged rows are the same person entered twice.",
).save(results / "ledger")

aside = study.ledger[study.ledger["action"] == "quarantined"]
reasons = pd.crosstab(aside["reason"], aside["cohort"]).rename_axis(columns=None).reset_index()
listing(reasons, "Rows set aside, by reason and cohort.").save(results / "quarantined")

fired = study.findings.groupby(["severity", "group", "check"], sort=False)
findings = fired.agg(places=("n", "size"), values=("n", "sum")).reset_index()
listing(
    findings,
    "Checks that fired: in how many variables and waves, and for how many values or rows.",
).save(results / "findings")

evaluated = study.checks[study.checks["n"] > 0].assign(failed=lambda table: ~table["passed"])
judged = evaluated.groupby(["id", "title", "severity"], sort=False)
checks = judged.agg(
    waves=("n", "size"), n=("n", "sum"), violations=("violations", "sum"), failed=("failed", "sum")
).reset_index()
listing(
    checks[["title", "severity", "waves", "n", "violations", "failed"]],
    "Checks of the dictionary: in how many cohorts and waves they could be evaluated, for how many visits, how many "
    "violate them, and in how many cohorts and waves that is more than the threshold.",
    notes=["Checks of distributions compare waves and have no violations."],
).save(results / "checks")

names = ["income", "smoking_status", "alcohol", "height", "urine_as", "hair_cd", "psqi", "dlqi"]
why = pd.concat([study.why(name, by="cohort").assign(variable=name) for name in names]).fillna(0)
why = why.rename_axis("cohort").reset_index()
counts = [c for c in ("observed", *study.reason_names.values()) if c in why]
listing(
    why[["variable", "cohort", *counts, "n"]],
    "Values observed over all waves, and why the others are absent, for some of the variables.",
).save(results / "why_missing")
by_variable = why.groupby("variable", sort=False)[counts].sum()

matrix = study.matrix()
matrix = matrix[[column for column in matrix.columns if column[1] in study.waves]]
told_at_visits = (matrix != "impossible").any(axis=1)

for language in study.languages:
    labels = study.labels(language)
    save_figure(status_matrix(matrix[told_at_visits], labels=labels), results / "matrix", language)
    save_figure(reason_bars(by_variable, labels=labels), results / "why_missing", language)

write_cards(study, results / "variables")
