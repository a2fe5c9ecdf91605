"""What is true in the simulated cohorts: sizes, structure, prevalences, effects. Sources: docs/simulation.md.

Published figures are used where there are any (marked with their paper); the others are plausible and said to
be ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

# conditions in the order in which they are drawn: later ones may depend on earlier ones
CONDITIONS = (
    "psoriasis", "atopic_dermatitis", "hand_eczema", "acne", "rosacea", "chronic_urticaria", "vitiligo",
    "alopecia_areata", "androgenetic_alopecia", "tinea", "arsenical_keratosis", "arsenical_dyspigmentation",
    "cutaneous_tumor", "systemic_lupus", "chronic_itch",
)  # fmt: skip

# (outcome, covariate, odds ratio conditional on the others and on the cluster); hazard ratios of onset are equal
EFFECTS: tuple[tuple[str, str, float], ...] = (
    ("psoriasis", "smoking_status=former", 1.39),  # Nurses' Health Study, AJE 2012;175:402
    ("psoriasis", "smoking_status=current", 1.94),
    ("psoriasis", "bmi/5", 1.25),
    ("psoriasis", "male", 1.30),
    ("atopic_dermatitis", "secondhand_smoke=1_to_2_days", 1.10),
    ("atopic_dermatitis", "secondhand_smoke=3_to_4_days", 1.30),
    ("atopic_dermatitis", "secondhand_smoke=5_to_7_days", 1.50),
    ("atopic_dermatitis", "family_history_atopy=yes", 3.00),
    ("hand_eczema", "secondhand_smoke=3_to_4_days", 1.25),
    ("hand_eczema", "secondhand_smoke=5_to_7_days", 1.40),
    ("hand_eczema", "atopic_dermatitis=yes", 3.46),  # Danish hand eczema cohort
    ("acne", "soft_drinks=3_to_6", 1.40),
    ("acne", "soft_drinks=7_or_more", 1.90),  # J Pediatr 2019, fruit-flavored drinks
    ("acne", "male", 1.30),
    ("acne", "age/10", 0.35),
    ("rosacea", "smoking_status=former", 1.09),  # Nurses' Health Study II, AJE 2017;186:38
    ("rosacea", "smoking_status=current", 0.65),
    ("rosacea", "bmi/5", 1.15),
    ("rosacea", "male", 0.60),
    ("chronic_urticaria", "male", 0.75),
    ("chronic_urticaria", "mixture", 1.35),  # joint effect of urine As, Cd and Pb; ours
    ("vitiligo", "male", 1.40),
    ("androgenetic_alopecia", "male", 4.50),
    ("androgenetic_alopecia", "age/10", 1.40),
    ("tinea", "male", 1.50),
    ("tinea", "age/10", 1.10),
    ("arsenical_keratosis", "age/10", 1.50),
    ("arsenical_keratosis", "occupational_arsenic=yes", 3.00),
    ("arsenical_keratosis", "years_at_residence/10", 1.15),
    ("arsenical_dyspigmentation", "age/10", 1.40),
    ("arsenical_dyspigmentation", "occupational_arsenic=yes", 2.50),
    ("arsenical_dyspigmentation", "years_at_residence/10", 1.15),
    ("cutaneous_tumor", "age/10", 1.60),
    ("cutaneous_tumor", "occupational_arsenic=yes", 2.50),
    ("systemic_lupus", "male", 0.10),
    ("chronic_itch", "atopic_dermatitis=yes", 4.00),
    ("chronic_itch", "chronic_urticaria=yes", 5.00),
    ("chronic_itch", "psoriasis=yes", 3.00),
)

REMISSION = {
    "acne": 0.20, "tinea": 0.40, "hand_eczema": 0.25, "atopic_dermatitis": 0.10, "chronic_urticaria": 0.25,
    "alopecia_areata": 0.35, "chronic_itch": 0.25,
}  # fmt: skip
GOMPERTZ = {"rate_at_50": 0.0035, "slope": 0.09, "hr_male": 1.4, "hr_current_smoker": 1.8}
# (outcome, covariate, hazard ratio): onset of a condition as above, and death
HAZARDS = (
    *EFFECTS,
    ("death", "male", GOMPERTZ["hr_male"]),
    ("death", "smoking_status=current", GOMPERTZ["hr_current_smoker"]),
    ("death", "age/10", float(np.exp(10 * GOMPERTZ["slope"]))),
)
DROPOUT = {"male": 0.20, "current smoker": 0.30, "age per 10 years": -0.05, "any skin condition": -0.35}

# mean of an answer (0-3) without itch, and its rise per point of itch (JAAD Int 2021, Table III, per scale)
ITEM_EFFECT_OF_ITCH = {
    "phq2": (0.45, 0.09), "gad2": (0.40, 0.09), "dlqi": (0.25, 0.10), "psqi": (0.45, 0.05),
}  # fmt: skip

# median, standard deviation of the log, detection limit, in the schema's units. Arsenic: Shimen (Chin J Dermatol
# 2023;56:636); cadmium, lead: Chinese adults; mercury, manganese and the limits are ours
METALS = {
    "blood_as": (0.84, 0.37, 0.30), "blood_cd": (1.20, 0.60, 0.15), "blood_pb": (38.0, 0.45, 1.00),
    "blood_hg": (1.50, 0.60, 0.20), "blood_mn": (12.0, 0.30, 1.00),
    "urine_as": (60.3, 0.58, 1.00), "urine_cd": (0.89, 0.70, 0.20), "urine_pb": (2.60, 0.70, 0.50),
    "urine_hg": (0.60, 0.80, 0.15), "urine_mn": (0.90, 0.90, 0.20),
    "hair_as": (0.31, 1.23, 0.02), "hair_cd": (0.045, 0.90, 0.01), "hair_pb": (2.10, 0.90, 0.10),
    "hair_hg": (0.35, 0.70, 0.05), "hair_mn": (1.40, 0.90, 0.10),
}  # fmt: skip
# share of "yes" of variables without further structure, and the cohorts that ask for them
BACKGROUND = {
    "asthma": (0.03, ("hunan_metals", "central_china", "college")),
    "allergic_rhinitis": (0.12, ("hunan_metals", "central_china", "college")),
    "family_history_atopy": (0.10, ("hunan_metals", "central_china", "college")),
    "family_history_psoriasis": (0.02, ("hunan_metals", "central_china", "college")),
    "well_water": (0.45, ("hunan_metals",)),
}


@dataclass(frozen=True)
class CohortSpec:
    """One cohort: structure, exposures, prevalences at baseline and incidence rates a year."""

    name: str
    share: float
    wave_starts: tuple[str, str, str]
    wave_days: int
    end_of_follow_up: np.datetime64
    dropout: float
    strata: tuple[str, ...]
    stratum_shares: tuple[float, ...]
    sampling_weights: tuple[float, ...]
    exposure_by_stratum: tuple[float, ...]
    male_share: tuple[float, ...]
    sites: tuple[str, ...]
    clusters: int
    cluster_prefix: str
    cluster_variance: float
    age: tuple[float, float, float]
    ethnicity: Mapping[str, float]
    smoking: tuple[Mapping[str, float], Mapping[str, float]]
    answers: Mapping[str, Mapping[str, float]]
    bmi: tuple[float, float]
    sun: float
    prevalence: Mapping[str, float]
    incidence: Mapping[str, float]
    acne_grades: tuple[float, float, float]
    laboratory: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    metals: bool = False
    height_shift: float = 0.0


def _answers(**shares: str) -> dict[str, dict[str, float]]:
    """``education="none 5, primary 20"`` -> level shares."""
    out = {}
    for name, text in shares.items():
        pairs = [part.split() for part in text.split(",")]
        out[name] = {level: float(share) for level, share in pairs}
    return out


_COMMON = _answers(
    sunscreen="never 60, sometimes 28, often 12",
    skin_type="I 1, II 12, III 48, IV 34, V 4, VI 1",
    physical_activity="low 38, moderate 42, high 20",
    spicy_food="never 12, sometimes 40, often 48",
)

HUNAN = CohortSpec(
    name="hunan_metals",
    share=7_000,
    wave_starts=("2016-10-08", "2018-10-08", "2020-10-08"),
    wave_days=100,
    end_of_follow_up=np.datetime64("2021-06-30"),
    dropout=0.15,
    strata=("heavy", "moderate", "reference"),
    stratum_shares=(0.4, 0.35, 0.25),
    sampling_weights=(2.1, 3.4, 6.8),
    exposure_by_stratum=(1.0, 0.6, 0.0),
    male_share=(0.47, 0.47, 0.47),
    sites=("Shimen", "Hengdong", "Chenzhou"),
    clusters=36,
    cluster_prefix="V",
    cluster_variance=0.20,
    age=(18, 54, 88),
    ethnicity={"han": 0.62, "tujia": 0.34, "miao": 0.02, "other": 0.02},
    smoking=({"never": 38, "former": 12, "current": 50}, {"never": 95, "former": 1, "current": 4}),
    answers={
        **_COMMON,
        **_answers(
            education="none 14, primary 38, middle_school 32, high_school 12, college 4",
            income="under_20k 38, 20k_to_50k 40, 50k_to_100k 17, over_100k 5",
            occupation="farmer 68, worker 12, office 4, retired 8, other 8",
            marital_status="single 7, married 82, widowed_divorced 11",
            residence="rural 95, urban 5",
            secondhand_smoke="none 45, 1_to_2_days 18, 3_to_4_days 12, 5_to_7_days 25",
            alcohol="never 58, occasional 22, weekly 10, daily 10",
            soft_drinks="none 70, 1_to_2 20, 3_to_6 7, 7_or_more 3",
        ),
    },
    bmi=(23.2, 3.3),
    sun=4.5,
    prevalence={
        "psoriasis": 0.006, "atopic_dermatitis": 0.012, "hand_eczema": 0.040, "acne": 0.020, "rosacea": 0.030,
        "chronic_urticaria": 0.020, "vitiligo": 0.0056, "alopecia_areata": 0.003,
        "androgenetic_alopecia": 0.14, "tinea": 0.12, "arsenical_keratosis": 0.36,
        "arsenical_dyspigmentation": 0.58, "cutaneous_tumor": 0.006, "systemic_lupus": 0.0004,
        "chronic_itch": 0.10,
    },
    incidence={
        "psoriasis": 0.002, "atopic_dermatitis": 0.003, "hand_eczema": 0.012, "acne": 0.004, "rosacea": 0.009,
        "chronic_urticaria": 0.008, "vitiligo": 0.0008, "alopecia_areata": 0.001,
        "androgenetic_alopecia": 0.012, "tinea": 0.04, "arsenical_keratosis": 0.030,
        "arsenical_dyspigmentation": 0.040, "cutaneous_tumor": 0.002, "systemic_lupus": 0.0001,
        "chronic_itch": 0.025,
    },
    acne_grades=(0.68, 0.26, 0.06),
    metals=True,
)  # fmt: skip

CENTRAL = CohortSpec(
    name="central_china",
    share=115_000,
    wave_starts=("2018-01-08", "2019-01-08", "2020-01-08"),
    wave_days=320,
    end_of_follow_up=np.datetime64("2021-12-31"),
    dropout=0.07,
    strata=("henan_rural", "hunan_employees", "hubei_workers"),
    stratum_shares=(0.50, 0.22, 0.28),
    sampling_weights=(9.0, 4.5, 5.5),
    exposure_by_stratum=(0.2, 0.3, 0.5),
    male_share=(0.40, 0.55, 0.62),
    sites=("Xinxiang", "Changsha", "Shiyan"),
    clusters=90,
    cluster_prefix="D",
    cluster_variance=0.10,
    age=(20, 50, 84),
    ethnicity={"han": 0.96, "tujia": 0.015, "hui": 0.015, "other": 0.01},
    smoking=({"never": 42, "former": 13, "current": 45}, {"never": 97, "former": 1, "current": 2}),
    answers={
        **_COMMON,
        **_answers(
            education="none 8, primary 24, middle_school 36, high_school 17, college 15",
            income="under_20k 25, 20k_to_50k 36, 50k_to_100k 27, over_100k 12",
            occupation="farmer 42, worker 24, office 20, retired 10, other 4",
            marital_status="single 6, married 86, widowed_divorced 8",
            residence="rural 54, urban 46",
            secondhand_smoke="none 50, 1_to_2_days 18, 3_to_4_days 11, 5_to_7_days 21",
            alcohol="never 62, occasional 22, weekly 9, daily 7",
            soft_drinks="none 66, 1_to_2 22, 3_to_6 8, 7_or_more 4",
        ),
    },
    bmi=(24.4, 3.4),
    sun=2.6,
    prevalence={
        "psoriasis": 0.0047, "atopic_dermatitis": 0.014, "hand_eczema": 0.022, "acne": 0.030,
        "rosacea": 0.0348, "chronic_urticaria": 0.0075, "vitiligo": 0.0056, "alopecia_areata": 0.0027,
        "androgenetic_alopecia": 0.135, "tinea": 0.08, "cutaneous_tumor": 0.001, "systemic_lupus": 0.0004,
        "chronic_itch": 0.07,
    },
    incidence={
        "psoriasis": 0.0012, "atopic_dermatitis": 0.003, "hand_eczema": 0.006, "acne": 0.006,
        "rosacea": 0.00925, "chronic_urticaria": 0.004, "vitiligo": 0.0006, "alopecia_areata": 0.001,
        "androgenetic_alopecia": 0.010, "tinea": 0.03, "cutaneous_tumor": 0.0004, "systemic_lupus": 0.00014,
        "chronic_itch": 0.018,
    },
    acne_grades=(0.68, 0.26, 0.06),
    laboratory={
        "total_cholesterol": (4.75, 0.19), "triglycerides": (1.35, 0.50), "hdl": (1.30, 0.22),
        "ldl": (2.80, 0.25), "glucose": (5.35, 0.17), "hba1c": (5.6, 0.12), "uric_acid": (310.0, 0.25),
        "serum_creatinine": (68.0, 0.20),
    },
)  # fmt: skip

COLLEGE = CohortSpec(
    name="college",
    share=28_000,
    wave_starts=("2018-09-10", "2019-09-10", "2020-09-10"),
    wave_days=45,
    end_of_follow_up=np.datetime64("2020-12-31"),
    dropout=0.15,
    strata=("Changsha", "Wuhan", "Urumqi", "Hohhot", "Xiamen"),
    stratum_shares=(0.34, 0.20, 0.14, 0.14, 0.18),
    sampling_weights=(1.0, 1.4, 1.6, 1.5, 1.3),
    exposure_by_stratum=(0.3, 0.3, 0.3, 0.3, 0.1),
    male_share=(0.50, 0.48, 0.47, 0.48, 0.50),
    sites=("Changsha", "Wuhan", "Urumqi", "Hohhot", "Xiamen"),
    clusters=5,
    cluster_prefix="U",
    cluster_variance=0.05,
    age=(16.2, 18.3, 20.6),
    ethnicity={"han": 0.82, "uyghur": 0.06, "mongol": 0.05, "hui": 0.03, "tujia": 0.02, "other": 0.02},
    smoking=({"never": 91, "former": 2, "current": 7}, {"never": 99, "former": 0.5, "current": 0.5}),
    answers={
        **_COMMON,
        **_answers(
            education="college 100",
            parental_education="none 4, primary 14, middle_school 32, high_school 25, college 25",
            income="under_20k 20, 20k_to_50k 28, 50k_to_100k 28, over_100k 24",
            occupation="student 100",
            marital_status="single 100",
            residence="rural 45, urban 55",
            secondhand_smoke="none 57, 1_to_2_days 23, 3_to_4_days 8, 5_to_7_days 12",
            alcohol="never 66, occasional 30, weekly 3, daily 1",
            soft_drinks="none 22, 1_to_2 50, 3_to_6 20, 7_or_more 8",
        ),
    },
    bmi=(21.2, 2.9),
    sun=2.0,
    prevalence={
        "psoriasis": 0.0016, "atopic_dermatitis": 0.0386, "hand_eczema": 0.0335, "acne": 0.45,
        "rosacea": 0.012, "chronic_urticaria": 0.026, "vitiligo": 0.0023, "alopecia_areata": 0.002,
        "androgenetic_alopecia": 0.02, "tinea": 0.017, "cutaneous_tumor": 0.0001, "systemic_lupus": 0.0002,
        "chronic_itch": 0.15,
    },
    incidence={
        "psoriasis": 0.0008, "atopic_dermatitis": 0.006, "hand_eczema": 0.010, "acne": 0.10, "rosacea": 0.006,
        "chronic_urticaria": 0.008, "vitiligo": 0.0005, "alopecia_areata": 0.001,
        "androgenetic_alopecia": 0.008, "tinea": 0.010, "cutaneous_tumor": 0.00005, "systemic_lupus": 0.00005,
        "chronic_itch": 0.04,
    },
    acne_grades=(0.77, 0.21, 0.02),
    height_shift=2.5,
)  # fmt: skip

COHORTS = (CENTRAL, COLLEGE, HUNAN)
