"""Survival analysis: dermcohort beside R and lifelines, in one run.

150,000 people, 20 covariates, 200 clusters of 750, followed for up to ten years in days, half of them from a later
entry on; 29% have the event and 9% die before. Tasks, seconds, memory, `--limit` and `--r-rows` are as in
`regression.py`; R has no peer of the interval-censored task. `--growth` is the larger number of rows that four of our
own estimators get too (0 leaves that out). Needs Linux; without Rscript (packages survival, cmprsk) only the times of
Python are shown.

    python benchmarks/survival.py [--rows 150000] [--growth 1500000] [--limit 120] [--r-rows N] [--only TASK ...]
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from regression import CLUSTERS, COVARIATES, measure, run, shown

FORMULA = " + ".join(COVARIATES)
TASKS = {
    "cox": "Cox, Efron",
    "cox_entry": "Cox, late entry",
    "cox_cluster": "Cox, late entry, 200 clusters",
    "zph": "test of proportional hazards",
    "fine_gray": "Fine-Gray",
    "aalen_johansen": "Aalen-Johansen, standard errors",
    "interval_ph": "interval-censored, spline hazard",
    "kaplan_meier": "Kaplan-Meier, 2 groups, intervals",
    "logrank": "log-rank, 2 groups",
}
SLOW_IN_R = ("cox_cluster", "fine_gray")
NOT_IN_R = ("interval_ph",)
PEERS = ("cox", "cox_entry", "zph", "kaplan_meier", "logrank")
GROWING = ("cox", "fine_gray", "aalen_johansen", "kaplan_meier")
R_SCRIPT = """
a <- commandArgs(TRUE); task <- a[1]; suppressMessages({library(survival); library(cmprsk)})
d <- read.csv(a[2], nrows = as.integer(a[3])); names <- paste0('x', 1:20)
right <- reformulate(names, quote(Surv(time, event))); late <- reformulate(names, quote(Surv(entry, time, event)))
if (task == 'zph') fit <- coxph(right, d)
if (task == 'fine_gray') X <- as.matrix(d[names])
run <- switch(task,
  cox = function() summary(coxph(right, d)),
  cox_entry = function() summary(coxph(late, d)),
  cox_cluster = function() summary(coxph(late, d, cluster = cluster)),
  zph = function() cox.zph(fit),
  fine_gray = function() crr(d$time, d$cause, X),
  aalen_johansen = function() survfit(Surv(time, factor(cause)) ~ 1, d),
  kaplan_meier = function() survfit(Surv(time, event) ~ group, d, conf.type = 'log-log'),
  logrank = function() survdiff(Surv(time, event) ~ group, d))
held <- function(what) as.numeric(gsub('[^0-9]', '', grep(what, readLines('/proc/self/status'), value = TRUE))) / 1024
invisible(gc()); cat('5', file = '/proc/self/clear_refs'); before <- held('VmRSS')
best <- Inf; spent <- 0; n <- 0
while (n == 0 || (n < as.integer(a[4]) && spent < 10)) {
  t <- system.time(run())[['elapsed']]; best <- min(best, t); spent <- spent + t; n <- n + 1 }
cat(sprintf('{"seconds": %f, "megabytes": %f}', best, held('VmHWM') - before))
"""


def make_data(n: int) -> pd.DataFrame:
    """Days of entry and end, the first event (1 disease, 2 death), and the visits between which the disease began."""
    rng = np.random.default_rng(1)
    cluster = rng.permutation(n) % CLUSTERS
    X = rng.normal(size=(n, 20)) + 0.3 * rng.normal(size=(n, 1))
    X[:, 14:] = X[:, 14:] > 0.5
    hazard = np.exp(X @ np.linspace(-0.2, 0.2, 20) + rng.normal(0, 0.3, CLUSTERS)[cluster])
    onset = rng.exponential(9000 / hazard)
    death, end = rng.exponential(20000, n), rng.uniform(1000, 3650, n)
    entry = np.where(rng.uniform(size=n) < 0.5, 0, rng.uniform(0, 900, n) // 1)
    last = np.minimum(death, end)
    time = np.maximum(np.ceil(np.minimum(onset, last)), entry + 1)
    cause = np.where(onset <= last, 1, np.where(death <= end, 2, 0))
    # a visit every 700 days, on days that differ between people; left 0 where the first visit finds the disease
    of_first = rng.integers(1, 700, n)
    seen, onset_seen = ((of_first + 700 * np.ceil((t - of_first) / 700)) for t in (last - 700, onset))
    found = onset_seen <= seen
    return pd.DataFrame(X.round(5), columns=COVARIATES).assign(
        entry=entry,
        time=time,
        cause=cause,
        event=(cause == 1).astype(int),
        group=(X[:, 14] > 0).astype(int),
        cluster=cluster,
        left=np.maximum(np.where(found, onset_seen - 700, seen), 0),
        right=np.where(found, onset_seen, np.inf),
    )


def ours(task: str, data: pd.DataFrame) -> Callable[[], object]:
    from dermcohort import survival as s

    first = data.assign(
        cause=pd.Categorical(data["cause"], [0, 1, 2]).rename_categories(["none", "disease", "death"])
    )
    fit = s.cox(FORMULA, data, time="time", event="event") if task == "zph" else None
    return {
        "cox": lambda: s.cox(FORMULA, data, time="time", event="event"),
        "cox_entry": lambda: s.cox(FORMULA, data, time="time", event="event", entry="entry"),
        "cox_cluster": lambda: s.cox(
            FORMULA, data, time="time", event="event", entry="entry", cluster="cluster"
        ),
        "zph": lambda: fit.ph_test() if fit else None,
        "fine_gray": lambda: s.fine_gray(FORMULA, first, time="time", event="cause", cause="disease"),
        "aalen_johansen": lambda: s.cumulative_incidence(first, "time", "cause"),
        "interval_ph": lambda: s.interval_ph(FORMULA, data, left="left", right="right"),
        "kaplan_meier": lambda: s.kaplan_meier(data, "time", "event", by="group"),
        "logrank": lambda: s.logrank(data, "time", "event", "group"),
    }[task]


def lifelines(task: str, data: pd.DataFrame) -> Callable[[], object]:
    from lifelines import CoxPHFitter, KaplanMeierFitter
    from lifelines.statistics import logrank_test, proportional_hazard_test

    right = data[[*COVARIATES, "time", "event"]]
    late = right.assign(entry=data["entry"])
    groups = [rows for _, rows in data.groupby("group")]
    fit = CoxPHFitter().fit(right, "time", "event") if task == "zph" else None
    return {
        "cox": lambda: CoxPHFitter().fit(right, "time", "event").summary,
        "cox_entry": lambda: CoxPHFitter().fit(late, "time", "event", entry_col="entry").summary,
        "zph": lambda: proportional_hazard_test(fit, right, time_transform="km"),
        "kaplan_meier": lambda: [KaplanMeierFitter().fit(rows["time"], rows["event"]) for rows in groups],
        "logrank": lambda: logrank_test(
            groups[0]["time"], groups[1]["time"], groups[0]["event"], groups[1]["event"]
        ),
    }[task]


def compare(tasks: list[str], options: argparse.Namespace) -> None:
    has_r, limit, repeat = shutil.which("Rscript") is not None, options.limit, str(options.repeat)
    r_rows = options.rows if options.r_rows is None else options.r_rows
    more = f" {options.growth:,} rows, s | MB |" if options.growth else ""
    print(
        f"| {options.rows:,} rows | dermcohort, s | MB | R, s | MB | R / dermcohort | lifelines, s | MB |{more}"
    )
    print("|--|--:|--:|--:|--:|--:|--:|--:|" + ("--:|--:|" if more else ""))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = make_data(options.rows)
        data.to_parquet(folder / "data.parquet")
        data.to_csv(folder / "data.csv", index=False)
        if options.growth:
            make_data(options.growth).to_parquet(folder / "growth.parquet")
        (folder / "b.R").write_text(R_SCRIPT)
        del data
        for task in tasks:
            this = [sys.executable, __file__, "--repeat", repeat, "--child", name, task]
            mine = run([*this, "ours", "data"], 10 * limit)
            assert mine is not None
            cells = [f"{mine['seconds']:.2f}", f"{mine['megabytes']:.0f}"]
            rows = r_rows if task in SLOW_IN_R else options.rows
            if not has_r or rows == 0 or task in NOT_IN_R:
                cells += ["", "", ""]
            else:
                in_r = ["Rscript", str(folder / "b.R"), task, str(folder / "data.csv"), str(rows), repeat]
                cells += shown(run(in_r, limit), limit, rows, options.rows, mine["seconds"])
            peer = run([*this, "lifelines", "data"], limit) if task in PEERS else None
            late = f"> {limit:.0f}" if task in PEERS else ""
            cells += [f"{peer['seconds']:.2f}", f"{peer['megabytes']:.0f}"] if peer else [late, ""]
            if more:
                large = run([*this, "ours", "growth"], 10 * limit) if task in GROWING else None
                cells += [f"{large['seconds']:.2f}", f"{large['megabytes']:.0f}"] if large else ["", ""]
            print(f"| {TASKS[task]} | " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=150_000)
    parser.add_argument(
        "--growth", type=int, default=1_500_000, help="rows of our second run; 0 leaves it out"
    )
    parser.add_argument("--limit", type=float, default=120, help="seconds for one run of R or lifelines")
    parser.add_argument("--repeat", type=int, default=3, help="runs of which the best counts, of short tasks")
    parser.add_argument("--r-rows", type=int, help="rows for R's slow tasks; 0 leaves them out")
    parser.add_argument("--only", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child is None:
        compare(options.only, options)
        return
    folder, task, program, file = options.child
    data = pd.read_parquet(Path(folder) / f"{file}.parquet")
    work = {"ours": ours, "lifelines": lifelines}[program](task, data)
    print(json.dumps(measure(work, options.repeat)))


if __name__ == "__main__":
    main()
