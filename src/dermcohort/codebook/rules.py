"""A rule of the dictionary in words, from the text that the provenance keeps."""

from __future__ import annotations

import json
from typing import Any

WORDS = {
    "en": {
        "copy": "{0} as it is",
        "map": "{0} recoded: {1}",
        "cut": "{0} in groups: {1}",
        "date": "{0} read as a date ({1})",
        "expr": "computed from {0}: {1}",
        "first_of": "the first of {0} that has a value",
        "call": "function {1} of {0}",
        "value": "for everybody: {1}",
        "sum": "sum of {0}",
        "mean": "mean of {0}",
        "min_items": "at least {0} answered",
        "reverse": "reversed: {0}",
        "prorate": "missing items replaced by the mean of the others",
        "unit": "in {0}, converted",
        "missing": "missing: {0}",
        "below_lod": "below the detection limit: {0}",
        "above_loq": "above the quantification limit: {0}",
        "derive": "computed: {0}",
    },
    "zh": {
        "copy": "直接取自{0}",
        "map": "{0}重新编码：{1}",
        "cut": "{0}分组：{1}",
        "date": "{0}读作日期（{1}）",
        "expr": "由{0}计算：{1}",
        "first_of": "取{0}中第一个有值者",
        "call": "由{0}按函数{1}计算",
        "value": "全部为{1}",
        "sum": "{0}之和",
        "mean": "{0}的均值",
        "min_items": "至少回答{0}项",
        "reverse": "反向计分：{0}",
        "prorate": "缺失条目以其余条目的均值代替",
        "unit": "原单位{0}，已换算",
        "missing": "缺失：{0}",
        "below_lod": "低于检测限：{0}",
        "above_loq": "高于定量上限：{0}",
        "derive": "计算：{0}",
    },
}


def rule_in_words(text: str | None, verb: str | None, language: str) -> str:
    """One sentence about a rule; empty where a wave has none.

    Examples
    --------
    >>> rule_in_words('{"from": "Q12", "map": {"1": "current", "2": "current", "3": "never"}}', "map", "en")
    'Q12 recoded: 1, 2 → current; 3 → never'
    """
    if text is None or verb is None:
        return ""
    words = WORDS.get(language, WORDS["en"])
    if verb == "derive":
        return words["derive"].format(text)
    rule = json.loads(text)
    source = _columns(rule.get("first_of") or rule.get("from"))
    if verb == "score":
        clauses = _score(rule["score"], source, words)
    else:
        clauses = [words[verb].format(source, _argument(rule.get(verb), verb))]
    if verb != "date" and "date" in rule:
        clauses.append(words["date"].format(source, _plain(rule["date"])))
    if "unit" in rule:
        clauses.append(words["unit"].format(rule["unit"]))
    if "missing" in rule:
        clauses.append(words["missing"].format(_recoded(rule["missing"])))
    clauses += [words[key].format(_plain(rule[key])) for key in ("below_lod", "above_loq") if key in rule]
    return ("；" if language == "zh" else "; ").join(clauses)


def _columns(source: Any) -> str:
    if isinstance(source, dict):
        return ", ".join(str(column) for column in source.values())
    return ", ".join(map(str, source)) if isinstance(source, list) else str(source or "")


def _argument(value: Any, verb: str) -> str:
    if verb == "map":
        return _recoded(value)
    if verb == "cut":
        return "; ".join(f"{bounds} → {category}" for category, bounds in value.items())
    return _plain(value)


def _recoded(pairs: dict[str, Any]) -> str:
    """Source values by what they become."""
    groups: dict[str, list[str]] = {}
    for source, target in pairs.items():
        groups.setdefault(str(target), []).append(str(source))
    return "; ".join(f"{', '.join(sources)} → {target}" for target, sources in groups.items())


def _score(score: dict[str, Any], source: str, words: dict[str, str]) -> list[str]:
    clauses = [words[score.get("method", "sum")].format(source)]
    if "min_items" in score:
        clauses.append(words["min_items"].format(score["min_items"]))
    if score.get("reverse"):
        clauses.append(words["reverse"].format(_plain(score["reverse"])))
    if score.get("prorate"):
        clauses.append(words["prorate"])
    return clauses


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(item)}" for key, item in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
