"""The codebook as DDI-Codebook 2.5, the XML that data archives and catalogues take in."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

from ..study import Study
from .counts import HIDDEN, Texts
from .summary import Card, bounds

NAMESPACE = "ddi:codebook:2_5"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
FILES = (("participants", "participant"), ("visits", "visit"), ("events", "event"))
# our names of numbers -> the DDI vocabulary of summary statistics; percentiles are "other"
STATISTICS = {"mean": "mean", "sd": "stdev", "median": "medn"}


def write_ddi(study: Study, cards: list[Card], path: Path) -> None:
    """Write the XML to `path`."""
    ET.register_namespace("", NAMESPACE)
    root = _add(None, "codeBook", version="2.5")
    citation = _add(_add(root, "stdyDscr"), "citation")
    _add(_add(citation, "titlStmt"), "titl", _title(study))
    statement = _add(citation, "verStmt")
    _add(statement, "version", str(study.manifest["dictionary_version"]))
    numbers = {
        "participants": len(study.participants),
        "visits": len(study.visits),
        "events": len(study.events),
    }
    for table, _ in FILES:
        text = _add(_add(root, "fileDscr", ID=f"F_{table}"), "fileTxt")
        _add(text, "fileName", table)
        _add(_add(text, "dimensns"), "caseQnty", str(numbers[table]))
    data = _add(root, "dataDscr")
    for card in cards:
        _variable(data, card)
    ET.indent(root, " ")
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _title(study: Study) -> str:
    names = [title.get("en") or name for name, title in study.manifest["cohorts"].items()]
    return f"Harmonized study of {', '.join(names)}"


def _variable(data: ET.Element, card: Card) -> None:
    """The order of the elements is that of the schema of DDI."""
    about = card.about
    table = next(table for table, entity in FILES if entity == about["entity"])
    discrete = "discrete" if card.categories else "contin"
    var = _add(data, "var", ID=f"V_{card.name}", name=card.name, files=f"F_{table}", intrvl=discrete)
    _labels(var, card.labels)
    questions = dict.fromkeys(line.question for line in card.waves if line.question)
    for question in questions:
        _add(_add(var, "qstn"), "qstnLit", question)
    if about["hard"]:
        low, high = bounds(about["hard"])
        units = "INT" if about["type"] == "integer" else "REAL"
        _add(_add(var, "valrng"), "range", UNITS=units, min=low, max=high)
    if about["asked_if"]:
        _add(var, "universe", about["asked_if"])
    if card.observed != HIDDEN:
        _add(var, "sumStat", str(card.observed), type="vald")
    for key, text in card.numbers.items():
        if key in STATISTICS:
            _add(var, "sumStat", text, type=STATISTICS[key])
        else:
            _add(var, "sumStat", text, type="other", otherType=key)
    for language, text in card.definition.items():
        _add(var, "txt", text, language=language)
    for category in card.categories:
        _category(var, category.code, category.labels, category.n)
    for reason in card.reasons:
        _category(var, -900 - reason.code, reason.labels, reason.n, missing="Y")
    for system in ("icd10", "icd11"):
        for code in about[system] or ():
            _add(var, "concept", str(code), vocab="ICD-10" if system == "icd10" else "ICD-11")
    if about["derive"]:
        _add(_add(var, "derivation"), "drvdesc", about["derive"])
    kind = "numeric" if card.categories or about["type"] in ("number", "integer", "date") else "character"
    _add(var, "varFormat", type=kind)
    if about["unit"]:
        _add(var, "notes", about["unit"], type="unit")
    if about["source"]:
        _add(var, "notes", about["source"], type="source")
    for line in card.waves:
        where = f"{line.cohort.get('en', '')}, {line.wave.get('en', '')}"
        text = "; ".join(part for part in (line.status, line.rule.get("en"), line.note) if part)
        _add(var, "notes", f"{where}: {text}", type="harmonization")


def _category(var: ET.Element, code: Any, labels: Texts, n: int, **attributes: str) -> None:
    category = _add(var, "catgry", **attributes)
    _add(category, "catValu", str(code))
    _labels(category, labels)
    if n != HIDDEN:
        _add(category, "catStat", str(n), type="freq")


def _labels(parent: ET.Element, labels: Texts) -> None:
    for language, text in labels.items():
        _add(parent, "labl", text, language=language)


def _add(
    parent: ET.Element | None,
    tag: str,
    text: str | None = None,
    language: str | None = None,
    **attributes: str,
) -> ET.Element:
    name = f"{{{NAMESPACE}}}{tag}"
    element = ET.Element(name) if parent is None else ET.SubElement(parent, name)
    element.attrib.update(attributes)
    if language:
        element.set(XML_LANG, language)
    # XML 1.0 has no place for control characters
    element.text = None if text is None else "".join(c for c in text if c >= " " or c in "\n\t")
    return element
