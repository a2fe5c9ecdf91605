"""NHANES raw files of the cycles with skin, as the dictionary reads them: one file a wave.

    python examples/nhanes_skin/prepare.py DOWNLOADED raw-nhanes-skin

A cycle comes as several files, one a questionnaire module, examination or laboratory panel. They are joined
here to the demographic file by SEQN; columns and codes stay as they are. The linked mortality file, of fixed
width, becomes a CSV of its texts. `sources.json` keeps rows and SHA-256 of every file that was read.
"""

import argparse
import hashlib
import json
import lzma
from pathlib import Path

import pandas as pd
import pyreadstat

MODULES = {
    "c": ("DEMO_C", "DEQ_C", "DEX_C", "BMX_C", "SMQ_C", "L06BMT_C", "L06UAS_C"),
    "d": ("DEMO_D", "DEQ_D", "BMX_D", "SMQ_D", "PBCD_D", "UAS_D"),
    "f": ("DEMO_F", "MCQ_F", "BMX_F", "SMQ_F", "PBCD_F", "UAS_F"),
    "g": ("DEMO_G", "MCQ_G", "BMX_G", "SMQ_G", "PBCD_G", "UAS_G"),
    "h": ("DEMO_H", "MCQ_H", "BMX_H", "SMQ_H", "PBCD_H", "UAS_H"),
}
YEARS = {"c": "2003_2004", "d": "2005_2006", "f": "2009_2010", "g": "2011_2012", "h": "2013_2014"}
# columns as NCHS counts them, the first is 1 (public-use linked mortality files of 2019)
MORTALITY = {
    "SEQN": (1, 6), "ELIGSTAT": (15, 15), "MORTSTAT": (16, 16), "UCOD_LEADING": (17, 19),
    "PERMTH_INT": (43, 45), "PERMTH_EXM": (46, 48),
}  # fmt: skip


def prepare(source: Path, target: Path) -> None:
    """Write ``cycle_<letter>.parquet``, ``mortality_<letter>.csv`` and ``sources.json`` into `target`."""
    target.mkdir(parents=True, exist_ok=True)
    sources: dict[str, list[dict[str, object]]] = {}
    for cycle, modules in MODULES.items():
        paths = [_find(source, module) for module in modules]
        tables = [_read_module(path) for path in paths]
        _join(tables, paths).to_parquet(target / f"cycle_{cycle}.parquet", index=False)
        death_path = source / f"NHANES_{YEARS[cycle]}_MORT_2019_PUBLIC.dat.xz"
        deaths = _read_mortality(death_path)
        deaths.to_csv(target / f"mortality_{cycle}.csv", index=False)
        read = zip([*paths, death_path], [*tables, deaths], strict=True)
        sources[cycle] = [
            {"file": path.name, "rows": len(table), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
            for path, table in read
        ]
        print(f"cycle {cycle}: {len(tables[0]):,} people, {len(modules)} files")
    (target / "sources.json").write_text(json.dumps(sources, indent=1) + "\n", "utf-8")


def _find(source: Path, module: str) -> Path:
    for path in (source / f"{module}.XPT", source / f"{module}.csv.xz"):
        if path.exists():
            return path
    raise SystemExit(f"{source} has neither {module}.XPT nor {module}.csv.xz")


def _read_module(path: Path) -> pd.DataFrame:
    if path.suffix == ".XPT":
        table, _ = pyreadstat.read_xport(path)
    else:
        table = pd.read_csv(path, low_memory=False)
    return table.astype({"SEQN": "int64"})


def _join(tables: list[pd.DataFrame], paths: list[Path]) -> pd.DataFrame:
    """Everybody of the demographic file, with what each module says of them."""
    everybody, *modules = tables
    for table, path in zip(modules, paths[1:], strict=True):
        if not table["SEQN"].isin(everybody["SEQN"]).all():
            raise SystemExit(f"{path.name} has people whom {paths[0].name} does not know")
        twice = set(table.columns) & set(everybody.columns) - {"SEQN"}
        if twice:
            raise SystemExit(f"{path.name}: {', '.join(sorted(twice))} stand in an earlier file too")
        everybody = everybody.merge(table, how="left", on="SEQN", validate="one_to_one")
    return everybody


def _read_mortality(path: Path) -> pd.DataFrame:
    with lzma.open(path, "rt", encoding="ascii") as lines:
        rows = [[line[a - 1 : b].strip() for a, b in MORTALITY.values()] for line in lines]
    return pd.DataFrame(rows, columns=list(MORTALITY))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("source", type=Path, help="folder of the downloaded files")
    parser.add_argument("target", type=Path, help="folder to write, the raw folder of dermcohort harmonize")
    chosen = parser.parse_args()
    prepare(chosen.source, chosen.target)
