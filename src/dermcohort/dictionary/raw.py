"""Compare the rules of every wave with what the headers of the raw files say, without reading the data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..headers import Header, HeaderColumn, read_header_info
from ..readers import ReaderError
from ..wording import did_you_mean
from .codes import Codes, code_text, is_within, mentioned
from .drift import check_drift
from .lock import write_lock
from .mapping import DATE_SYSTEMS
from .model import Dictionary, Rule, Variable, Wave
from .problems import DictionaryError, Place, Problem, ProblemList

TYPED = ("sav", "zsav", "dta", "xpt", "sas7bdat", "parquet")  # formats that tell numbers from texts


def check_raw(dictionary: Dictionary, raw: str | Path) -> list[Problem]:
    """Compare the declared columns of every wave with the headers of its file.

    Parameters
    ----------
    dictionary : Dictionary
    raw : str or Path
        Folder that the `file` entries of cohort.yaml start from.

    Returns
    -------
    list of Problem
        Everything that does not fit, in file order: columns and files that are missing (errors), codes with labels
        or declared missing that no rule mentions, kinds that do not fit (warnings), and, where a lock was written
        by `lock_raw`, what changed since.

    Examples
    --------
    >>> dictionary = read_dictionary("data-dictionary")                 # doctest: +SKIP
    >>> for problem in check_raw(dictionary, "raw"): print(problem)     # doctest: +SKIP
    """
    problems = ProblemList(dictionary.root)
    for wave in dictionary.waves():
        header = check_wave(dictionary, wave, Path(raw), problems)
        if header is not None:
            check_drift(dictionary, wave, header, Path(raw), problems)
    return sorted(problems.problems)


def lock_raw(dictionary: Dictionary, raw: str | Path, wave: str | None = None) -> list[Path]:
    """Write ``<wave>.lock.json`` beside the mappings: what their files look like now.

    Parameters
    ----------
    dictionary : Dictionary
    raw : str or Path
        Folder of the raw files.
    wave : str, optional
        Only this ``cohort/wave``, or all waves of this ``cohort``; the files of the others need not be there.

    Raises
    ------
    DictionaryError
        If a file is absent, unreadable or lacks a declared column; then no lock is written.
    KeyError
        If the dictionary has no such wave; the message proposes the closest name.

    Examples
    --------
    >>> lock_raw(read_dictionary("data-dictionary"), "raw")             # doctest: +SKIP
    """
    names = {f"{one.cohort}/{one.name}": one for one in dictionary.waves()}
    chosen = [one for name, one in names.items() if wave in (None, name, one.cohort)]
    if not chosen:
        hint = did_you_mean(str(wave), [*dictionary.cohorts, *names])
        raise KeyError(f"'{wave}' is not a wave of the dictionary. {hint}".strip())
    problems = ProblemList(dictionary.root)
    headers = [(one, check_wave(dictionary, one, Path(raw), problems)) for one in chosen]
    if problems.has_errors():
        raise DictionaryError(problem for problem in problems.problems if problem.level == "error")
    return [write_lock(dictionary, one, header, Path(raw)) for one, header in headers if header]


def check_wave(dictionary: Dictionary, wave: Wave, raw: Path, problems: ProblemList) -> Header | None:
    """Add what does not fit between one wave and its file; its header, or None where that cannot be used."""
    path = raw / wave.file
    catalog = raw / wave.catalog if wave.catalog else None
    for file in (path, catalog):
        if file is not None and not file.is_file():
            others = [other.name for other in file.parent.glob("*")] if file.parent.is_dir() else []
            text = f"the file of {wave.cohort}/{wave.name}, {file.name}, is not in '{file.parent}'"
            problems.error(wave.place, "DD202", text, did_you_mean(file.name, others))
            return None
    try:
        header = read_header_info(
            path,
            encoding=wave.encoding,
            delimiter=wave.delimiter,
            sheet=wave.sheet,
            header_row=wave.header_row,
            catalog=catalog,
        )
    except ReaderError as error:
        problems.error(wave.place, "DD203", str(error))
        return None
    complete = _check_names(header, [wave.id.column], wave.id.place, problems)
    for rule in wave.rules.values():
        inherited = ""
        if rule.place.file != wave.place.file:
            inherited = (
                f"; {wave.cohort}/{wave.name} inherits the rule of '{rule.variable}': write its own there"
            )
        complete &= _check_names(header, rule.sources, rule.place, problems, inherited)
        _check_columns(dictionary, rule, header, problems)
    return header if complete else None


def _check_names(
    header: Header,
    columns: list[str] | tuple[str, ...],
    place: Place,
    problems: ProblemList,
    inherited: str = "",
) -> bool:
    names = header.names
    for column in columns:
        if column not in names:
            hint = did_you_mean(column, names)
            if header.format == "csv" and len(names) == 1:
                hint = hint or "the header is a single field: is 'delimiter' in cohort.yaml right?"
            problems.error(place, "DD201", f"column '{column}' is not in {header.path.name}{inherited}", hint)
        elif names.count(column) > 1:
            text = f"column '{column}' stands twice in the header of {header.path.name}"
            problems.error(place, "DD201", text, "rename one of the two in the file")
    return all(names.count(column) == 1 for column in columns)


def _check_columns(dictionary: Dictionary, rule: Rule, header: Header, problems: ProblemList) -> None:
    variable = dictionary.variables[rule.variable]
    for name in dict.fromkeys(rule.columns.values()):
        column = next((one for one in header.columns if one.name == name), None)
        if column is None:
            continue
        file = header.path.name
        for text in _unmentioned_labels(dictionary, variable, rule, column):
            text = f"{file} has {text}, which the rule of '{rule.variable}' does not mention"
            problems.warning(rule.place, "DD204", text, "add it to 'map' or 'missing'")
        for text in _unlabelled_codes(rule, column):
            problems.warning(rule.place, "DD205", f"'{rule.variable}' maps {text} in {file}")
        for text in _unmentioned_missing(rule, column):
            text = f"{file} declares {text} missing, and the rule of '{rule.variable}' does not say why"
            problems.warning(rule.place, "DD206", text, "add it to 'missing' with its reason")
        if found := _misfit(variable, rule, column, header):
            problems.warning(rule.place, "DD207", f"'{rule.variable}': {found[0]}", found[1])


def _unmentioned_labels(
    dictionary: Dictionary, variable: Variable, rule: Rule, column: HeaderColumn
) -> Iterator[str]:
    """Labelled codes of a mapped column; of a measured one those that are no plausible value."""
    if rule.verb != "map" and not (rule.verb in ("copy", "first_of", "cut") and variable.is_number):
        return
    known = mentioned(rule)
    for code, label in column.value_labels.items():
        if code in known or _is_declared_missing(code, column):
            continue
        if rule.verb != "map" and _is_plausible(dictionary, variable, rule, code):
            continue
        yield f"code {code_text(code)} ('{label}') of column '{column.name}'"


def _is_plausible(dictionary: Dictionary, variable: Variable, rule: Rule, code: object) -> bool:
    if variable.soft is None or not isinstance(code, (int, float)):
        return False
    key = (variable.analyte or "", rule.unit or "", variable.unit or "")
    factor = dictionary.conversions.get(key)
    value = code * factor.slope + factor.intercept if factor else code
    return bool(variable.soft[0] <= value <= variable.soft[1])


def _unlabelled_codes(rule: Rule, column: HeaderColumn) -> Iterator[str]:
    labels = Codes(column.value_labels)
    if not column.value_labels:
        return
    for code in rule.map:
        if code not in labels and not is_within(code, column.missing_ranges):
            yield f"code {code_text(code)}, which is not among the labels of column '{column.name}'"


def _is_declared_missing(code: object, column: HeaderColumn) -> bool:
    is_tag = column.kind != "text" and isinstance(code, str)  # .a to .z of Stata and SAS
    return is_tag or is_within(code, column.missing_ranges)


def _unmentioned_missing(rule: Rule, column: HeaderColumn) -> Iterator[str]:
    known = mentioned(rule)
    labels = {code_text(code): label for code, label in column.value_labels.items()}
    tags = [(code, code) for code in column.value_labels if column.kind != "text" and isinstance(code, str)]
    for low, high in [*column.missing_ranges, *tags]:
        if known.any_within(low, high):
            continue
        if low == high:
            label = labels.get(code_text(low))
            named = f" ('{label}')" if label else ""
            yield f"code {code_text(low)}{named} of column '{column.name}'"
        else:
            yield f"codes {code_text(low)} to {code_text(high)} of column '{column.name}'"


def _misfit(variable: Variable, rule: Rule, column: HeaderColumn, header: Header) -> tuple[str, str] | None:
    """What does not fit between the kind of a column and its rule, and what would."""
    system, file = header.date_system, header.path.name
    systems = [pattern for pattern in rule.date if pattern in DATE_SYSTEMS and pattern != "auto"]
    if column.kind == "date":
        if not rule.date and rule.verb in ("map", "cut", "copy", "first_of", "score"):
            return f"column '{column.name}' of {file} holds dates, the rule treats it as {_wanted(rule)}", ""
        if rule.date and column.date_format and system not in systems:
            return f"column '{column.name}' is a date of {file}, stored as a number", f"date: {system}"
    if column.kind == "text" and header.format in TYPED and rule.date and len(systems) == len(rule.date):
        text = f"column '{column.name}' of {file} is text, but the rule reads numbers ({', '.join(systems)})"
        return text, "give the pattern, such as '%Y-%m-%d'"
    return None


def _wanted(rule: Rule) -> str:
    return {"map": "codes", "cut": "a number", "score": "items"}.get(rule.verb, "a plain value")
