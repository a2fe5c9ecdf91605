"""Seconds and peak memory of harmonizing, beside the bare read of the same columns.

Writes a synthetic cohort into a temporary folder (three waves: .sav with user-missing ranges, .dta with tagged
missings, GB18030 .csv), then measures each task in a process of its own:

    read        what a user would write to get the declared columns: pyreadstat, pandas, pyarrow
    harmonize   dc.harmonize, everything in memory
    save        dc.harmonize and study.save
    written     dc.harmonize_to: written without all visits in memory
    cold        dc.harmonize with an empty cache
    cached      the same again
    changed     the same after one rule of one wave was changed

First with files of 300 raw columns, then the growth of `written` with files of the 92 declared columns only.

    make benchmark                       15,000 and 150,000 people, and the growth up to 1,500,000 (20 minutes)
    python benchmarks/harmonize.py --n 30000 --growth --repeat 1 --waves baseline followup2
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

CODED, LABORATORY, DATES, TEXTS = 199, 70, 10, 20
MAPPED_CODED, MAPPED_LABORATORY = 55, 25
LEVELS = ["never", "former", "current", "other"]
WORDS = ["从不", "已戒", "现在", "其他"]
DECLARED = ["ID", "D1", "D2", "T1", *[f"L{i}" for i in (*range(1, 26), 61, 62, 63)],
            *[f"Q{i}" for i in (*range(1, 56), 61, 62, 63, 64, 199)]]  # fmt: skip
WAVES = {"baseline": ("base.sav", 1.0), "followup1": ("fu1.dta", 0.92), "followup2": ("fu2.csv", 0.85)}
REASONS = """
  refused: {code: 1, label: {en: Refused}}
  dont_know: {code: 2, label: {en: Does not know}}
  no_answer: {code: 3, label: {en: Left blank}}
  not_applicable: {code: 4, label: {en: Does not apply}}
  not_collected: {code: 5, label: {en: Not collected}}
  below_lod: {code: 6, label: {en: Below limit}}
  above_loq: {code: 7, label: {en: Above limit}}
  invalid: {code: 8, label: {en: Impossible}}
  unmapped: {code: 9, label: {en: No rule}}
"""


# ---------------------------------------------------------------- raw files and their dictionary


def write_raw(folder: Path, n: int, waves: list[str], narrow: bool) -> None:
    """One file a wave, of 300 columns or only the declared ones; the later waves have fewer people."""
    import pyreadstat

    rng = np.random.default_rng(1)
    # what does not change about a person: the answer to Q199 and the date D2
    sex = rng.integers(0, 2, n)
    born = np.datetime64("1960-01-01") + rng.integers(0, 9000, n).astype("timedelta64[D]")
    for wave in waves:
        name, share = WAVES[wave]
        rows = round(n * share)
        data = {"ID": np.arange(1, rows + 1).astype(float)}
        codes = {f"Q{i}": rng.integers(0, 4, rows) for i in range(1, CODED)}
        codes[f"Q{CODED}"] = sex[:rows]
        holes = rng.random(rows)
        for column, values in codes.items():
            data[column] = np.where(holes < 0.01, 8.0, np.where(holes > 0.98, np.nan, values + 1.0))
            holes = rng.permutation(holes)
        for i in range(1, LABORATORY + 1):
            level = np.round(np.exp(rng.normal(1, 0.6, rows)), 2)
            data[f"L{i}"] = np.where(level < 1, -1.0, level)
        days = (
            np.datetime64("2019-01-01")
            + 900 * list(WAVES).index(wave)
            + rng.integers(0, 300, (DATES, rows)).astype("timedelta64[D]")
        )
        days[1] = born[:rows]
        for i in range(1, TEXTS + 1):
            data[f"T{i}"] = np.array(["free text", "自由文本", ""], dtype=object)[rng.integers(0, 3, rows)]
        columns = [c for c in (*data, *[f"D{i}" for i in range(1, DATES + 1)]) if not narrow or c in DECLARED]
        forms = {c: "DATE11" if wave == "baseline" else "%td" for c in columns if c.startswith("D")}
        target = folder / name
        if wave == "baseline":
            origin = np.datetime64("1582-10-14")
            data |= {f"D{i + 1}": (days[i] - origin).astype(float) * 86_400 for i in range(DATES)}
            pyreadstat.write_sav(
                pd.DataFrame({c: data[c] for c in columns}), target, variable_format=forms,
                missing_ranges={c: [{"lo": 8, "hi": 9}] for c in columns if c.startswith("Q")},
            )  # fmt: skip
        elif wave == "followup1":
            origin = np.datetime64("1960-01-01")
            data |= {f"D{i + 1}": (days[i] - origin).astype(float) for i in range(DATES)}
            tagged = [f"Q{i}" for i in range(1, 41)]
            for column in tagged:
                values = data[column].astype(object)
                values[data[column] == 8] = "a"
                data[column] = values
            pyreadstat.write_dta(
                pd.DataFrame({c: data[c] for c in columns}), target, variable_format=forms,
                missing_user_values={column: ["a"] for column in tagged},
            )  # fmt: skip
        else:
            for column, values in codes.items():
                data[column] = np.where(np.isnan(data[column]), "", np.array([*WORDS], dtype=object)[values])
            for i in range(1, LABORATORY + 1):
                values = data[f"L{i}"]
                data[f"L{i}"] = np.where(values < 0, "<1", values.astype("U8")).astype(object)
            data |= {f"D{i + 1}": days[i].astype(str) for i in range(DATES)}
            data["ID"] = data["ID"].astype(int)
            pd.DataFrame({c: data[c] for c in columns}).to_csv(
                target, index=False, encoding="gb18030", lineterminator="\n"
            )


def write_dictionary(folder: Path, waves: list[str]) -> None:
    """About ninety variables by every verb: map, cut, first_of, date, expr, score, and measurements with limits."""
    (folder / "schema").mkdir(parents=True)
    (folder / "cohorts" / "c").mkdir(parents=True)
    head = f'format: 1\nversion: "1"\nlanguages: [en]\nreasons:{REASONS}'
    (folder / "dictionary.yaml").write_text(head, "utf-8")
    (folder / "units.yaml").write_text(
        "mass:\n  - {from: mg/L, to: ug/L, slope: 1000, source: SI}\n", "utf-8"
    )
    levels = ", ".join(f"{level}: {{code: {i}, label: {{en: {level}}}}}" for i, level in enumerate(LEVELS))
    schema = [
        "sex: {label: {en: Sex}, entity: participant, type: nominal, categories: "
        "{female: {code: 1, label: {en: F}}, male: {code: 2, label: {en: M}}}}",
        "birth_date: {label: {en: Birth}, entity: participant, type: date}",
        "visit_date: {label: {en: Visit}, type: date, range: {hard: [2015-01-01, 2025-01-01]}}",
        "score: {label: {en: Score}, type: number, range: {hard: [0, 20]}}",
        "ratio: {label: {en: Ratio}, type: number, derive: lab1 / lab2}",
        "heavy: {label: {en: Heavy}, type: yesno, derive: lab3 >= 5000}",
        "duration: {label: {en: Days}, type: number}",
        "answer: {label: {en: Answer}, type: text}",
        "pressure: {label: {en: Pressure}, type: number, range: {soft: [0, 200]}}",
        "grade: {label: {en: Grade}, type: ordinal, categories: "
        "{low: {code: 1, label: {en: Low}}, high: {code: 2, label: {en: High}}}}",
    ]
    for i in range(1, MAPPED_CODED + 1):
        skip = ", asked_if: q1 != 'never'" if i % 10 == 0 else ""
        schema.append(f"q{i}: {{label: {{en: Q{i}}}, type: ordinal, categories: {{{levels}}}{skip}}}")
    for i in range(1, MAPPED_LABORATORY + 1):
        schema.append(
            f"lab{i}: {{label: {{en: L{i}}}, type: number, unit: ug/L, analyte: mass, "
            "range: {soft: [0, 20000], hard: [0, 1000000]}}"
        )
    (folder / "schema" / "10_all.yaml").write_text("\n".join(schema), "utf-8")
    files = {wave: WAVES[wave][0] for wave in waves}
    declared = "\n".join(
        f"  {wave}: {{order: {i}, file: {file}{', encoding: gb18030' if file.endswith('csv') else ''}}}"
        for i, (wave, file) in enumerate(files.items())
    )
    ids = "\n".join(f"  {wave}: {{from: ID, expr: \"'P' + zfill(text(ID), 7)\"}}" for wave in waves)
    (folder / "cohorts" / "c" / "cohort.yaml").write_text(
        f"cohort: c\ntitle: {{en: Benchmark}}\nwaves:\n{declared}\nid:\n{ids}\nduplicates: error\n", "utf-8"
    )
    for wave, file in files.items():
        text = file.endswith("csv")
        form = {"sav": "spss", "dta": "stata", "csv": "'%Y-%m-%d'"}[file.rsplit(".")[1]]
        missing = {"sav": "{8: refused}", "dta": "{.a: refused, 8: refused}", "csv": "{}"}[
            file.rsplit(".")[1]
        ]
        sources = WORDS if text else [1, 2, 3, 4]
        mapping = ", ".join(f"{s}: {level}" for s, level in zip(sources, LEVELS, strict=True))
        sexes = dict(zip(sources, ["female", "male", "female", "male"], strict=True))
        lod = "{prefix: '<'}" if text else "{codes: [-1], limit: 1}"
        low = ", missing: {'<1': no_answer}" if text else ""
        values = f", values: {{{', '.join(f'{w}: {i}' for i, w in enumerate(sources))}}}"
        rules = [
            f"sex: {{from: Q199, map: {{{', '.join(f'{k}: {v}' for k, v in sexes.items())}}}, missing: {missing}}}",
            f"birth_date: {{from: D2, date: {form}}}",
            f"visit_date: {{from: D1, date: {form}}}",
            f"duration: {{from: [D1, D2], date: {form}, expr: 'days_between(D2, D1)'}}",
            "score: {from: [Q61, Q62, Q63, Q64], score: {method: sum, min_items: 3, prorate: true"
            f"{values}}}, missing: {missing}}}",
            "answer: {from: T1}",
            f"pressure: {{first_of: [L61, L62], below_lod: {lod}}}",
            f"grade: {{from: L63, cut: {{low: '<3', high: '>=3'}}{low}}}",
        ]
        rules += [
            f"q{i}: {{from: Q{i}, map: {{{mapping}}}, missing: {missing}}}"
            for i in range(1, MAPPED_CODED + 1)
        ]
        rules += [
            f"lab{i}: {{from: L{i}, unit: mg/L, below_lod: {lod}}}" for i in range(1, MAPPED_LABORATORY + 1)
        ]
        body = "\n".join(f"  {rule}" for rule in rules)
        (folder / "cohorts" / "c" / f"{wave}.yaml").write_text(
            f"wave: c/{wave}\nvariables:\n{body}\n", "utf-8"
        )


# ---------------------------------------------------------------- tasks, each in its own process


def bare_read(folder: Path) -> dict[str, float]:
    """The declared columns by the usual calls, value labels and missing codes included."""
    import pyarrow.csv
    import pyreadstat

    from dermcohort import read_dictionary

    def sav(path: Path, columns: list[str]) -> pd.DataFrame:
        return pyreadstat.read_sav(
            path, usecols=columns, user_missing=True, disable_datetime_conversion=True
        )[0]

    def dta(path: Path, columns: list[str]) -> pd.DataFrame:  # faster here than pyreadstat.read_dta
        return pd.read_stata(
            path, columns=columns, convert_dates=False, convert_categoricals=False, convert_missing=True
        )

    def csv(path: Path, columns: list[str]) -> pd.DataFrame:
        return pyarrow.csv.read_csv(
            path,
            read_options=pyarrow.csv.ReadOptions(encoding="gb18030"),
            convert_options=pyarrow.csv.ConvertOptions(include_columns=columns),
        ).to_pandas()

    reads = {".sav": sav, ".dta": dta, ".csv": csv}
    files = {folder / "raw" / w.file: list(w.columns) for w in read_dictionary(folder / "dictionary").waves()}
    start = time.perf_counter()
    tables = [reads[path.suffix](path, columns) for path, columns in files.items()]
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "rows": sum(map(len, tables)), "columns": sum(t.shape[1] for t in tables)}


def harmonize(folder: Path, *, save: bool = False, cache: bool = False) -> dict[str, float]:
    import dermcohort as dc

    start = time.perf_counter()
    study = dc.harmonize(
        dc.read_dictionary(folder / "dictionary"), folder / "raw", cache=folder / "cache" if cache else None
    )
    if save:
        study.save(folder / "harmonized")
    assert (study.ledger["action"] == "kept").all()
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "rows": len(study.visits), "columns": len(study.schema)}


def written(folder: Path) -> dict[str, float]:
    import dermcohort as dc
    from dermcohort.storage import count_rows

    start = time.perf_counter()
    out = dc.harmonize_to(dc.read_dictionary(folder / "dictionary"), folder / "raw", folder / "harmonized")
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "rows": count_rows(out, "visits"), "columns": 90}


def cold(folder: Path) -> dict[str, float]:
    shutil.rmtree(folder / "cache", ignore_errors=True)
    return harmonize(folder, cache=True)


def changed(folder: Path) -> dict[str, float]:
    """Two answers of q1 change places; the next run changes them back."""
    path = next((folder / "dictionary" / "cohorts" / "c").glob("[bf]*.yaml"))
    lines = path.read_text("utf-8").splitlines(keepends=True)
    at = next(i for i, line in enumerate(lines) if line.startswith("  q1:"))
    swap = {"never": "former", "former": "never"}
    lines[at] = "".join(swap.get(word, word) for word in re.split(r"\b(never|former)\b", lines[at]))
    path.write_text("".join(lines), "utf-8")
    return harmonize(folder, cache=True)


def prepare(folder: Path, n: int, waves: list[str], narrow: bool) -> dict[str, float]:
    """In a process of its own too: a child's peak memory begins with that of its parent."""
    (folder / "raw").mkdir()
    write_raw(folder / "raw", n, waves, narrow)
    write_dictionary(folder / "dictionary", waves)
    return {"seconds": 0.0, "rows": 0}


TASKS = {
    "read": bare_read,
    "harmonize": harmonize,
    "save": lambda folder: harmonize(folder, save=True),
    "written": written,
    "cold": cold,
    "cached": lambda folder: harmonize(folder, cache=True),
    "changed": changed,
}


def run(task: str, folder: Path, *options: str) -> dict[str, float]:
    command = [sys.executable, __file__, "--task", task, "--folder", str(folder), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def measure(task: str, folder: Path, repeat: int) -> dict[str, float]:
    """The best of `repeat` runs, each in a new process."""
    runs = []
    for _ in range(repeat):
        runs.append(run(task, folder))
    return min(runs, key=lambda run: run["seconds"])


def compare(n: int, waves: list[str], repeat: int) -> None:
    """Every task on files of 300 columns."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run("prepare", folder, "--n", str(n), "--waves", *waves)
        size = megabytes(folder / "raw")
        print(f"\n{n:,} people, {len(waves)} wave(s) of 300 raw columns, {size:,.0f} MB")
        print(f"{'task':<12}{'seconds':>9}{'ratio':>8}{'peak MB':>10}{'rows':>10}{'columns':>9}")
        base = 0.0
        for task in TASKS:
            found = measure(task, folder, repeat)
            base = base or found["seconds"]
            print(
                f"{task:<12}{found['seconds']:>9.2f}{found['seconds'] / base:>8.2f}{found['peak_mb']:>10,.0f}"
                f"{found['rows']:>10,}{found['columns']:>9}"
            )
        print(f"cache {megabytes(folder / 'cache'):,.0f} MB")


def grow(sizes: list[int], waves: list[str]) -> None:
    """Time and memory of `written`, one run a size."""
    print(f"\ngrowth, {len(waves)} wave(s) of the {len(DECLARED)} declared columns")
    print(f"{'people':>10}{'raw MB':>9}{'seconds':>9}{'us a visit':>12}{'peak MB':>10}{'bytes a visit':>15}")
    empty = 0.0
    for n in [300, *sizes]:  # the first is what Python and the libraries need
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            run("prepare", folder, "--narrow", "--n", str(n), "--waves", *waves)
            found = run("written", folder)
            size = megabytes(folder / "raw")
        empty = empty or found["peak_mb"]
        seconds, grown = (
            found["seconds"] / found["rows"] * 1e6,
            (found["peak_mb"] - empty) * 2**20 / found["rows"],
        )
        print(
            f"{n:>10,}{size:>9,.0f}{found['seconds']:>9.2f}{seconds:>12.1f}{found['peak_mb']:>10,.0f}{grown:>15,.0f}"
        )


def megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.iterdir()) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--n", type=int, nargs="+", default=[15_000, 150_000], help="people at baseline")
    parser.add_argument(
        "--growth",
        type=int,
        nargs="*",
        default=[15_000, 150_000, 1_500_000],
        help="people; nothing: no growth",
    )
    parser.add_argument(
        "--waves", nargs="+", choices=list(WAVES), default=list(WAVES), help="one format each"
    )
    parser.add_argument("--repeat", type=int, default=3, help="runs of each task; the best counts")
    parser.add_argument("--task", choices=["prepare", *TASKS], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--narrow", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.task:
        if arguments.task == "prepare":
            result = prepare(arguments.folder, arguments.n[0], arguments.waves, arguments.narrow)
        else:
            result = TASKS[arguments.task](arguments.folder)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({**result, "peak_mb": peak}))
        return
    versions = ", ".join(f"{name} {version(name)}" for name in ("pandas", "numpy", "pyreadstat", "pyarrow"))
    print(f"{date.today()}, {os.cpu_count()} cores, Python {platform.python_version()}, {versions}")
    for n in arguments.n:
        compare(n, arguments.waves, arguments.repeat)
    if arguments.growth:
        grow(arguments.growth, arguments.waves)


if __name__ == "__main__":
    main()
