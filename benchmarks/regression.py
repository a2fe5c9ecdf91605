"""Regression and imputation: dermcohort beside R and the fastest Python peer, in one run.

150,000 rows, 20 covariates, 200 clusters of 750. Every task of every program runs in a process of its own: seconds are
the best of a few runs, reading not counted, and memory is the peak above what the process held with the data read.
Linear algebra has one thread everywhere; our imputation makes as many data sets at once as there are processors.

A task that takes longer than `--limit` ends there. R's models of dependent rows and its imputation take minutes at this
size: `--r-rows 15000` gives those that many rows, said in the table, and `--r-rows 0` leaves them out. Needs Linux;
without Rscript (packages sandwich, clubSandwich, geepack, lme4, mice) only the times of Python are shown.

    python benchmarks/regression.py [--rows 150000] [--limit 120] [--repeat 3] [--r-rows N] [--only TASK ...]
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

CLUSTERS = 200
COVARIATES = [f"x{i}" for i in range(1, 21)]
INCOMPLETE = ["x1", "x2", "x3", "x4", "x5"]
FORMULA = "y ~ " + " + ".join(COVARIATES)
TASKS = {
    "logistic": "logistic",
    "poisson_cr1": "modified Poisson, CR1",
    "poisson_cr2": "modified Poisson, CR2",
    "gee": "GEE, exchangeable",
    "mixed": "mixed logistic, Laplace",
    "impute": "imputation, m = 20, 5 iterations",
    "profile": "logistic, profile intervals",
    "firth": "Firth, profile intervals",
}
SLOW_IN_R = ("poisson_cr2", "gee", "mixed", "impute", "profile")
PEERS = ("logistic", "poisson_cr1", "gee")
# as R's own library has one; with more, small products wait for threads wherever other work runs
ONE_THREAD = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
R_SCRIPT = """
a <- commandArgs(TRUE); task <- a[1]
d <- read.csv(a[2], nrows = as.integer(a[3])); x <- paste0('x', 1:20); f <- reformulate(x, 'y')
if (task == 'impute') d <- read.csv(sub('data', 'incomplete', a[2]), nrows = as.integer(a[3]))
packages <- c(poisson_cr1 = 'sandwich', poisson_cr2 = 'clubSandwich', gee = 'geepack', mixed = 'lme4', impute = 'mice',
              profile = 'MASS')
if (task %in% names(packages)) suppressMessages(library(packages[[task]], character.only = TRUE))
poisson_fit <- function() glm(f, poisson, d)
run <- switch(task,
  logistic = function() summary(glm(f, binomial, d)),
  poisson_cr1 = function() vcovCL(poisson_fit(), d$cluster, type = 'HC0'),
  poisson_cr2 = function() coef_test(poisson_fit(), vcov = 'CR2', cluster = d$cluster, test = 'Satterthwaite'),
  gee = function() summary(geeglm(f, binomial, d, id = cluster, corstr = 'exchangeable')),
  mixed = function() summary(glmer(update(f, . ~ . + (1 | cluster)), d, binomial)),
  impute = function() mice(d, m = 20, maxit = 5, printFlag = FALSE, seed = 1),
  profile = function() confint(glm(f, binomial, d)))
held <- function(what) as.numeric(gsub('[^0-9]', '', grep(what, readLines('/proc/self/status'), value = TRUE))) / 1024
invisible(gc()); cat('5', file = '/proc/self/clear_refs'); before <- held('VmRSS')
best <- Inf; spent <- 0; n <- 0
while (n == 0 || (n < as.integer(a[4]) && spent < 10)) {
  t <- system.time(run())[['elapsed']]; best <- min(best, t); spent <- spent + t; n <- n + 1 }
cat(sprintf('{"seconds": %f, "megabytes": %f}', best, held('VmHWM') - before))
"""


def make_data(n: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Complete rows in order of their cluster; and the same with 15% missing at random in five of 21 columns."""
    rng = np.random.default_rng(1)
    cluster = np.arange(n) * CLUSTERS // n
    X = rng.normal(size=(n, 20)) + 0.3 * rng.normal(size=(n, 1))
    X[:, 14:] = X[:, 14:] > 0.5
    eta = -1.6 + X @ np.linspace(-0.2, 0.2, 20) + rng.normal(0, 0.4, CLUSTERS)[cluster]
    y = (rng.uniform(size=n) < 1 / (1 + np.exp(-eta))).astype(int)
    complete = pd.DataFrame(X.round(5), columns=COVARIATES).assign(y=y, cluster=cluster)
    incomplete = complete.drop(columns="cluster")
    chance = 0.3 / (1 + np.exp(-X[:, 10]))
    for name in INCOMPLETE:
        incomplete.loc[rng.uniform(size=n) < chance, name] = np.nan
    return complete, incomplete


def ours(task: str, data: pd.DataFrame) -> Callable[[], object]:
    from dermcohort.missing import impute
    from dermcohort.regression import firth, gee, logistic, mixed_logistic, modified_poisson

    return {
        "logistic": lambda: logistic(FORMULA, data),
        "poisson_cr1": lambda: modified_poisson(FORMULA, data, cluster="cluster"),
        "poisson_cr2": lambda: modified_poisson(FORMULA, data, cluster="cluster", robust="CR2"),
        "gee": lambda: gee(FORMULA, data, groups="cluster"),
        "mixed": lambda: mixed_logistic(FORMULA, data, groups="cluster"),
        "impute": lambda: impute(data, m=20, iterations=5, seed=1),
        "profile": lambda: logistic(FORMULA, data, interval="profile"),
        "firth": lambda: firth(FORMULA, data),
    }[task]


def statsmodels(task: str, data: pd.DataFrame) -> Callable[[], object]:
    import statsmodels.api as sm
    import statsmodels.formula.api as smf

    by_cluster = {"cov_type": "cluster", "cov_kwds": {"groups": data["cluster"]}}
    poisson, binomial = sm.families.Poisson(), sm.families.Binomial()
    return {
        "logistic": lambda: smf.logit(FORMULA, data).fit(disp=False).summary(),
        "poisson_cr1": lambda: smf.glm(FORMULA, data, family=poisson).fit(**by_cluster).summary(),
        "gee": lambda: (
            smf.gee(FORMULA, "cluster", data, family=binomial, cov_struct=sm.cov_struct.Exchangeable())
            .fit()
            .summary()
        ),
    }[task]


def measure(work: Callable[[], object], repeat: int) -> dict[str, float]:
    """Seconds of the best run, and the peak of memory above what is held now."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = held("VmRSS")
    times: list[float] = []
    while not times or (len(times) < repeat and sum(times) < 10):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return {"seconds": min(times), "megabytes": held("VmHWM") - before}


def held(what: str) -> float:
    found = re.search(rf"{what}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def run(command: list[str], limit: float) -> dict[str, float] | None:
    """What the process printed last; None if it took longer than the limit."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=limit + 20, check=False, env=ONE_THREAD
        )
    except subprocess.TimeoutExpired:
        return None
    if done.returncode:
        raise RuntimeError(f"{' '.join(command[:4])}: {done.stderr[-2000:]}")
    found = json.loads(done.stdout.strip().splitlines()[-1])
    return found if found["seconds"] <= limit else None


def compare(tasks: list[str], options: argparse.Namespace) -> None:
    has_r, limit = shutil.which("Rscript") is not None, options.limit
    r_rows = options.rows if options.r_rows is None else options.r_rows
    print(
        f"| {options.rows:,} rows | dermcohort, s | MB | R, s | MB | R / dermcohort | statsmodels, s | MB |"
    )
    print("|--|--:|--:|--:|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for data, file in zip(make_data(options.rows), ("data", "incomplete"), strict=True):
            data.to_parquet(folder / f"{file}.parquet")
            data.to_csv(folder / f"{file}.csv", index=False)
        (folder / "b.R").write_text(R_SCRIPT)
        for task in tasks:
            this = [sys.executable, __file__, "--repeat", str(options.repeat), "--child", name, task]
            mine = run([*this, "ours"], 10 * limit)
            assert mine is not None
            cells = [f"{mine['seconds']:.2f}", f"{mine['megabytes']:.0f}"]
            rows = r_rows if task in SLOW_IN_R else options.rows
            if not has_r or rows == 0 or task == "firth":
                cells += ["", "", ""]
            else:
                numbers = [str(rows), str(options.repeat)]
                found = run(["Rscript", str(folder / "b.R"), task, str(folder / "data.csv"), *numbers], limit)
                cells += shown(found, limit, rows, options.rows, mine["seconds"])
            peer = run([*this, "statsmodels"], limit) if task in PEERS else None
            late = f"> {limit:.0f}" if task in PEERS else ""
            cells += [f"{peer['seconds']:.2f}", f"{peer['megabytes']:.0f}"] if peer else [late, ""]
            print(f"| {TASKS[task]} | " + " | ".join(cells) + " |", flush=True)


def shown(
    found: dict[str, float] | None, limit: float, rows: int, all_rows: int, seconds: float
) -> list[str]:
    """R's seconds, memory and ratio; with fewer rows, or none within the limit, the ratio is a lower bound."""
    of_rows = "" if rows == all_rows else f" ({rows:,} rows)"
    if found is None:
        return [f"> {limit:.0f}{of_rows}", "", f"> {limit / seconds:.1f}"]
    ratio = f"{'> ' if of_rows else ''}{found['seconds'] / seconds:.1f}"
    return [f"{found['seconds']:.2f}{of_rows}", f"{found['megabytes']:.0f}", ratio]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=150_000)
    parser.add_argument("--limit", type=float, default=120, help="seconds for one run of R or statsmodels")
    parser.add_argument("--repeat", type=int, default=3, help="runs of which the best counts, of short tasks")
    parser.add_argument("--r-rows", type=int, help="rows for R's slow tasks; 0 leaves them out")
    parser.add_argument("--only", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child is None:
        compare(options.only, options)
        return
    folder, task, program = options.child
    data = pd.read_parquet(Path(folder) / f"{'incomplete' if task == 'impute' else 'data'}.parquet")
    work = {"ours": ours, "statsmodels": statsmodels}[program](task, data)
    print(json.dumps(measure(work, options.repeat)))


if __name__ == "__main__":
    main()
