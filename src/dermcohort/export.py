"""The study as Stata and SPSS files, with the missing reasons as the missing values those programs know.

A reason with code k is the k-th letter in Stata (``.a`` for 1 … ``.z`` for 26) and -900 - k in SPSS (-901 …
-931, one user-missing range), so a reason has the same letter and number in every file of every study. Where a
column cannot hold a reason (texts; dates of SPSS, which other programs read as days of 1582; a number whose own
values lie between -931 and -901; reasons 27 to 31 in Stata), a column ``<name>__why`` beside it does: 0 observed,
else the code of the reason.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyreadstat

from .storage import write_files
from .study import Study, StudyError

SUFFIXES = {"stata": ".dta", "spss": ".sav"}
LETTERS = "abcdefghijklmnopqrstuvwxyz"
SPSS_RANGE = (-931, -901)
STATA_ORIGIN, SPSS_ORIGIN = np.datetime64("1960-01-01"), np.datetime64("1582-10-14")
STATA_VERSION = 14  # file format 118: UTF-8, read by Stata 14 and later
LONGEST_NAME = 28  # of 32: pyreadstat names the value labels like the variable and adds a number
RESERVED = {
    "all", "and", "by", "eq", "ge", "gt", "le", "lt", "ne", "not", "or", "to", "with",  # SPSS
    "byte", "double", "float", "if", "in", "int", "long", "strl", "using",  # Stata
}  # fmt: skip
# what is in a column that no schema describes
WORDS = {
    "cohort": {"en": "Cohort", "zh": "队列"},
    "participant_id": {"en": "Participant", "zh": "参与者编号"},
    "wave": {"en": "Wave", "zh": "调查轮次"},
    "event": {"en": "Event", "zh": "事件"},
    "lower": {
        "en": "Earliest date of the event (missing: before the first visit)",
        "zh": "事件最早日期（缺失：首次调查前）",
    },
    "upper": {"en": "Latest date of the event", "zh": "事件最晚日期"},
    "ascertainment": {"en": "Ascertained by", "zh": "确认方式"},
    "variable": {"en": "Variable", "zh": "变量"},
    "limit": {"en": "Limit of the assay", "zh": "检测限"},
    "observed": {"en": "Observed", "zh": "有值"},
    "why": {"en": "why missing", "zh": "缺失原因"},
}


@dataclass(frozen=True)
class Column:
    """One column of a file to be written; `values` are numbers (with letters for Stata) or texts."""

    name: str
    values: Any
    label: str
    value_labels: dict[Any, str]
    native: bool = False
    format: str | None = None
    measure: str = "nominal"


def export_study(study: Study, folder: str | Path, format: str, language: str = "en") -> list[Path]:
    """Write participants, visits, events and, where there are any, limits of detection.

    Parameters
    ----------
    study : Study
    folder : str or Path
        Gets ``participants``, ``visits``, ``events`` (``.dta`` or ``.sav``) and ``names.csv``, which tells the
        variable behind every column. All files are complete before the first takes the place of an older one.
    format : {"stata", "spss"}
    language : str
        Language of variable and value labels.

    Returns
    -------
    list of Path

    Raises
    ------
    StudyError
        For an unknown format or language, or a study saved before categories had codes.

    Examples
    --------
    >>> study = dc.open_study("harmonized/")                 # doctest: +SKIP
    >>> study.to_stata("stata/", language="zh")              # doctest: +SKIP
    """
    if format not in SUFFIXES:
        raise StudyError(f"format='{format}' is unknown; choose stata or spss")
    if "codes" not in study.schema.columns:
        raise StudyError("the study has no codes of categories: run dermcohort harmonize again")
    return write_files(Path(folder), _files(study, format, study.labels(language), language))


def _files(
    study: Study, format: str, labels: dict[str, str], language: str
) -> Iterator[tuple[str, Callable[[Path], Any]]]:
    """One table after the other, as each may be large."""
    tables = {
        "participants": (study.participants, study.participant_reasons),
        "visits": (study.visits, study.reasons),
        "events": (study.events, None),
        "detection_limits": (study.detection_limits, None),
    }
    names = []
    for table, (data, reasons) in tables.items():
        if table == "detection_limits" and data.empty:
            continue
        file = table + SUFFIXES[format]
        columns: list[Column] = []
        for name in data.columns:
            why = np.zeros(len(data), np.int8) if reasons is None else reasons[name].to_numpy()
            columns += _columns(study, data[name], why, format, labels, language)
        short = short_names([column.name for column in columns])
        names += [(file, short[c.name], c.name.removesuffix("__why"), _holds(c)) for c in columns]
        label = f"{table}, dictionary {study.manifest['dictionary_version']}"
        yield file, _writer(columns, short, format, label)
    table = pd.DataFrame(names, columns=["file", "column", "variable", "holds"])
    yield "names.csv", lambda path: table.to_csv(path, index=False, encoding="utf-8")


def _holds(column: Column) -> str:
    return "reasons" if column.name.endswith("__why") else "values"


def short_names(names: list[str]) -> dict[str, str]:
    """Names that both programs accept, at most 28 bytes long; a changed one ends in six digits of its hash.

    Examples
    --------
    >>> short_names(["bmi", "if", "concentration_of_arsenic_in_toenails"])
    {'bmi': 'bmi', 'if': 'if_935f68', 'concentration_of_arsenic_in_toenails': 'concentration_of_arse_d22ce9'}
    """
    out: dict[str, str] = {}
    used: set[str] = set()  # SPSS does not tell capitals from small letters
    for name in names:
        short = name
        unfit = name.casefold() in RESERVED or name.startswith("_") or re.fullmatch(r"str\d+", name)
        if unfit or len(name.encode()) > LONGEST_NAME or name.casefold() in used:
            digest = hashlib.sha256(name.encode()).hexdigest()[:6]
            start = _cut(name.lstrip("_") or "v", LONGEST_NAME - 7)
            short = f"{start}_{digest}"
        used.add(short.casefold())
        out[name] = short
    return out


# ------------------------------------------------------------------------------------- columns


def _columns(
    study: Study, values: pd.Series, why: np.ndarray, format: str, labels: dict[str, str], language: str
) -> list[Column]:
    """The column of a variable and, where it cannot hold the reasons, the one with them."""
    name = str(values.name)
    label = labels.get(name) or _word(name, language)
    is_variable = name in study.schema.index
    data, kind, value_labels = _encoded(study, values, format, labels)
    row = study.schema.loc[name] if is_variable else None
    column_format = {"date": "%td" if format == "stata" else "SDATE10", "category": None}.get(kind)
    if format == "spss" and kind != "date" and kind != "text":
        whole = kind == "category" or (row is not None and row["type"] == "integer")
        column_format = "F8.0" if whole else "F10.3"
    measure = "nominal"
    if kind in ("number", "date"):
        measure = "scale"
    elif row is not None and row["type"] == "ordinal":
        measure = "ordinal"
    if not is_variable:
        return [Column(name, data, label, value_labels, False, column_format, measure)]
    reason_labels = {
        code: study.manifest["reason_labels"][reason].get(language)
        or study.manifest["reason_labels"][reason].get("en", reason)
        for code, reason in study.reason_names.items()
    }
    if kind != "text" and _is_native(data, kind, why, format):
        data, keys = _with_reasons(data, why, format)
        value_labels = value_labels | {
            keys[code]: text for code, text in reason_labels.items() if code in keys
        }
        return [Column(name, data, label, value_labels, True, column_format, measure)]
    companion = Column(
        f"{name}__why",
        why.astype(float),
        f"{label}: {_word('why', language)}",
        {0.0: _word("observed", language), **{float(code): text for code, text in reason_labels.items()}},
        format="F8.0" if format == "spss" else None,
    )
    return [Column(name, data, label, value_labels, False, column_format, measure), companion]


def _encoded(
    study: Study, values: pd.Series, format: str, labels: dict[str, str]
) -> tuple[Any, str, dict[Any, str]]:
    """Numbers or texts, what they are, and the labels of categories."""
    name = str(values.name)
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        origin = STATA_ORIGIN if format == "stata" else SPSS_ORIGIN
        days = values.to_numpy().astype("datetime64[D]")
        numbers = (days - origin).astype(float)
        numbers[np.isnat(days)] = np.nan
        return (numbers if format == "stata" else numbers * 86_400), "date", {}
    if pd.api.types.is_numeric_dtype(values.dtype):
        return values.to_numpy(float), "number", {}
    levels = study.schema["levels"].get(name)
    if levels:
        codes = category_codes(levels, study.schema["codes"][name])
        numbers = np.append(np.array(codes, float), np.nan)[values.cat.codes.to_numpy()]
        shown = {float(code): labels[f"{name}={level}"] for code, level in zip(codes, levels, strict=True)}
        return numbers, "category", shown
    texts = values.astype(object).where(values.notna(), "").map(str)
    return texts.to_numpy(object), "text", {}


def category_codes(levels: list[str], codes: list[Any]) -> list[int]:
    """Codes of the schema; 0, 1, … in the order of the levels where the schema's codes are no whole numbers."""
    fit = all(isinstance(code, int) and abs(code) < 1_000_000 for code in codes)
    return [int(code) for code in codes] if fit else list(range(len(levels)))


def _is_native(data: Any, kind: str, why: np.ndarray, format: str) -> bool:
    if format == "stata":
        return not (why > len(LETTERS)).any() and not (np.isnan(data) & (why == 0)).any()
    low, high = SPSS_RANGE
    return kind != "date" and not ((data >= low) & (data <= high)).any()


def _with_reasons(data: np.ndarray, why: np.ndarray, format: str) -> tuple[Any, dict[int, Any]]:
    """Values with the reasons in place of the missing ones, and what stands for each reason."""
    absent = np.isnan(data) & (why > 0)
    if format == "spss":
        return np.where(absent, -900.0 - why, data), {code: -900.0 - code for code in range(1, 32)}
    keys = dict(enumerate(LETTERS, start=1))
    if not absent.any():
        return data, keys
    mixed = data.astype(object)
    mixed[absent] = _LETTERS[why[absent]]
    return mixed, keys


class _Letter(bytes):
    """A tagged missing. pyreadstat takes a column for text whose first hundred values are letters of type str."""

    def __eq__(self, other: object) -> bool:
        return self.decode() == other

    def __hash__(self) -> int:
        return hash(self.decode())


_LETTERS = np.array([None, *[_Letter(letter.encode()) for letter in LETTERS]], dtype=object)


# ------------------------------------------------------------------------------------- files


def _writer(columns: list[Column], short: dict[str, str], format: str, label: str) -> Callable[[Path], Any]:
    table = pd.DataFrame({short[c.name]: c.values for c in columns}, copy=False)
    formats = {short[c.name]: c.format for c in columns if c.format}

    def write(path: Path) -> None:
        if format == "stata":
            pyreadstat.write_dta(
                table,
                path,
                file_label=_cut(label, 80),
                version=STATA_VERSION,
                column_labels={short[c.name]: c.label[:80] for c in columns},
                variable_value_labels={short[c.name]: c.value_labels for c in columns if c.value_labels},
                missing_user_values={short[c.name]: list(LETTERS) for c in columns if c.native},
                variable_format=formats,
            )
            return
        low, high = SPSS_RANGE
        pyreadstat.write_sav(
            table,
            path,
            file_label=_cut(label, 64),
            row_compress=True,
            column_labels={short[c.name]: _cut(c.label, 256) for c in columns},
            variable_value_labels={
                short[c.name]: {key: _cut(text, 120) for key, text in c.value_labels.items()}
                for c in columns
                if c.value_labels
            },
            missing_ranges={short[c.name]: [{"lo": low, "hi": high}] for c in columns if c.native},
            variable_measure={short[c.name]: c.measure for c in columns},
            variable_format=formats,
        )

    return write


def _word(name: str, language: str) -> str:
    texts = WORDS.get(name, {})
    return texts.get(language) or texts.get("en", name)


def _cut(text: str, limit: int) -> str:
    """The start of a text that is no longer than `limit` bytes."""
    return text.encode()[:limit].decode("utf-8", "ignore")
