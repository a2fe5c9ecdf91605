"""Write docs/validation.md: how closely the values agree with R's. `python docs/validation_table.py`."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pandas as pd

from dermcohort.storage import write_text
from dermcohort.validate import validate

ROOT = Path(__file__).resolve().parent.parent
COMMAND = "python docs/validation_table.py"
INTRODUCTION = """# Validation against R

Numbers of this package beside those of R {r}, computed on {date} by `{command}`; on your machine
`dermcohort validate` does the same in some seconds, and `dermcohort validate --csv values.csv` writes every value with its
relative difference and tolerance. Of the {n:,} values {agree:,} agree within their tolerance.

The tolerance is 1e-12 for closed forms and 1e-8 for what is found by iteration. Where it is wider R stops early or rounds;
the reason stands beside the computation in `src/dermcohort/validate/`. R was told to fit to convergence.
"""
MORE = """
## Further values

Compared by the tests, from the scripts of `validation/own/`, each of which recomputes its file in R:
"""
END = """
How often intervals hold the truth, by simulation: `validation/coverage.md`. Values that rest on R's random numbers are
compared within Monte Carlo error.
"""


def write_table() -> None:
    """Recompute all and write the page."""
    golden = pd.read_csv(ROOT / "validation" / "golden.csv", keep_default_na=False)
    found = validate(ROOT / "validation")
    found["versions"] = found["id"].map(golden.drop_duplicates("id").set_index("id")["versions"])
    rows = []
    for topic, values in found.groupby("topic", sort=False):
        largest = values["relative_difference"].max()
        n = f"{int(values['ok'].sum()):,} of {len(values):,}"
        rows.append(f"| {words(topic)} | {n} | {largest:.1g} | {packages(values['versions'])} |")
    text = INTRODUCTION.format(
        r=re.search(r"R ([\d.]+)", golden["versions"].iloc[0])[1],
        date=dt.date.today().isoformat(),
        command=COMMAND,
        n=len(found),
        agree=int(found["ok"].sum()),
    )
    head = ["| topic | values that agree | largest relative difference | R packages |", "|--|--:|--:|--|"]
    own = ["| topic | values | R packages |", "|--|--:|--|", *own_rows()]
    write_text(ROOT / "docs" / "validation.md", "\n".join([text, *head, *rows, MORE, *own, END]))


def own_rows() -> list[str]:
    """A line for each file of validation/own."""
    rows = []
    for path in sorted((ROOT / "validation" / "own").glob("*.csv")):
        values = pd.read_csv(path, keep_default_na=False)
        rows.append(f"| {words(path.stem)} | {len(values):,} | {packages(values['versions'])} |")
    return rows


def words(topic: str) -> str:
    return topic.replace("_", " ")


def packages(versions: pd.Series) -> str:
    """``survey 4.1-1, survival 3.5-3``, without R itself; R alone is base R."""
    names = {name.strip() for text in versions.unique() for name in text.split(";")}
    return ", ".join(sorted(name for name in names if not name.startswith("R "))) or "base R"


if __name__ == "__main__":
    write_table()
