"""Person-time, its split by age, and rate ratios (ids irr.exact, pyears, lexis.DMlate)."""

from __future__ import annotations

import pandas as pd

from ..survival import incidence_rate, lexis, rate_ratio
from .registry import Read, Values, interval, recomputes


@recomputes("irr.exact")
def _rate_ratio(read: Read) -> Values:
    table = pd.DataFrame({"exposed": [0, 1], "cancers": [15, 41], "years": [19017, 28010]})
    row = rate_ratio(table, "years", "cancers", "exposed").table.iloc[1]
    return [*interval(row), row["p_value"]]


@recomputes("pyears")
def _person_years(read: Read) -> Values:
    lung = read("lung").assign(dead=lambda data: data["status"] - 1)
    table = incidence_rate(lung, "time", "dead", by="sex").table
    return [*table["person_years"], *table["events"]]


@recomputes("lexis.DMlate")
def _episodes(read: Read) -> Values:
    data = read("dmlate")
    data = data[data["exit"] > data["diagnosis"]]  # as Epi::Lexis, which leaves out who is not followed
    times = ["birth", "diagnosis", "exit"]
    data[times] = 1970 + data[times] / 365.25
    episodes = lexis(
        data, entry="diagnosis", exit="exit", event="dead", birth="birth", breaks={"age": range(0, 101, 5)}
    )
    return [len(episodes), episodes["person_years"].sum(), episodes["dead"].sum()]
