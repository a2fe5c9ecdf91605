"""What the package prints in Chinese: every word, method and note of its estimators."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re

import numpy as np
import pandas as pd
import pytest
import yaml

import dermcohort as dc
from dermcohort.estimates import Estimates
from dermcohort.language import LANGUAGES, Labels
from dermcohort.language.catalogue import FIELD, HERE, catalogue_of
from dermcohort.study import printed_names

ZH = Labels(language="zh")
FOLDERS = (
    "accuracy", "bias", "describe", "meta", "missing", "mixtures", "power", "prevalence", "regression", "survival",
)  # fmt: skip
MODULES = [
    module.name
    for folder in FOLDERS
    for module in pkgutil.walk_packages([f"{dc.__path__[0]}/{folder}"], f"dermcohort.{folder}.")
]
OTHERS = [language for language in LANGUAGES if language != "en"]


def texts_of(language):
    found = yaml.safe_load((HERE / f"{language}.yaml").read_text("utf-8"))
    return [*found["clauses"].items(), *found["sentences"].items()]


def english_left(text):
    """Two English words in a row, but for references and arguments such as ``ci='exact'``."""
    bare = re.sub(r"[（(][^（）()]*\d{4}[^（）()]*[)）]|'[^']*'", "", text)
    return re.search(r"(?<![A-Za-z])[a-z]{2,} [a-z]{2,}(?![A-Za-z])", bare) is not None


@pytest.mark.parametrize("language", OTHERS)
def test_both_sides_have_the_same_fields(language):
    for english, other in texts_of(language):
        fields = [field["name"] for field in FIELD.finditer(english)]
        assert len(fields) == len(set(fields)), english
        assert sorted(fields) == sorted(field["name"] for field in FIELD.finditer(other)), english
        assert "{" not in FIELD.sub("", english) + FIELD.sub("", other), english


@pytest.mark.parametrize("language", OTHERS)
def test_both_sides_have_the_same_numbers(language):
    for english, other in texts_of(language):
        plain = [FIELD.sub("", text).replace("²", "2") for text in (english, other)]
        numbers = [sorted(re.findall(r"\d+", text)) for text in plain]
        assert numbers[0] == numbers[1], english


@pytest.mark.parametrize("language", OTHERS)
def test_no_text_is_translated_twice(language):
    class Strict(yaml.SafeLoader):
        pass

    def mapping(loader, node, deep=False):
        keys = [loader.construct_object(key) for key, _ in node.value]
        assert len(keys) == len(set(keys)), [key for key in keys if keys.count(key) > 1]
        return loader.construct_mapping(node, deep)

    Strict.add_constructor("tag:yaml.org,2002:map", mapping)
    yaml.load((HERE / f"{language}.yaml").read_text("utf-8"), Strict)


def test_chinese_has_chinese_punctuation():
    for _, other in texts_of("zh"):
        assert not re.search(r"[\u4e00-\u9fff][,;:?]", other), other


@pytest.fixture
def made(monkeypatch):
    """Every `Estimates` that is made while the test runs."""
    found = []
    for kind in set(Estimates._known.values()):
        if "__init__" not in kind.__dict__:
            continue

        def recorded(self, *args, _first=kind.__init__, _kind=kind, **kwargs):
            _first(self, *args, **kwargs)
            if type(self) is _kind:
                found.append(self)

        monkeypatch.setattr(kind, "__init__", recorded)
    return found


@pytest.mark.parametrize("name", MODULES)
def test_methods_and_notes_of_all_examples_have_a_translation(name, made):
    """The examples of the docstrings call nearly every estimator."""
    module = importlib.import_module(name)
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    for example in doctest.DocTestFinder(exclude_empty=True).find(
        module, extraglobs={"pd": pd, "np": np, "dc": dc}
    ):
        runner.run(example, out=lambda _: None)
    texts = {note for one in made if not isinstance(one, dc.describe.Listing) for note in one._table_notes()}
    left = {text: ZH.sentence(text) for text in texts if english_left(ZH.sentence(text))}
    assert not left, "\n".join(f"{text}\n  {shown}" for text, shown in left.items())
    measures = {str(m) for one in made if "measure" in one.table for m in one.table["measure"].dropna()}
    assert not [m for m in measures if english_left(ZH.sentence(ZH.word(m)))]


def test_names_of_variables_are_printed_with_their_labels():
    note = "12 of 90 rows left out for missing values (bmi 12, age_group 3)."
    assert Labels({"bmi": "Body mass index (kg/m²)"}).sentence(note) == (
        "12 of 90 rows left out for missing values (Body mass index (kg/m²) 12, age_group 3)."
    )
    assert Labels({"bmi": "体质指数"}, "zh").sentence(note) == (
        "90 行中有 12 行因缺失值未纳入（体质指数 12、age_group 3）。"
    )


def test_a_function_of_a_variable_is_one_name():
    labels = Labels({"bmi": "体质指数（kg/m²）", "age": "年龄（岁）"}, "zh")
    note = "12 of 90 rows left out: 'rcs(bmi, 4) + log2(age) + cohort' is missing."
    assert (
        labels.sentence(note)
        == "90 行中有 12 行因 rcs(体质指数（kg/m²）, 4) + log2(年龄（岁）) + 队列缺失未纳入。"
    )


def test_a_year_of_age_has_its_own_word():
    schema = pd.DataFrame(
        {"label_en": ["Age", "Years"], "label_zh": ["年龄", "居住年限"], "unit": "years", "levels": None,
         "levels_en": None, "levels_zh": None},
        index=["age", "lived"],
    )  # fmt: skip
    check = {"known": {"en": "Sex is known", "zh": "性别已知"}}
    manifest = {"languages": ["en", "zh"], "cohorts": {}, "waves": {}, "reason_labels": {}, "checks": check}
    english, chinese = (printed_names(schema, manifest, language) for language in ("en", "zh"))
    assert (english["age"], english["lived"]) == ("Age (years)", "Years (years)")
    assert (chinese["age"], chinese["lived"]) == ("年龄（岁）", "居住年限（年）")
    assert chinese.word("Sex is known") == "性别已知"


def test_a_level_is_printed_with_its_label():
    labels = Labels({"group": "组", "group=b": "乙"}, "zh")
    note = (
        "Separation: the outcome is determined by group = b, whose OR has no finite estimate. Combine levels."
    )
    assert labels.sentence(note) == "完全分离：结局由组 = 乙决定，其 OR 无有限估计。请合并水平。"


def test_sentences_are_translated_one_by_one_and_what_is_not_known_stays():
    text = "Odds ratios by logistic regression (maximum likelihood), Wald intervals. Made by hand. Combine levels."
    assert (
        ZH.sentence(text) == "logistic 回归的比值比（极大似然法），Wald 置信区间。 Made by hand. 请合并水平。"
    )
    # a clause that is not known leaves its sentence in English
    assert ZH.sentence("Kaplan-Meier estimates with a wish.") == "Kaplan-Meier estimates with a wish."


def test_clauses_are_translated_in_their_sentence():
    text = (
        "Hazard ratios by Cox proportional hazards regression (ties by Efron, delayed entry, robust variance clustered "
        "by site), Wald intervals."
    )
    assert ZH.sentence(text) == (
        "Cox 比例风险回归的风险比（结点用 Efron 法，延迟进入，按 site 聚类的稳健方差），Wald 置信区间。"
    )


def test_english_without_labels_is_unchanged():
    for english, _ in texts_of("zh"):
        text = FIELD.sub("x", english)
        assert Labels().sentence(text) == text


def test_words_begin_headings():
    assert ZH.word("Prevalence") == ZH.word("prevalence") == "患病率"
    assert Labels().word("Prevalence") == "Prevalence"
    assert catalogue_of("fr").words == {}
