"""The few words that the renderer itself writes, by language."""

from __future__ import annotations

from dataclasses import dataclass

# environment variable that tells the cells the language of the page
LANGUAGE_VARIABLE = "DERMCOHORT_LANGUAGE"


@dataclass(frozen=True)
class Words:
    """Prefixes of captions and references, titles of callouts, and labels of the page.

    `name` is that of the language in itself. `section` has a place for the number, as it stands in the middle in
    Chinese.
    """

    name: str
    fig: str
    tbl: str
    section: str
    after_label: str
    between: str
    callouts: dict[str, str]
    contents: str
    contents_of_all: str
    menu: str
    formats: str
    languages: str
    references: str
    abstract: str
    row: str
    column: str

    def label(self, kind: str, number: str) -> str:
        """``Figure 1``, ``Table 2``, ``Section 3``; the blank does not break across lines."""
        if kind == "sec":
            return self.section.format(number)
        return f"{self.fig if kind == 'fig' else self.tbl}\u00a0{number}"


WORDS = {
    "en": Words(
        name="English",
        fig="Figure",
        tbl="Table",
        section="Section\u00a0{}",
        after_label=": ",
        between=", ",
        callouts={
            "note": "Note",
            "warning": "Warning",
            "important": "Important",
            "tip": "Tip",
            "caution": "Caution",
        },
        contents="On this page",
        contents_of_all="Contents",
        menu="Menu",
        formats="Other formats",
        languages="Other languages",
        references="References",
        abstract="Abstract",
        row="Row",
        column="Value",
    ),
    "zh": Words(
        name="中文",
        fig="图",
        tbl="表",
        section="第\u00a0{}\u00a0节",
        after_label="：",
        between="、",
        callouts={"note": "注", "warning": "警告", "important": "重要", "tip": "提示", "caution": "小心"},
        contents="本页目录",
        contents_of_all="目录",
        menu="目录",
        formats="其他格式",
        languages="其他语言",
        references="参考文献",
        abstract="摘要",
        row="项目",
        column="数值",
    ),
}


def words_of(language: str) -> Words:
    """Words of ``zh``, ``zh-CN`` …; English ones where the renderer does not know the language."""
    return WORDS.get(base_language(language), WORDS["en"])


def base_language(language: str) -> str:
    """``zh`` of ``zh-CN``."""
    return language.replace("_", "-").split("-")[0].lower()
