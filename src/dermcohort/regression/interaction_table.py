"""The effects of two exposures as a table, and as Knol & VanderWeele (2012) Int J Epidemiol 41:514 print it."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd

from ..language import Labels
from ..tables import REFERENCE, format_interval, format_number, format_p, level_label
from .joint_effects import JointEffects


def joint_table(effects: JointEffects, conf_level: float) -> pd.DataFrame:
    """Each combination against the reference, then a within levels of b, and b within levels of a."""
    a, b = effects.names
    size_a, size_b = effects.counts.shape[:2]
    places = list(itertools.product(range(size_a), range(size_b)))
    compared = [("joint", place, (0, 0)) for place in places]
    compared += [(f"{a} within {b}", (i, j), (0, j)) for j in range(size_b) for i in range(size_a)]
    compared += [(f"{b} within {a}", (i, j), (i, 0)) for i, j in places]
    rows = []
    for comparison, place, against in compared:
        n, events = effects.counts[place]
        if place == against:
            values = [np.nan if effects.empty[place] else 1.0, np.nan, np.nan, np.nan]
        else:
            values = effects.between(place, against, conf_level)
        rows.append(
            {
                "comparison": comparison,
                **dict(zip((a, b), effects.level_at(place), strict=True)),
                "measure": effects.measure,
                **dict(zip(("estimate", "conf_low", "conf_high", "p_value"), values, strict=True)),
                "n": int(n),
                "events": int(events),
                "non_events": int(n - events),
            }
        )
    return pd.DataFrame(rows)


def crossed(joint: pd.DataFrame, names: tuple[str, str], conf_level: float, labels: Labels) -> pd.DataFrame:
    """One row a level of a, columns for each level of b, the effects within levels at the right and below."""
    a, b = names
    first, second = (labels.word(name) for name in names)
    measure, ci = joint["measure"].iloc[0], f"({100 * conf_level:.4g}% CI)"
    counted = "n" if measure == "IRR" else "with / without"
    in_a = list(dict.fromkeys(joint[a]))
    in_b = list(dict.fromkeys(joint[b]))
    at = joint.set_index(["comparison", a, b])
    label_a = {x: f"{first} = {level_label(a, x, labels)}" for x in in_a}
    label_b = {y: f"{second} = {level_label(b, y, labels)}" for y in in_b}

    def cell(comparison: str, x: str, y: str) -> str:
        row = at.loc[(comparison, x, y)]
        shown = format_interval(measure, row["estimate"], row["conf_low"], row["conf_high"])
        if pd.isna(row["conf_low"]) and row["estimate"] == 1:
            return f"{shown}{labels.word(REFERENCE)}"
        p = format_p(row["p_value"])
        return f"{shown}; p {'' if p.startswith('<') else '= '}{p}" if p else shown

    lines = []
    for x in in_a:
        line = {"": label_a[x]}
        for y in in_b:
            row = at.loc[("joint", x, y)]
            counts = [row["n"]] if measure == "IRR" else [row["events"], row["non_events"]]
            line[f"{label_b[y]}: {counted}"] = " / ".join(format_number(v, 0) for v in counts)
            line[f"{label_b[y]}: {measure} {ci}"] = cell("joint", x, y)
        for y in in_b[1:]:
            line[
                f"{label_b[y]} against {level_label(b, in_b[0], labels)}, within {first}: {measure} {ci}"
            ] = cell(f"{b} within {a}", x, y)
        lines.append(line)
    for x in in_a[1:]:
        line = {"": f"{label_a[x]} against {level_label(a, in_a[0], labels)}, within {second}"}
        for y in in_b:
            line[f"{label_b[y]}: {measure} {ci}"] = cell(f"{a} within {b}", x, y)
        lines.append(line)
    shown = pd.DataFrame(lines).fillna("").astype(str)
    shown[""] = shown[""].map(labels.sentence)
    return shown.rename(columns=labels.sentence)


def sentences(table: pd.DataFrame) -> list[str]:
    """The measures of each pair of levels, as they stand below the table."""
    found = []
    for level, rows in table.groupby("level", sort=False):
        shown = [
            f"{row['measure']} {format_interval(row['measure'], row['estimate'], row['conf_low'], row['conf_high'])}"
            for _, row in rows.iterrows()
        ]
        where = f" ({level} against {rows['reference'].iloc[0]})" if table["level"].nunique() > 1 else ""
        found.append(f"Interaction{where}: {'; '.join(shown)}.")
    return found
