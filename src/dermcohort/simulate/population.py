"""People with known truth: exposures, skin conditions, onsets between visits, deaths and drop-out.

Everything is calibrated to published figures (docs/simulation.md) and declared in `specification.py`; this
module only draws from what is declared there. Values are level names for coded variables and numbers in the
schema's units; what a raw file makes of them is the business of `layouts.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .specification import (
    BACKGROUND,
    CONDITIONS,
    DROPOUT,
    EFFECTS,
    GOMPERTZ,
    ITEM_EFFECT_OF_ITCH,
    METALS,
    REMISSION,
    CohortSpec,
)

DAYS_PER_YEAR = 365.25
ITEM_SCALES = {"phq2": 2, "gad2": 2, "dlqi": 10}
PSQI_FREQUENCIES = ("q5a", "q5b", "q5c", "q5d", "q5e", "q5f", "q5g", "q5h", "q5i", "q5j",
                    "quality", "medication", "sleepiness", "enthusiasm")  # fmt: skip


@dataclass(frozen=True)
class Population:
    """`people`: one row a person; `waves`: for each visit wave the rows of those examined."""

    people: pd.DataFrame
    waves: list[pd.DataFrame]


def simulate_population(spec: CohortSpec, n: int, rng: np.random.Generator) -> Population:
    """Draw `n` people of one cohort and what is seen of them at each wave."""
    people = _draw_people(spec, n, rng)
    state = _draw_exposures(spec, people, rng)
    conditions = _prevalent_conditions(spec, people, state, rng)
    start = _visit_dates(spec, 0, n, rng)
    death = _death_dates(people, state, start, rng)
    waves = []
    onset = _onset_days(spec, people, state, conditions, rng)
    seen_before = start
    for wave in range(len(spec.wave_starts)):
        dates = start if wave == 0 else _visit_dates(spec, wave, n, rng)
        if wave > 0:
            state = _age_exposures(spec, state, rng)
            years = (dates - seen_before).astype(float) / DAYS_PER_YEAR
            _update_conditions(conditions, onset, (dates - start).astype(float), years, rng)
            seen_before = dates
        alive = np.isnat(death) | (death > dates)
        present = alive & (wave == 0 or ~_misses_visit(spec, people, state, conditions, rng))
        frame = _observe(spec, people, state, conditions, dates, present, rng)
        waves.append(frame)
    end = spec.end_of_follow_up
    died = ~np.isnat(death) & (death <= end)
    people = people.assign(
        vital_status=np.where(died, "dead", "alive"),
        death_date=np.where(died, death, np.datetime64("NaT")).astype("datetime64[D]"),
        last_contact_date=np.where(died, death, end).astype("datetime64[D]"),
    )
    return Population(people, waves)


# ---------------------------------------------------------------- people and exposures


def _draw_people(spec: CohortSpec, n: int, rng: np.random.Generator) -> pd.DataFrame:
    clusters = spec.clusters
    stratum_of = np.arange(clusters) % len(spec.strata)
    share = np.array(spec.stratum_shares)[stratum_of]
    share = share / share.sum()
    cluster = np.sort(rng.choice(clusters, n, p=share))
    stratum = stratum_of[cluster]
    effect = rng.normal(0, np.sqrt(spec.cluster_variance), clusters)
    male = rng.random(n) < np.array(spec.male_share)[stratum]
    low, mode, high = spec.age
    age = rng.triangular(low, mode, high, n) if high - low > 5 else rng.normal(mode, (high - low) / 6, n)
    age = np.clip(age, low, high)
    born = np.datetime64(spec.wave_starts[0], "D") - np.round(age * DAYS_PER_YEAR).astype("timedelta64[D]")
    return pd.DataFrame(
        {
            "number": np.arange(1, n + 1),
            "sex": np.where(male, "male", "female"),
            "birth_date": born,
            "age0": age,
            "ethnicity": rng.choice(list(spec.ethnicity), n, p=list(spec.ethnicity.values())),
            "subcohort": np.array(spec.strata)[stratum] if spec.name == "central_china" else None,
            "site": np.array(spec.sites)[cluster % len(spec.sites)],
            "stratum": np.array(spec.strata)[stratum],
            "cluster": [f"{spec.cluster_prefix}{c + 1:03d}" for c in cluster],
            "weight": np.round(np.array(spec.sampling_weights)[stratum], 2),
            "cluster_effect": effect[cluster],
            "exposed": np.array(spec.exposure_by_stratum)[stratum],
        }
    )


def _pick(levels: Mapping[str, float], n: int, rng: np.random.Generator) -> np.ndarray:
    shares = np.array(list(levels.values()), float)
    return rng.choice(np.array(list(levels), dtype=object), n, p=shares / shares.sum())


def _draw_exposures(
    spec: CohortSpec, people: pd.DataFrame, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    n, male, age = len(people), (people["sex"] == "male").to_numpy(), people["age0"].to_numpy()
    state: dict[str, np.ndarray] = {}
    for name, levels in spec.answers.items():
        state[name] = _pick(levels, n, rng)
    smoking_men, smoking_women = spec.smoking
    state["smoking_status"] = np.where(male, _pick(smoking_men, n, rng), _pick(smoking_women, n, rng))
    smokes = state["smoking_status"] != "never"
    state["cigarettes_per_day"] = np.where(smokes, np.clip(np.round(rng.gamma(3, 5, n)), 1, 60), np.nan)
    years = np.clip(np.round((age - 18) * rng.uniform(0.3, 0.95, n)), 1, 70)
    state["smoking_years"] = np.where(smokes, years, np.nan)
    state["height"] = np.round(
        np.where(male, rng.normal(169, 6, n), rng.normal(157.5, 5.6, n)) + spec.height_shift, 1
    )
    bmi = np.clip(rng.normal(spec.bmi[0], spec.bmi[1], n) + 0.4 * male, 14.5, 44)
    state["bmi"] = bmi
    state["waist"] = np.round(
        np.clip(40 + 1.75 * bmi + 4 * male + 0.08 * age + rng.normal(0, 5, n), 52, 140), 1
    )
    systolic = 99 + 0.42 * age + 0.65 * (bmi - 20) + 4 * male + rng.normal(0, 15, n)
    state["systolic"] = np.round(np.clip(systolic, 82, 215))
    state["diastolic"] = np.round(np.clip(0.45 * state["systolic"] + 20 + rng.normal(0, 7, n), 42, 128))
    treated = (state["systolic"] >= 140) & (rng.random(n) < 0.4)
    state["bp_treated"] = np.where(treated, "yes", "no")
    for name, (median, log_sd) in spec.laboratory.items():
        state[name] = median * np.exp(rng.normal(0, log_sd, n))
    if spec.metals:
        _draw_metals(people, state, rng)
    state["sun_exposure"] = np.round(np.clip(rng.gamma(2, spec.sun / 2, n), 0, 12), 1)
    state["years_at_residence"] = np.round(np.clip(age * rng.beta(4, 2, n), 0, 90))
    occupational = rng.random(n) < np.where(people["exposed"] > 0.5, 0.35, 0.08) * np.where(male, 1.5, 0.6)
    state["occupational_arsenic"] = np.where(occupational, "yes", "no")
    for name, (yes, in_cohorts) in BACKGROUND.items():
        if spec.name in in_cohorts:
            state[name] = np.where(rng.random(n) < yes, "yes", "no")
    return state


def _draw_metals(people: pd.DataFrame, state: dict[str, np.ndarray], rng: np.random.Generator) -> None:
    """Log-normal levels that share a personal factor, higher in polluted strata (Cd-Pb r about 0.6 in hair)."""
    n, exposed = len(people), people["exposed"].to_numpy()
    shared = rng.normal(0, 1, n)
    creatinine = np.exp(rng.normal(np.log(1.2), 0.4, n))
    state["urine_creatinine"] = np.round(creatinine, 3)
    for name, (median, log_sd, _) in METALS.items():
        z = 0.78 * shared + np.sqrt(1 - 0.78**2) * rng.normal(0, 1, n)
        level = median * np.exp(log_sd * z + 0.45 * (exposed - 0.5))
        if name.startswith("urine_"):
            level = level * (creatinine / 1.2) ** 0.7
        state[name] = level


def _age_exposures(
    spec: CohortSpec, state: dict[str, np.ndarray], rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """The next wave: numbers drift, some people change their habits."""
    new = dict(state)
    n = len(state["bmi"])
    quits = (state["smoking_status"] == "current") & (rng.random(n) < 0.06)
    new["smoking_status"] = np.where(quits, "former", state["smoking_status"])
    new["bmi"] = np.clip(state["bmi"] + rng.normal(0.15, 0.7, n), 14.5, 44)
    new["waist"] = np.round(np.clip(state["waist"] + rng.normal(0.4, 2.5, n), 52, 140), 1)
    for name, noise in (("systolic", 8.0), ("diastolic", 5.0)):
        mean = state[name].mean()
        low, high = (82, 215) if name == "systolic" else (42, 128)
        new[name] = np.round(
            np.clip(mean + 0.8 * (state[name] - mean) + rng.normal(0.8, noise, n), low, high)
        )
    for name in ("secondhand_smoke", "soft_drinks", "alcohol", "physical_activity"):
        changes = rng.random(n) < 0.1
        new[name] = np.where(changes, rng.permutation(state[name]), state[name])
    for name in [*spec.laboratory, *(METALS if spec.metals else ())]:
        new[name] = state[name] * np.exp(rng.normal(0, 0.12, n))
    return new


# ---------------------------------------------------------------- conditions


def term_values(term: str, people: pd.DataFrame, values: Mapping[str, np.ndarray]) -> np.ndarray:
    """The covariate of a declared effect: ``smoking_status=current``, ``bmi/5``, ``mixture``, ``male``."""
    if term == "male":
        return (people["sex"] == "male").to_numpy().astype(float)
    if term == "age/10":
        return (people["age0"].to_numpy() - people["age0"].mean()) / 10
    if term == "mixture":
        return mixture_index(values)
    if "=" in term:
        name, level = term.split("=")
        return (values[name] == level).astype(float)
    name, unit = term.split("/")
    return (values[name] - np.mean(values[name])) / float(unit)


def mixture_index(values: Mapping[str, np.ndarray]) -> np.ndarray:
    """Mean of the standardized log urine arsenic, cadmium and lead; 0 where metals are not measured."""
    names = ("urine_as", "urine_cd", "urine_pb")
    if "urine_as" not in values:
        return np.zeros(len(values["bmi"]))
    return np.mean([np.log(values[name] / METALS[name][0]) / METALS[name][1] for name in names], axis=0)


def linear_predictor(condition: str, people: pd.DataFrame, values: Mapping[str, np.ndarray]) -> np.ndarray:
    """Sum of the declared log odds ratios times their covariates, without intercept and cluster effect."""
    eta = np.zeros(len(people))
    for outcome, term, ratio in EFFECTS:
        available = term in ("male", "age/10", "mixture") or term.split("=")[0].split("/")[0] in values
        if outcome == condition and available:
            eta += np.log(ratio) * term_values(term, people, values)
    return eta


def _solve(target: float, probability: object) -> float:
    """Intercept at which the mean probability is `target`, by bisection."""
    low, high = -25.0, 15.0
    for _ in range(60):
        middle = (low + high) / 2
        if probability(middle) < target:  # type: ignore[operator]
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _expit(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def _prevalent_conditions(
    spec: CohortSpec, people: pd.DataFrame, state: dict[str, np.ndarray], rng: np.random.Generator
) -> dict[str, np.ndarray]:
    present: dict[str, np.ndarray] = {}
    values = dict(state)
    for condition in CONDITIONS:
        target = spec.prevalence.get(condition)
        if target is None:
            continue
        eta = linear_predictor(condition, people, values) + people["cluster_effect"].to_numpy()
        intercept = _solve(target, lambda a, eta=eta: _expit(a + eta).mean())
        present[condition] = rng.random(len(people)) < _expit(intercept + eta)
        values[condition] = np.where(present[condition], "yes", "no")
    return present


def _onset_days(
    spec: CohortSpec,
    people: pd.DataFrame,
    state: dict[str, np.ndarray],
    conditions: dict[str, np.ndarray],
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Days from the first visit to onset: exponential, hazard ratios equal to the declared ratios."""
    onset = {}
    values = {**state, **{name: np.where(yes, "yes", "no") for name, yes in conditions.items()}}
    for condition in conditions:
        rate = spec.incidence.get(condition, 0.0)
        if rate == 0.0:
            onset[condition] = np.full(len(people), np.inf)
            continue
        relative = np.exp(linear_predictor(condition, people, values) + people["cluster_effect"].to_numpy())
        hazard = rate * relative / relative.mean()
        onset[condition] = rng.exponential(1 / hazard) * DAYS_PER_YEAR
    return onset


def _update_conditions(
    conditions: dict[str, np.ndarray],
    onset: dict[str, np.ndarray],
    days_since_start: np.ndarray,
    years: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """New onsets since the last wave; conditions that can clear do so at the declared yearly rate."""
    for name, present in conditions.items():
        clears = rng.random(len(present)) < 1 - (1 - REMISSION.get(name, 0.0)) ** years
        began = onset[name] <= days_since_start
        conditions[name] = (present & ~clears) | began
        # a new onset is counted once: after it, only remission changes the state
        onset[name] = np.where(began, np.inf, onset[name])


# ---------------------------------------------------------------- follow-up


def _visit_dates(spec: CohortSpec, wave: int, n: int, rng: np.random.Generator) -> np.ndarray:
    start = np.datetime64(spec.wave_starts[wave], "D")
    return start + rng.integers(0, spec.wave_days, n).astype("timedelta64[D]")


def _death_dates(
    people: pd.DataFrame, state: dict[str, np.ndarray], start: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Gompertz survival from the age at the first visit."""
    slope = GOMPERTZ["slope"]
    male = (people["sex"] == "male").to_numpy()
    current = state["smoking_status"] == "current"
    hazard = (
        GOMPERTZ["rate_at_50"]
        * np.exp(slope * (people["age0"].to_numpy() - 50))
        * np.where(male, GOMPERTZ["hr_male"], 1.0)
        * np.where(current, GOMPERTZ["hr_current_smoker"], 1.0)
    )
    years = np.log1p(-slope * np.log(rng.random(len(people))) / hazard) / slope
    return start + np.maximum(1, np.round(np.minimum(years, 120) * DAYS_PER_YEAR)).astype("timedelta64[D]")


def _misses_visit(
    spec: CohortSpec,
    people: pd.DataFrame,
    state: dict[str, np.ndarray],
    conditions: dict[str, np.ndarray],
    rng: np.random.Generator,
) -> np.ndarray:
    """Drop-out that depends on age, sex, smoking and on having a skin condition."""
    any_condition = np.any(list(conditions.values()), axis=0)
    eta = (
        DROPOUT["male"] * (people["sex"] == "male").to_numpy()
        + DROPOUT["current smoker"] * (state["smoking_status"] == "current")
        + DROPOUT["age per 10 years"] * (people["age0"].to_numpy() - people["age0"].mean()) / 10
        + DROPOUT["any skin condition"] * any_condition
    )
    intercept = _solve(spec.dropout, lambda a: _expit(a + eta).mean())
    return rng.random(len(people)) < _expit(intercept + eta)


def _observe(
    spec: CohortSpec,
    people: pd.DataFrame,
    state: dict[str, np.ndarray],
    conditions: dict[str, np.ndarray],
    dates: np.ndarray,
    present: np.ndarray,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """What is measured at a wave on those who come."""
    n = len(people)
    columns: dict[str, np.ndarray] = {"visit_date": dates, **state}
    columns["weight_kg"] = np.round(state["bmi"] * (state["height"] / 100) ** 2, 1)
    for name, yes in conditions.items():
        columns[name] = np.where(yes, "yes", "no")
    grade = rng.choice(np.array(["mild", "moderate", "severe"], dtype=object), n, p=spec.acne_grades)
    columns["acne_severity"] = np.where(conditions["acne"], grade, "none")
    itching = conditions["chronic_itch"]
    itch = np.where(itching, rng.integers(4, 10, n), np.where(rng.random(n) < 0.75, 0, rng.integers(1, 5, n)))
    columns["itch_nrs"] = itch.astype(float)
    any_condition = np.any(list(conditions.values()), axis=0)
    for scale, items in ITEM_SCALES.items():
        for item in range(1, items + 1):
            mean = ITEM_EFFECT_OF_ITCH[scale][0] + ITEM_EFFECT_OF_ITCH[scale][1] * itch
            answer = np.clip(np.round(rng.normal(mean, 0.75, n)), 0, 3)
            columns[f"{scale}_{item}"] = (
                np.where(any_condition, answer, np.nan) if scale == "dlqi" else answer
            )
    columns.update(_sleep_items(itch, rng))
    frame = pd.concat([people.drop(columns=["age0"]), pd.DataFrame(columns)], axis=1)
    return frame[present].reset_index(drop=True)


def _sleep_items(itch: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """The 18 scored answers of the Pittsburgh Sleep Quality Index, worse with itch."""
    n = len(itch)
    bed = np.round((22.8 + rng.normal(0, 0.8, n)) * 4) / 4 % 24
    asleep = np.clip(np.round((7.3 - 0.06 * itch + rng.normal(0, 0.9, n)) * 2) / 2, 2, 11)
    items: dict[str, np.ndarray] = {
        "psqi_bed_time": bed,
        "psqi_latency_minutes": np.clip(np.round(rng.gamma(2, 9 + itch, n) / 5) * 5, 0, 180),
        "psqi_get_up_time": np.round(((bed + asleep + rng.gamma(2, 0.3, n)) % 24) * 4) / 4 % 24,
        "psqi_hours_slept": asleep,
    }
    for name in PSQI_FREQUENCIES:
        mean = ITEM_EFFECT_OF_ITCH["psqi"][0] + ITEM_EFFECT_OF_ITCH["psqi"][1] * itch
        items[f"psqi_{name}"] = np.clip(np.round(rng.normal(mean, 0.8, n)), 0, 3)
    return items
