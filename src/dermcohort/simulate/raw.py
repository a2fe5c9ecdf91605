"""From true values to what a raw file holds: codes, words, units, blanks, limits of detection, dirt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .layouts import CLOCKS, DATES, DECIMALS, ID_OFFSET, ITEM_WORDS, VARIABLES, Layout
from .specification import METALS

REFUSED_SHARE, DONT_KNOW_SHARE, BLANK_SHARE = 0.004, 0.004, 0.010
NEVER_BLANK = ("sex", "birth_date", "visit_date", "site", "stratum", "cluster", "weight", "subcohort")
REFUSED_WORD, DONT_KNOW_WORD, NOT_DETECTED = "拒答", "不清楚", "未检出"
SYSTEM_ORIGIN = {"spss": ("1582-10-14", 86_400), "stata": ("1960-01-01", 1), "sas": ("1960-01-01", 1)}
EXAMINED = (
    "psoriasis", "atopic_dermatitis", "hand_eczema", "acne", "acne_severity", "rosacea", "chronic_urticaria",
    "vitiligo", "alopecia_areata", "androgenetic_alopecia", "tinea", "arsenical_keratosis",
    "arsenical_dyspigmentation", "cutaneous_tumor", "systemic_lupus", "chronic_itch",
)  # fmt: skip


@dataclass(frozen=True)
class RawFile:
    """Columns as they are written; `tagged` names the columns with Stata's .a and .b."""

    layout: Layout
    data: pd.DataFrame
    tagged: tuple[str, ...]


def encode(layout: Layout, truth: pd.DataFrame, rng: np.random.Generator) -> RawFile:
    """Write the true values of one wave as its file would hold them."""
    n = len(truth)
    columns: dict[str, np.ndarray | pd.Series] = {
        layout.id_column: format_ids(layout, truth["number"].to_numpy())
    }
    name, phone, card = layout.fake_identifiers
    number = truth["number"].to_numpy()
    columns[name] = np.array([f"测试者{i}" for i in number], dtype=object)
    columns[phone] = np.array([f"1990000{i % 10000:04d}" for i in number], dtype=object)
    columns[card] = np.array([f"99{i:016d}" for i in number], dtype=object)
    tagged = []
    for variable in layout.variables:
        column = layout.column(variable)
        columns[column] = _encode_variable(layout, variable, truth[variable].to_numpy(), rng)
        if (
            layout.style.dates == "stata"
            and columns[column].dtype == object
            and variable not in ("cluster", "site", "stratum")
        ):
            tagged.append(column)
    for position, unused in enumerate(layout.unused):
        columns[unused] = rng.integers(1, 6 + position, n).astype(float)
    return RawFile(layout, pd.DataFrame(columns), tuple(tagged))


def format_ids(layout: Layout, number: np.ndarray) -> np.ndarray:
    offset = ID_OFFSET.get(layout.cohort, 0)
    if layout.id_format == "{:d}" and layout.style.answers == "codes":
        return (number + offset).astype(float)
    return np.array([layout.id_format.format(i + offset) for i in number], dtype=object)


def _encode_variable(
    layout: Layout, variable: str, values: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    if variable in DATES:
        return _dates(values.astype("datetime64[D]"), layout.style.dates)
    words = VARIABLES[variable][2]
    asked = variable not in NEVER_BLANK and variable not in EXAMINED
    holes = _holes(variable, len(values), rng) if asked else np.zeros(len(values), np.int8)
    if words is not None:
        return _coded(layout, variable, values, words, holes, rng)
    if variable in ("site", "stratum", "cluster"):
        return values.astype(object)
    if variable in CLOCKS and layout.style.clock == "text":
        return _clock_texts(values, holes)
    return _numbers(layout, variable, values.astype(float), holes, rng)


def _holes(variable: str, n: int, rng: np.random.Generator) -> np.ndarray:
    """0 answered, 1 refused, 2 does not know, 3 blank. Measurements are only ever blank."""
    u = rng.random(n)
    factor = 6.0 if variable == "income" else 1.0
    measured = VARIABLES[variable][2] is None and variable not in ("cigarettes_per_day", "smoking_years")
    refused, dont_know = (0.0, 0.0) if measured else (REFUSED_SHARE * factor, DONT_KNOW_SHARE * factor)
    u[0] = 1.0  # the first row is answered: writers take the kind of a column from it
    return np.select(
        [u < refused, u < refused + dont_know, u < refused + dont_know + BLANK_SHARE], [1, 2, 3], 0
    )


def _coded(
    layout: Layout,
    variable: str,
    values: np.ndarray,
    words: Mapping[str, str],
    holes: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    style = layout.style
    levels = list(words)
    position = pd.Categorical(values, levels).codes
    if variable == "occupation" and style.merge_retired:
        position = np.where(position == levels.index("retired"), levels.index("other"), position)
    if style.answers != "codes":
        texts = np.array([*(words.values() if style.answers == "chinese" else levels), ""], dtype=object)
        out = texts[position]
        refused, unsure = (
            (REFUSED_WORD, DONT_KNOW_WORD) if style.answers == "chinese" else ("refused", "don't know")
        )
        out[holes == 1], out[holes == 2], out[holes == 3] = refused, unsure, ""
        return out
    first = 0 if list(words) == ["no", "yes"] else style.first_code
    codes = np.where(position >= 0, position + first, np.nan)
    if variable == "smoking_status" and style.split_smoking:  # 1 daily, 2 occasional, 3 former, 4 never
        occasional = rng.random(len(codes)) < 0.2
        codes = np.select(
            [position == 2, position == 1, position == 0], [np.where(occasional, 2, 1), 3, 4], np.nan
        )
    return _with_holes(codes, holes, style.refused, style.dont_know)


def _with_holes(
    codes: np.ndarray, holes: np.ndarray, refused: float | None, unsure: float | None
) -> np.ndarray:
    codes = np.where(holes == 3, np.nan, codes)
    if refused is not None:
        return np.where(holes == 1, refused, np.where(holes == 2, unsure or np.nan, codes))
    if not (holes == 1).any() and not (holes == 2).any():
        return codes
    out = codes.astype(object)
    out[holes == 1], out[holes == 2] = "a", "b"
    return out


def _numbers(
    layout: Layout, variable: str, values: np.ndarray, holes: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    style = layout.style
    factor, decimals = style.factors.get(variable, (1.0, DECIMALS.get(variable, 2)))
    out = np.round(values / factor, decimals)
    item = variable[:4] in ("phq2", "gad2", "dlqi") or variable.startswith("psqi_q")
    if variable in METALS:
        return _below_limit(layout, variable, values, out, holes)
    if style.item_words and variable[:4] in ("phq2", "gad2"):
        texts = np.array([ITEM_WORDS[str(int(v))] if v == v else "" for v in out], dtype=object)
        texts[holes > 0] = ""
        return texts
    asked = variable in ("cigarettes_per_day", "smoking_years")
    if asked and style.refused_number is not None:
        out = np.where((holes == 1) & ~np.isnan(out), style.refused_number, out)
    out = np.where((holes == 3) | ((holes > 0) & (style.refused_number is None or item)), np.nan, out)
    if style.answers == "chinese":
        return _texts(out, full_width=style.full_width and variable == "height", rng=rng)
    return out


def _below_limit(
    layout: Layout, variable: str, values: np.ndarray, out: np.ndarray, holes: np.ndarray
) -> np.ndarray:
    limit = METALS[variable][2]
    below = values < limit
    blank = holes == 3
    if layout.style.below == "code":
        return np.where(blank, np.nan, np.where(below, -1.0, out))
    if layout.style.below == "text":
        texts = _texts(out)
        texts[below] = f"<{limit:g}"
    else:
        texts = out.astype(object)
        texts[below] = NOT_DETECTED
    texts[blank] = None if layout.style.below == "word" else ""
    return texts


def _texts(
    values: np.ndarray, full_width: bool = False, rng: np.random.Generator | None = None
) -> np.ndarray:
    """Numbers as a person types them; some typists use full-width digits."""
    out = np.array(["" if v != v else f"{v:g}" for v in values], dtype=object)
    if full_width and rng is not None:
        wide = str.maketrans("0123456789.", "０１２３４５６７８９．")
        for row in np.flatnonzero(rng.random(len(out)) < 0.02):
            out[row] = out[row].translate(wide)
    return out


def _clock_texts(hours: np.ndarray, holes: np.ndarray) -> np.ndarray:
    texts = np.array([f"{int(h):02d}:{round(h % 1 * 60):02d}" for h in hours], dtype=object)
    texts[holes > 0] = ""
    return texts


def _dates(days: np.ndarray, how: str) -> np.ndarray:
    if how in SYSTEM_ORIGIN:
        origin, unit = SYSTEM_ORIGIN[how]
        return (days - np.datetime64(origin)).astype(float) * unit
    if how in ("excel", "typed"):
        return days.astype("datetime64[s]")
    unique, inverse = np.unique(days, return_inverse=True)
    texts = np.array([pd.Timestamp(day).strftime(how) for day in unique], dtype=object)
    return texts[inverse]
