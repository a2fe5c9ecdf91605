"""Folders and files that appear whole or not at all.

A folder is written beside its place under a temporary name, synced, and moved into place by two renames. If
the process dies between them, the previous folder is still there under its backup name and is put back by the
next reader or writer.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq


def write_folder(
    path: Path, tables: Mapping[str, pd.DataFrame | Iterable[pd.DataFrame]], records: Mapping[str, Any]
) -> Path:
    """Write tables as Parquet and records as JSON into `path`, replacing what was there in one step.

    A table that is not in memory is an iterable of its parts, the first of which has no rows and tells the columns.
    """
    path = Path(path).resolve()  # a link to another disk stays a link
    _recover(path)
    if path.exists() and any(path.iterdir()) and not (path / "manifest.json").exists():
        raise FileExistsError(f"{path.name}/ has files that are no study: choose an empty or new folder")
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh, old = _sibling(path, "new"), _sibling(path, "old")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    try:
        for name, table in tables.items():
            _write_table(table, fresh / f"{name}.parquet")
        for name, record in records.items():
            text = json.dumps(record, ensure_ascii=False, indent=1, default=str)
            (fresh / f"{name}.json").write_text(text + "\n", "utf-8")
        for file in fresh.iterdir():
            _sync(file)
        _sync(fresh)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    if path.exists():
        path.rename(old)
    try:
        fresh.rename(path)
    except BaseException:
        _recover(path)
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    _sync(path.parent)
    shutil.rmtree(old, ignore_errors=True)
    return path


def _write_table(table: pd.DataFrame | Iterable[pd.DataFrame], path: Path) -> None:
    if isinstance(table, pd.DataFrame):
        pq.write_table(pa.Table.from_pandas(table), path, compression="zstd")
        return
    parts = iter(table)
    schema = _schema_of(next(parts))
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for part in parts:
            writer.write_table(pa.Table.from_pandas(part, schema, preserve_index=False))


def _schema_of(empty: pd.DataFrame) -> pa.Schema:
    """Arrow types of a table without rows, in which texts cannot be told from nothing."""
    schema = pa.Schema.from_pandas(empty, preserve_index=False)
    types = {
        field.name: pa.dictionary(field.type.index_type, pa.string(), field.type.ordered)
        if pa.types.is_dictionary(field.type)
        else pa.string()
        if pa.types.is_null(field.type)
        else field.type
        for field in schema
    }
    return pa.schema([pa.field(name, kind) for name, kind in types.items()], metadata=schema.metadata)


def count_rows(path: Path, table: str) -> int:
    """Rows of a saved table, which is not read."""
    return int(pq.read_metadata(path / f"{table}.parquet").num_rows)


def read_folder(
    path: Path, tables: Sequence[str], error: type[Exception]
) -> tuple[dict[str, pd.DataFrame], dict[str, Any]]:
    """Read what `write_folder` wrote."""
    path = Path(path).resolve()
    _recover(path)
    if not (path / "manifest.json").exists():
        raise error(
            f"'{path.name}' is no harmonized study: manifest.json is missing. Run dermcohort harmonize"
        )
    found = {}
    for name in tables:
        try:
            found[name] = pd.read_parquet(path / f"{name}.parquet")
        except FileNotFoundError:
            raise error(f"{path.name}/{name}.parquet is missing: the study is incomplete") from None
        except (OSError, pa.ArrowException) as problem:
            raise error(f"{path.name}/{name}.parquet is damaged ({type(problem).__name__})") from None
    records = {}
    for name in ("schema", "manifest"):
        try:
            records[name] = json.loads((path / f"{name}.json").read_text("utf-8"))
        except (OSError, ValueError):
            raise error(f"{path.name}/{name}.json is missing or damaged") from None
    return found, records


def write_text(path: Path, text: str) -> Path:
    """Write a text file under a temporary name, then move it into place."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        temporary.write_text(text, "utf-8")
        _sync(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def write_files(folder: Path, files: Iterable[tuple[str, Callable[[Path], Any]]]) -> list[Path]:
    """Write (name, writer) pairs into `folder`: all under temporary names first, then each is moved into place.

    A name may have folders in front, which are made. A writer that fails leaves the files of before. What else is in the folder is not touched.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written: list[tuple[Path, Path]] = []
    try:
        for name, write in files:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = path.with_name(f".tmp.{path.name}")
            written.append((temporary, path))
            write(temporary)
            _sync(temporary)
        for temporary, path in written:
            temporary.replace(path)
    finally:
        for temporary, _ in written:
            temporary.unlink(missing_ok=True)
    return [path for _, path in written]


def _sibling(path: Path, kind: str) -> Path:
    return path.with_name(f".{path.name}.{kind}")


def _recover(path: Path) -> None:
    """Put the previous folder back if a writer died between its two renames."""
    old = _sibling(path, "old")
    if old.exists():
        if path.exists():
            shutil.rmtree(old, ignore_errors=True)
        else:
            old.rename(path)


def _sync(path: Path) -> None:
    """Flush to the disk. Not every system can sync a folder; a file that cannot be synced is not saved."""
    is_folder = path.is_dir()
    try:
        handle = os.open(path, os.O_RDONLY if is_folder else os.O_RDWR)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError:
        if not is_folder:
            raise
