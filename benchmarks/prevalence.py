"""Survey-weighted prevalence: dermcohort against R's survey, in one run.

150,000 rows, 60 strata, 200 primary sampling units, overall and by 60 groups (domains). Every row of the table is timed
in both on the same data, the best of three (R: one where it takes longer than ten seconds), reading not counted. Needs
Rscript with the package survey; without it only our times are shown.

    python benchmarks/prevalence.py [--rows 150000]
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from dermcohort import SurveyDesign, prevalence, survey

DESIGN = SurveyDesign("w", strata="stratum", cluster="psu")

R_SCRIPT = """
suppressMessages(library(survey))
a <- commandArgs(TRUE); d <- read.csv(a[1]); best <- function(expr) { e <- substitute(expr); n <- 0; b <- Inf
  while (n < 3) { t <- system.time(eval(e, parent.frame()))[['elapsed']]; b <- min(b, t); n <- if (t > 10) 3 else n + 1 }; b }
out <- list()
out[['design']] <- best(s <- svydesign(id = ~psu, strata = ~stratum, weights = ~w, data = d))
out[['logit, overall']] <- best(svyciprop(~y, s, method = 'logit'))
out[['beta, overall']] <- best(svyciprop(~y, s, method = 'beta'))
out[['likelihood, overall']] <- best(svyciprop(~y, s, method = 'likelihood'))
out[['beta, 60 groups']] <- best(svyby(~y, ~g, s, svyciprop, vartype = 'ci', method = 'beta'))
out[['mean, 60 groups']] <- best(svyby(~x, ~g, s, svymean))
out[['total, overall']] <- best(svytotal(~y, s))
out[['quantiles, overall']] <- best(svyquantile(~x, s, c(.25, .5, .75)))
out[['median, 60 groups']] <- best(svyby(~x, ~g, s, svyquantile, quantiles = .5, ci = TRUE))
out[['Rao-Scott, 2 x 6']] <- best(svychisq(~y + k, s))
write.csv(data.frame(row = names(out), seconds = unlist(out)), a[2], row.names = FALSE)
"""


def make_data(n: int) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    psu = rng.integers(0, 200, n)
    effect = rng.normal(0, 0.4, 200)
    return pd.DataFrame(
        {
            "psu": psu,
            "stratum": psu % 60,
            "w": rng.uniform(0.5, 4, n),
            "g": rng.integers(0, 60, n),
            "k": rng.integers(0, 6, n),
            "x": rng.gamma(2, 3, n).round(3),
            "y": (rng.uniform(size=n) < 1 / (1 + np.exp(2.5 - effect[psu]))).astype(int),
        }
    )


def best(work: Callable[[], object]) -> float:
    times = []
    for _ in range(3):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def ours(data: pd.DataFrame) -> dict[str, float]:
    return {
        "design": best(lambda: DESIGN.sample(data)),
        "logit, overall": best(lambda: prevalence.survey(data, "y", DESIGN)),
        "beta, overall": best(lambda: prevalence.survey(data, "y", DESIGN, ci="beta")),
        "likelihood, overall": best(lambda: prevalence.survey(data, "y", DESIGN, ci="likelihood")),
        "beta, 60 groups": best(lambda: prevalence.survey(data, "y", DESIGN, "g", ci="beta")),
        "mean, 60 groups": best(lambda: survey.mean(data, "x", DESIGN, "g")),
        "total, overall": best(lambda: survey.total(data, "y", DESIGN)),
        "quantiles, overall": best(lambda: survey.quantile(data, "x", DESIGN)),
        "median, 60 groups": best(lambda: survey.quantile(data, "x", DESIGN, 0.5, "g")),
        "Rao-Scott, 2 x 6": best(lambda: survey.independence(data, "y", "k", DESIGN)),
    }


def of_r(data: pd.DataFrame) -> dict[str, float]:
    if shutil.which("Rscript") is None:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        raw, script, result = (Path(folder) / name for name in ("d.csv", "b.R", "t.csv"))
        data.to_csv(raw, index=False)
        script.write_text(R_SCRIPT)
        subprocess.run(["Rscript", script, raw, result], check=True)
        table = pd.read_csv(result)
        return dict(zip(table["row"], table["seconds"], strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=150_000)
    data = make_data(parser.parse_args().rows)
    mine, theirs = ours(data), of_r(data)
    print(f"| {len(data):,} rows | dermcohort, s | R survey, s | R / dermcohort |")
    print("|--|--:|--:|--:|")
    for name, seconds in mine.items():
        other = theirs.get(name)
        compared = "| |" if other is None else f"| {other:.3f} | {other / seconds:.1f} |"
        print(f"| {name} | {seconds:.3f} {compared}")


if __name__ == "__main__":
    main()
