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

The tolerance is 1e-12 for closed forms and 1e-8 for what is found by iteration, R told to fit to convergence. Values of
which R's function stops earlier are counted apart and listed below; the largest difference is that of the others.
"""
STRICT = 1e-8
# why R's value is not exact: for every id with a wider tolerance, else there is no page
REASONS = {
    "or.exact": "`fisher.test` stops at 1e-4",
    "svy.ciprop.likelihood": "`svyciprop` searches for its limits numerically",
    "svy.glmpois": "`svyglm` stops at its default",
    "meta.prev": "`rma` and `rma.glmm` stop at their defaults",
    "gee.ohio.ar1": "`geeglm` stops at its default",
    "glmm.cbpp": "`glmer` minimizes without a gradient; standard errors by finite differences",
    "glmm.cbpp.agq": "as `glmm.cbpp`",
    "lmm.sleep": "`lmer` minimizes without a gradient",
    "rcs.fit": "`lrm` stops at its default",
    "cph.rcs": "`cph` stops at its default, 1e-4",
    "nb.quine": "`glm.nb` stops when the likelihood changes by 1e-8",
    "polr.housing": "`polr` stops early and differentiates by finite differences",
    "multinom.housing": "`multinom` stops early",
    "iptw.ate": "`svyglm` stops at its default",
    "crr": "`crr` stops at a gradient of 1e-6",
    "cloglog": "`glm` stops at its default",
    "turnbull": "`survfit` stops before the maximum: the likelihood found here is the higher one",
    "frailty.gamma": "`coxph` stops when the likelihood changes by a share of 1e-10",
    "frailty.kidney": "as `frailty.gamma`",
}
EARLY = """
## Where R stops earlier

Most of these are also solved to the end in R, by the scripts named in the next section, and then agree within 1e-8.
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
        n = f"{int(values['ok'].sum()):,} of {len(values):,}"
        strict = values["tolerance"] <= STRICT
        largest = values.loc[strict, "relative_difference"].max()
        early = int((~strict).sum()) or ""
        rows.append(f"| {words(topic)} | {n} | {shown(largest)} | {early} | {packages(values['versions'])} |")
    text = INTRODUCTION.format(
        r=re.search(r"R ([\d.]+)", golden["versions"].iloc[0])[1],
        date=dt.date.today().isoformat(),
        command=COMMAND,
        n=len(found),
        agree=int(found["ok"].sum()),
    )
    head = [
        "| topic | values that agree | largest relative difference | values of which R stops earlier | R packages |",
        "|--|--:|--:|--:|--|",
    ]
    own = ["| script | values | R packages |", "|--|--:|--|", *own_rows()]
    write_text(
        ROOT / "docs" / "validation.md",
        "\n".join([text, *head, *rows, EARLY, *early_rows(found), MORE, *own, END]),
    )


def early_rows(found: pd.DataFrame) -> list[str]:
    """A line for each id whose tolerance is wider, with the reason."""
    rows = ["| id | values | largest relative difference | reason |", "|--|--:|--:|--|"]
    for name, values in found[found["tolerance"] > STRICT].groupby("id", sort=False):
        largest = values["relative_difference"].max()
        rows.append(f"| `{name}` | {len(values)} | {largest:.1g} | {REASONS[str(name)]} |")
    return rows


def own_rows() -> list[str]:
    """A line for each file of validation/own."""
    rows = []
    for path in sorted((ROOT / "validation" / "own").glob("*.csv")):
        values = pd.read_csv(path, keep_default_na=False)
        rows.append(f"| `{path.stem}.R` | {len(values):,} | {packages(values['versions'])} |")
    return rows


def shown(difference: float) -> str:
    """One digit; nothing where no value is held to the strict tolerance."""
    return "" if pd.isna(difference) else f"{difference:.1g}"


def words(topic: str) -> str:
    return topic.replace("_", " ")


def packages(versions: pd.Series) -> str:
    """``survey 4.1-1, survival 3.5-3``, without R itself; R alone is base R."""
    names = {name.strip() for text in versions.unique() for name in text.split(";")}
    return ", ".join(sorted(name for name in names if not name.startswith("R "))) or "base R"


if __name__ == "__main__":
    write_table()
