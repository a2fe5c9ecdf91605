"""The linter tells everything that is wrong at once, where it stands, and what would be right."""

from __future__ import annotations

import northbay
import pytest
from conftest import ROOT

from dermcohort.dictionary import DictionaryError, check_dictionary, read_dictionary


def problems_of(folder, **replacements):
    _, problems = check_dictionary(northbay.write_dictionary(folder, **replacements))
    return problems


def only(problems, code):
    found = [problem for problem in problems if problem.code == code]
    assert found, f"{code} not among {[str(p) for p in problems]}"
    return found[0]


def test_a_correct_dictionary_is_read_without_a_word(tmp_path):
    dictionary, problems = check_dictionary(northbay.write_dictionary(tmp_path))
    assert problems == []
    assert list(dictionary.cohorts["northbay"].waves) == ["baseline", "followup1", "deaths"]
    assert dictionary.variables["smoking_status"].levels == ("never", "former", "current")


def test_yaml_surprises_stay_text(tmp_path):
    cohort = northbay.COHORT.replace(
        "{97: refused, 98: dont_know, 99: not_applicable}", "{010: refused, no: dont_know}"
    )
    dictionary = read_dictionary(northbay.write_dictionary(tmp_path, cohort=cohort))
    assert dict(dictionary.cohorts["northbay"].missing_codes) == {"010": "refused", "no": "dont_know"}


def test_duplicate_key_names_both_lines(tmp_path):
    text = northbay.BASELINE.replace("  weight_kg:", "  height:         {from: HEIGHT2}\n  weight_kg:")
    problem = only(problems_of(tmp_path, baseline=text), "DD001")
    assert problem.text == "'height' is written twice in this block; the first is on line 15"
    assert (problem.line, problem.column) == (16, 3)
    assert problem.file.endswith("cohorts/northbay/baseline.yaml")


def test_unknown_category_is_located_with_a_proposal(tmp_path):
    text = northbay.BASELINE.replace("1: current, 2: current", "1: curent, 2: current")
    problem = only(problems_of(tmp_path, baseline=text), "DD136")
    assert "'curent' is not a category of 'smoking_status'" in problem.text
    assert problem.hint == "did you mean 'current'?"
    assert (problem.line, problem.column) == (9, 14)


@pytest.mark.parametrize(
    ("part", "old", "new", "code", "words"),
    [
        ("followup1", "unit: jin", "unit: pound", "DD163", "no factor from pound to kg for weight"),
        ("followup1", "from: 身高cm", "from: 身高cm, map: {1: x}", "DD135", "cannot be mapped"),
        ("baseline", "sex: ", "sexx:", "DD110", "'sexx' is not a variable"),
        ("baseline", "  height:         {from: HT}\n", "", "DD120", "nothing is said about 'height'"),
        ("baseline", "status: partial", "status: partly", "DD130", "status 'partly' is unknown"),
        ("baseline", "    note: Daily and occasional smokers share one category.\n", "", "DD131", "say why"),
        ("baseline", "9: refused", "9: refusd", "DD154", "'refusd' is not a missing reason"),
        ("baseline", "ascertainment: dermatologist", "ascertainment: doctor", "DD162", "needs 'ascertainment'"),
        ("baseline", "[1, current]", "[1, never]", "DD170", "gives 'current'"),
        ("baseline", "min_items: 2", "min_items: 3", "DD145", "1 to 2"),
        ("baseline", "limit: 0.2", "limt: 0.2", "DD010", "'limt' is not a key of below_lod"),
        ("followup1", "date: '%Y/%m/%d'", "date: yyyy", "DD141", "no date pattern"),
        ("cohort", "duplicates: keep_first", "duplicates: keep_latest(height)", "DD106", "needs a date"),
        ("cohort", r"'NB\d{4}'}" + "\n  deaths", r"'NB(\d'}" + "\n  deaths", "DD108", "no regular expression"),
        ("schema", "derive: bmi >= 28", "derive: bmj >= 28", "DD071", "'bmj'"),
        ("schema", "derive: bmi >= 28", "derive: obese", "DD074", "depend on each other"),
        ("schema", "derive: bmi >= 28", "derive: __import__('os').system('x')", "DD070", "not"),
        ("schema", "derive: bmi >= 28", "derive: open('x')", "DD070", "'open' is not a function"),
        ("schema", "smoking_status != 'never'", "smoking_status != 'nevr'", "DD072", "'nevr' is not a category"),
        ("schema", "soft: [130, 205]", "soft: [205, 130]", "DD068", "upside down"),
        ("schema", "type: ordinal", "type: ordinl", "DD054", "type 'ordinl'"),
        ("main", "code: 8,", "code: 12,", "DD023", "fixed code 8"),
        ("units", "slope: 0.5", "slope: 0", "DD031", "slope not 0"),
        ("conditions", "L40], title: Psoriasis, verified: true", "L40], title: x, verified: yes", "DD041", "true or false"),
        ("schema", "measures: lifetime", "measures: ever", "DD054", "measures 'ever'"),
        ("schema", "measures: lifetime", "measures: lifetime\n  followed_until: birth_date", "DD075", "only an event"),
        ("schema", "condition: psoriasis", "condition: psoriasys", "DD057", "not in conditions.yaml"),
    ],
)  # fmt: skip
def test_each_mistake_has_a_message(tmp_path, part, old, new, code, words):
    texts = {
        "main": northbay.DICTIONARY, "units": northbay.UNITS, "conditions": northbay.CONDITIONS,
        "schema": northbay.SCHEMA, "cohort": northbay.COHORT, "baseline": northbay.BASELINE,
        "followup1": northbay.FOLLOWUP,
    }  # fmt: skip
    assert old in texts[part]
    problem = only(problems_of(tmp_path, **{part: texts[part].replace(old, new, 1)}), code)
    assert words in problem.text
    assert problem.line >= 1


def test_missing_code_in_the_plausible_range_is_a_warning(tmp_path):
    text = northbay.BASELINE.replace("{from: WT}", "{from: WT, missing: {97: refused}}")
    problem = only(problems_of(tmp_path, baseline=text), "DD164")
    assert problem.level == "warning"
    assert "a real 97 would be lost" in problem.text


def test_all_problems_are_reported_together_and_sorted(tmp_path):
    text = northbay.BASELINE.replace("1: current,", "1: curent,").replace("{from: HT}", "{form: HT}")
    with pytest.raises(DictionaryError) as error:
        read_dictionary(northbay.write_dictionary(tmp_path, baseline=text))
    codes = [problem.code for problem in error.value.problems]
    assert {"DD136", "DD010", "DD133"} <= set(codes)
    assert list(error.value.problems) == sorted(error.value.problems)
    assert "baseline.yaml:9:14: error DD136" in str(error.value)


def test_comma_in_a_flow_mapping_is_explained(tmp_path):
    text = northbay.BASELINE.replace("{from: HT}", "{from: HT, expr: min_of(HT, 3)}")
    problems = problems_of(tmp_path, baseline=text)
    assert any("inside { } a comma" in problem.hint for problem in problems)


def test_syntax_error_and_missing_file(tmp_path):
    assert only(problems_of(tmp_path / "a", baseline="wave: [unclosed\n"), "DD002").line >= 1
    folder = northbay.write_dictionary(tmp_path / "b")
    (folder / "cohorts/northbay/followup1.yaml").unlink()
    _, problems = check_dictionary(folder)
    assert only(problems, "DD003").file.endswith("followup1.yaml")
    _, problems = check_dictionary(tmp_path / "nowhere")
    assert "does not exist" in problems[0].text


def test_extends_inherits_and_overrides(tmp_path):
    followup = "wave: northbay/followup1\nextends: baseline\nvariables:\n  height: {from: HT_M}\n"
    dictionary = read_dictionary(northbay.write_dictionary(tmp_path, followup1=followup))
    rules = dictionary.cohorts["northbay"].waves["followup1"].rules
    assert rules["height"].sources == ("HT_M",)
    assert rules["weight_kg"].sources == ("WT",)
    assert rules["vital_status"].status == "impossible"


def test_matrix_and_show(tmp_path):
    dictionary = read_dictionary(northbay.write_dictionary(tmp_path))
    matrix = dictionary.matrix()
    assert matrix.loc["smoking_status", ("northbay", "baseline")] == "partial"
    assert matrix.loc["phq2", ("northbay", "followup1")] == "impossible"
    assert matrix.loc["bmi", ("northbay", "baseline")] == "derived"
    shown = dictionary.show("weight_kg")
    assert shown["from"].tolist() == ["WT", "体重斤"]
    with pytest.raises(KeyError, match="did you mean 'weight_kg'"):
        dictionary.show("weight_kgg")


def test_the_shipped_dictionary_is_complete():
    dictionary, problems = check_dictionary(ROOT / "data-dictionary")
    assert [str(p) for p in problems if p.level == "error"] == []
    assert len(dictionary.variables) >= 70
    assert list(dictionary.cohorts) == ["central_china", "college", "hunan_metals"]
    for variable in dictionary.variables.values():
        assert set(variable.label) == {"en", "zh"}, variable.name
    undecided = dictionary.matrix().isin(["undecided"]).to_numpy().sum()
    assert undecided == 0


def test_the_framingham_dictionary_is_complete():
    _, problems = check_dictionary(ROOT / "examples/framingham/data-dictionary")
    assert problems == []


def test_codes_may_be_numbers_and_texts_in_one_rule(tmp_path):
    from northbay import write_dictionary

    folder = write_dictionary(tmp_path / "dict")
    path = folder / "cohorts" / "northbay" / "baseline.yaml"
    text = path.read_text("utf-8")
    assert "{8: dont_know, 9: refused}" in text
    path.write_text(text.replace("{8: dont_know, 9: refused}", "{8: dont_know, 'x': refused}"), "utf-8")
    rules = read_dictionary(folder).cohorts["northbay"].waves["baseline"].rules
    assert rules["smoking_status"].missing["x"] == "refused"


def test_a_mapping_that_cohort_yaml_does_not_announce_is_told(tmp_path):
    folder = northbay.write_dictionary(tmp_path)
    extra = folder / "cohorts" / "northbay" / "followup2.yaml"
    extra.write_text("wave: northbay/followup2\nextends: followup1\n", "utf-8")
    problem = only(check_dictionary(folder)[1], "DD127")
    assert problem.level == "warning"
    assert "followup2.yaml is no wave of cohort.yaml" in problem.text


def test_an_item_copied_in_the_place_of_its_score_is_told(tmp_path):
    """The baseline scores PHQ-2 from two items; a follow-up that copies one of them would pass for the score."""
    text = northbay.FOLLOWUP.replace("  psoriasis:", "  phq2: {from: 开始吸烟年龄}\n  psoriasis:")
    text = text.replace("phq2, ", "").replace(", phq2", "").replace("[phq2]", "[]")
    problem = only(problems_of(tmp_path, followup1=text), "DD128")
    assert "copied in northbay/followup1 but made of several columns in northbay/baseline" in problem.text


def test_a_wave_may_have_missing_codes_of_its_own(tmp_path):
    """They stand in for those of the cohort: 97, 98, 99 mean nothing on this form."""
    text = northbay.FOLLOWUP.replace("variables:", "missing_codes: {拒绝: refused}\nvariables:", 1)
    dictionary = read_dictionary(northbay.write_dictionary(tmp_path, followup1=text))
    waves = dictionary.cohorts["northbay"].waves
    assert waves["followup1"].rules["psoriasis"].missing == {"拒绝": "refused", "不清楚": "dont_know"}
    assert 97 in waves["baseline"].rules["psoriasis"].missing
