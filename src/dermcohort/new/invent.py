"""A raw file of people who do not exist, written as such files are: codes, other units, blanks, a person twice."""

from __future__ import annotations

import numpy as np
import pandas as pd

PEOPLE, VILLAGES, SEED = 200, 20, 1


def invented_people() -> pd.DataFrame:
    """The same 200 people in every call, and one of them a second time; all columns are text.

    Examples
    --------
    >>> invented_people().shape
    (201, 11)
    """
    rng = np.random.default_rng(SEED)
    male = rng.random(PEOPLE) < 0.45
    age = rng.uniform(18, 78, PEOPLE)
    examined = pd.Timestamp("2025-03-03") + pd.to_timedelta(rng.integers(0, 90, PEOPLE), "D")
    born = examined - pd.to_timedelta((age * 365.25).astype(int), "D")
    of_men = rng.choice([1, 2, 3], PEOPLE, p=[0.4, 0.2, 0.4])  # current, former, never
    of_women = rng.choice([1, 2, 3], PEOPLE, p=[0.12, 0.12, 0.76])
    smoking = np.where(male, of_men, of_women)
    wet_work = rng.random(PEOPLE) < np.where(male, 0.2, 0.4)
    village = rng.integers(0, VILLAGES, PEOPLE)
    of_village = rng.normal(0, 0.3, VILLAGES)[village]
    log_odds = -1.3 + 1.1 * wet_work + 0.3 * (smoking == 1) + of_village
    eczema = rng.random(PEOPLE) < 1 / (1 + np.exp(-log_odds))
    height = rng.normal(np.where(male, 1.68, 1.57), 0.06)
    weight = 2 * rng.normal(23.5, 3.2, PEOPLE) * height**2  # in jin, of 500 g
    people = pd.DataFrame(
        {
            "id": [f"P{number:04d}" for number in range(1, PEOPLE + 1)],
            "sex": np.where(male, "2", "1"),
            "birth": born.strftime("%Y-%m-%d"),
            "examined": examined.strftime("%Y/%m/%d"),
            "village": [f"V{number + 1:02d}" for number in village],
            "q1": smoking.astype(str),
            "q2": np.where(smoking == 1, rng.integers(2, 31, PEOPLE).astype(str), ""),
            "q3": wet_work.astype(int).astype(str),
            "height_m": [f"{value:.2f}" for value in height],
            "weight_jin": [f"{value:.0f}" for value in weight],
            "hand_eczema": eczema.astype(int).astype(str),
        }
    )
    people.loc[rng.choice(PEOPLE, 6, replace=False), "q1"] = "9"  # refused
    people.loc[rng.choice(PEOPLE, 5, replace=False), "q3"] = "8"  # does not know
    people.loc[rng.choice(PEOPLE, 8, replace=False), "weight_jin"] = ""
    people.loc[people["q1"] == "9", "q2"] = ""
    return pd.concat([people, people.iloc[[41]]], ignore_index=True)
