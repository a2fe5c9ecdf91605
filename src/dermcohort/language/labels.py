"""Printed names, and the language of the words between them."""

from __future__ import annotations

from collections.abc import Mapping

from .catalogue import catalogue_of


class Labels(dict[str, str]):
    """A mapping from a name in the data to its printed name, which knows its language.

    Parameters
    ----------
    names : mapping, optional
        Printed name of a column, term or level (``variable=level``).
    language : str
        ``en`` or ``zh``: of the package's own words and sentences.

    Examples
    --------
    >>> labels = Labels({"sex": "性别"}, language="zh")
    >>> labels.word("Events"), labels.word("sex")
    ('事件数', '性别')
    >>> (labels | {"age": "年龄"}).language
    'zh'
    """

    def __init__(self, names: Mapping[str, str] | None = None, language: str = "en") -> None:
        super().__init__(names or {})
        self.language = language

    def __or__(self, other: Mapping[str, str]) -> Labels:  # type: ignore[override]
        return Labels({**self, **other}, self.language)

    def word(self, text: str) -> str:
        """A word or heading of the package: the printed name where there is one, else the catalogue's."""
        return self.get(text) or catalogue_of(self.language).word(text)

    def sentence(self, text: str) -> str:
        """A text of `.method` or `.notes`, or a heading with an interval: in this language, with printed names of variables.

        A sentence that the catalogue lacks stays English.

        Examples
        --------
        >>> labels = Labels({"bmi": "体质指数"}, language="zh")
        >>> labels.sentence("12 of 90 rows left out for missing values (bmi 12).")
        '90 行中有 12 行因缺失值未纳入（体质指数 12）。'
        """
        return catalogue_of(self.language).sentence(text, self)


def labels_of(names: Mapping[str, str] | None) -> Labels:
    """`names` as `Labels`: a plain mapping is English."""
    return names if isinstance(names, Labels) else Labels(names)
