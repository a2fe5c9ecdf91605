"""How much metal do the residents of Hunan carry, and does it go with chronic urticaria, one by one and together?

The skin was examined three times; a person counts who had urticaria at any of them. Metals are those of the baseline
visit, in which a value below the detection limit is replaced by the limit over the root of 2.
"""

import numpy as np
import pandas as pd

import dermcohort as dc
from dermcohort.describe import listing
from dermcohort.figures import save_figure
from dermcohort.mixtures import quantile_gcomp, wqs
from dermcohort.pipeline import results_folder, study_folder
from dermcohort.regression import adjust_p_values, risk_factors

QUESTION_ZH = "湖南居民体内有多少金属？单一金属及混合暴露是否与慢性荨麻疹有关？"

study = dc.open_study(study_folder())
results = results_folder()

elements = ["as", "cd", "pb", "hg", "mn"]
metals = [f"{medium}_{element}" for medium in ("urine", "blood", "hair") for element in elements]
adjusted_for = ["age", "sex", "smoking_status", "urine_creatinine"]
found = study.frame(
    [*metals, *adjusted_for, "cluster", "stratum", "weight"],
    wave="baseline",
    cohorts="hunan_metals",
    lod="limit/sqrt2",
    reasons=True,
).data

# distributions: geometric mean in the population that was sampled, percentiles, share below the limit
design = dc.SurveyDesign("weight", strata="stratum", cluster="cluster", nest=True)
rows = []
for name in metals:
    known = found[name].notna()
    below = found[f"{name}__why"] == "below_lod"
    logs = dc.survey.mean(found.assign(log=np.log(found[name])), "log", design).table.iloc[0]
    center, low, high = np.exp(logs[["estimate", "conf_low", "conf_high"]].astype(float))
    p5, p50, p95 = found[name].quantile([0.05, 0.5, 0.95])
    rows.append(
        {
            "metal": name, "n": known.sum(), "below": below.sum(), "below, %": 100 * below.sum() / known.sum(),
            "geometric mean (95% CI)": f"{center:.3g} ({low:.3g}, {high:.3g})",
            "median (P5, P95)": f"{p50:.3g} ({p5:.3g}, {p95:.3g})",
        }
    )  # fmt: skip
distribution = listing(
    pd.DataFrame(rows),
    "Geometric means with 95% confidence intervals (weights, strata and clusters of the sample, t distribution), percentiles, "
    "and values below the detection limit, which count as the limit divided by the root of 2.",
)
study.shown(distribution, counts=["n", "below"]).save(results / "metals")

ill = study.frame(["chronic_urticaria"], cohorts="hunan_metals").data
ever = (ill["chronic_urticaria"] == "yes").groupby(ill["participant_id"].astype(str)).max()
found["urticaria"] = found["participant_id"].astype(str).map(ever).astype(float)

single = risk_factors(
    found,
    "urticaria",
    metals,
    {"Crude": [], "Adjusted": ["age", "sex", "smoking_status", "log2(urine_creatinine)"]},
    per=dict.fromkeys(metals, "doubling"),
    cluster="cluster",
)
single = study.shown(adjust_p_values(single, "BH"))
single.save(results / "metals_one_by_one")

# those in urine together
in_urine = [name for name in metals if name.startswith("urine")]
formula = "urticaria ~ age + sex + smoking_status + log2(urine_creatinine)"
effect = quantile_gcomp(formula, found, in_urine, cluster="cluster")
effect = study.shown(effect)
effect.save(results / "metals_quantile_gcomp")
index = wqs(formula, found, in_urine, bootstrap=30, repeats=20, seed=1)
index = study.shown(index)
index.save(results / "metals_wqs")

for language in study.languages:
    labels = study.labels(language)
    plain = {name: labels[name].split(" (")[0].split("（")[0] for name in in_urine}
    figures = {
        "metals_one_by_one": single.plot(labels=labels),
        "metals_quantile_gcomp": effect.plot(labels=labels | plain),
        "metals_wqs": index.plot(labels=labels | plain),
    }
    for name, axes in figures.items():
        save_figure(axes, results / name, language)
