"""NHANES with skin: metals in blood by smoking, and how often arsenic species are below the detection limit."""

import dermcohort as dc
from dermcohort.describe import listing, table_one
from dermcohort.pipeline import results_folder, study_folder

study = dc.open_study(study_folder())
results = results_folder()

characteristics = ["age", "sex", "bmi", "blood_pb", "blood_cd", "blood_hg"]
people = study.frame([*characteristics, "smoking_status"], lod="limit/sqrt2").data
adults = people[(people["age"] >= 20) & people["blood_pb"].notna()]
medians = study.medians(characteristics)
table_one(adults, characteristics, by="smoking_status", labels=study.labels(), median=medians).save(
    results / "metals_by_smoking"
)

species = ["urine_as3", "urine_as5", "urine_asb", "urine_asc", "urine_dma", "urine_mma"]
urine = study.frame(species, lod="censored").data
below = {name: 100 * urine[f"{name}__below"].where(urine[name].notna()).astype(float) for name in species}
shares = urine[["wave"]].assign(**below).groupby("wave", observed=True).mean()
limits = study.detection_limits.pivot_table("limit", "wave", "variable", observed=True)[species]
shown = shares.T.round(1).astype(str) + " (" + limits.T.map("{:.2f}".format) + ")"
listing(
    shown.rename_axis("variable")
    .reset_index()
    .assign(variable=[study.label(name).removesuffix(" (µg/L)") for name in species]),
    "Per cent of measured samples below the detection limit (limit in µg/L), unweighted.",
    notes=[
        "Limits changed over the years: a share below the limit tells of the laboratory as much as of people. "
        "Where a file names no limit it is the value the laboratory filled in times the root of 2."
    ],
).save(results / "arsenic_below_limit")
