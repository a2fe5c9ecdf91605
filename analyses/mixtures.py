"""How much metal do the residents of Hunan carry, and does it go with chronic urticaria, one by one and together?

The skin was examined three times; a person counts who had urticaria at any of them. Metals are those of the baseline
visit, in which a value below the detection limit is replaced by the limit over the root of 2.
"""

import numpy as np
import pandas as pd

import dermcohort as dc
from dermcohort.counted import counted
from dermcohort.figures import save_figure
from dermcohort.mixtures import quantile_gcomp, wqs
from dermcohort.pipeline import results_folder, study_folder
from dermcohort.regression import adjust_p_values, risk_factors

study = dc.open_study(study_folder())
results = results_folder()

media = {"urine": "µg/L", "blood": "µg/L", "hair": "µg/g"}
elements = ["as", "cd", "pb", "hg", "mn"]
metals = [f"{medium}_{element}" for medium in media for element in elements]
adjusted_for = ["age", "sex", "smoking_status", "urine_creatinine"]
found = study.frame(
    [*metals, *adjusted_for, "cluster"],
    wave="baseline",
    cohorts="hunan_metals",
    lod="limit/sqrt2",
    reasons=True,
).data

# distributions: geometric mean with its interval, percentiles, share below the limit
rows = []
for name in metals:
    below = (found[f"{name}__why"] == "below_lod").sum()
    values = found[name].dropna()
    logs = np.log(values)
    half = 1.96 * logs.std(ddof=1) / np.sqrt(len(logs))
    p5, p50, p95 = values.quantile([0.05, 0.5, 0.95])
    rows.append(
        {
            "term": name, "measure": "geometric mean", "estimate": np.exp(logs.mean()),
            "conf_low": np.exp(logs.mean() - half), "conf_high": np.exp(logs.mean() + half),
            "p5": p5, "median": p50, "p95": p95, "share_below": 100 * below / len(values), "n": len(values),
        }
    )  # fmt: skip
distribution = dc.Estimates(
    pd.DataFrame(rows),
    "Geometric means with 95% confidence intervals of the logarithms (normal), percentiles, and per cent of the values below "
    "the detection limit, which count as the limit divided by the root of 2.",
    n=len(found),
)
study.shown(distribution).save(results / "metals")

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
study.shown(counted(effect)).save(results / "metals_quantile_gcomp")
index = wqs(formula, found, in_urine, bootstrap=30, repeats=20, seed=1)
study.shown(counted(index)).save(results / "metals_wqs")

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
