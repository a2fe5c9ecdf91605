"""A small synthetic cohort with two waves and a register, written as a user would: dictionary and raw files.

Six people at baseline (.sav), their follow-up (GB18030 CSV) and a register of deaths (CSV). Small enough that
every expected value of the tests can be read off the tables below.
"""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat

DICTIONARY = """\
format: 1
version: "2026.1"
languages: [en, zh]
reasons:
  refused:        {code: 1, group: nonresponse, label: {en: Refused, zh: 拒绝回答}}
  dont_know:      {code: 2, group: nonresponse, label: {en: Does not know, zh: 不知道}}
  no_answer:      {code: 3, group: nonresponse, label: {en: Left blank, zh: 未填写}}
  not_applicable: {code: 4, group: design, label: {en: Does not apply, zh: 不适用}}
  not_collected:  {code: 5, group: design, label: {en: Not collected, zh: 未收集}}
  below_lod:      {code: 6, group: censored, label: {en: Below detection limit, zh: 低于检测限}}
  above_loq:      {code: 7, group: censored, label: {en: Above quantification limit, zh: 高于定量限}}
  invalid:        {code: 8, group: quality, label: {en: Impossible value removed, zh: 异常值}}
  unmapped:       {code: 9, group: quality, label: {en: Source code has no rule, zh: 未映射}}
  withheld:       {code: 10, group: access, label: {en: Withheld, zh: 未提供}}
disclosure: {min_cell: 5}
"""
UNITS = """\
weight:
  - {from: jin, to: kg, slope: 0.5, source: 1 jin = 500 g}
crp:
  - {from: mg/dL, to: mg/L, slope: 10, source: SI prefix}
"""
CONDITIONS = """\
psoriasis:
  label: {en: Psoriasis, zh: 银屑病}
  icd10: {codes: [L40], title: Psoriasis, verified: true, source: ICD-10 2019}
  icd11: {codes: [EA90], title: Psoriasis, verified: true, source: ICD-11}
  case_definition: {en: Seen by a dermatologist, zh: 皮肤科医生诊断}
"""
SCHEMA = """\
sex:
  label: {en: Sex, zh: 性别}
  entity: participant
  type: nominal
  categories:
    female: {code: 1, label: {en: Female, zh: 女}}
    male:   {code: 2, label: {en: Male, zh: 男}}
birth_date:
  label: {en: Date of birth, zh: 出生日期}
  entity: participant
  type: date
  range: {hard: [1900-01-01, 2020-12-31]}
  sensitive: quasi
village:
  label: {en: Village, zh: 村}
  entity: participant
  type: code
vital_status:
  label: {en: Vital status, zh: 生存状态}
  entity: participant
  type: nominal
  keep: latest
  categories:
    alive: {code: 0, label: {en: Alive, zh: 存活}}
    dead:  {code: 1, label: {en: Dead, zh: 死亡}}
death_date:
  label: {en: Date of death, zh: 死亡日期}
  entity: participant
  type: date
  keep: latest
  asked_if: vital_status == 'dead'
last_contact_date:
  label: {en: Last contact, zh: 末次随访日期}
  entity: participant
  type: date
  keep: latest
visit_date:
  label: {en: Date of the examination, zh: 检查日期}
  type: date
  range: {hard: [2008-01-01, 2024-12-31]}
age:
  label: {en: Age, zh: 年龄}
  type: number
  unit: a
  derive: years_between(birth_date, visit_date)
smoking_status:
  label: {en: Smoking status, zh: 吸烟状况}
  type: ordinal
  categories:
    never:   {code: 0, label: {en: Never, zh: 从不}}
    former:  {code: 1, label: {en: Former, zh: 已戒}}
    current: {code: 2, label: {en: Current, zh: 现在}}
smoke_start_age:
  label: {en: Age when smoking began, zh: 开始吸烟年龄}
  type: number
  unit: a
  asked_if: smoking_status != 'never'
  range: {soft: [8, 60], hard: [5, 100]}
height:
  label: {en: Height, zh: 身高}
  type: number
  unit: cm
  analyte: length
  range: {soft: [130, 205], hard: [100, 230]}
weight_kg:
  label: {en: Weight, zh: 体重}
  type: number
  unit: kg
  analyte: weight
  range: {soft: [35, 180], hard: [25, 300]}
bmi:
  label: {en: Body mass index, zh: 体质指数}
  type: number
  unit: kg/m2
  derive: weight_kg / (height / 100) ** 2
obese:
  label: {en: Obesity, zh: 肥胖}
  type: yesno
  derive: bmi >= 28
crp:
  label: {en: C-reactive protein, zh: C反应蛋白}
  type: number
  unit: mg/L
  analyte: crp
  role: median
  range: {hard: [0, 500]}
phq2:
  label: {en: PHQ-2, zh: PHQ-2}
  type: number
  unit: points
  range: {hard: [0, 6]}
psoriasis:
  label: {en: Psoriasis, zh: 银屑病}
  type: yesno
  condition: psoriasis
  measures: lifetime
"""
COHORT = r"""
cohort: northbay
title: {en: North Bay (synthetic), zh: 北湾}
waves:
  baseline:  {order: 0, file: base.sav}
  followup1: {order: 1, file: fu1.csv, encoding: gb18030}
  deaths:    {order: 9, file: deaths.csv, kind: register}
id:
  baseline:  {from: NBID, pattern: 'NB\d{4}'}
  followup1: {from: 编号, expr: "'NB' + zfill(编号, 4)", pattern: 'NB\d{4}'}
  deaths:    {from: id}
duplicates: keep_first
missing_codes: {97: refused, 98: dont_know, 99: not_applicable}
"""
BASELINE = """\
wave: northbay/baseline
variables:
  sex:            {from: SEX, map: {1: male, 2: female}}
  birth_date:     {from: DOB, date: spss}
  village:        {from: VILLAGE}
  visit_date:     {from: EXAMDT, date: spss}
  smoking_status:
    from: Q12
    map: {1: current, 2: current, 3: former, 4: never}
    missing: {8: dont_know, 9: refused}
    status: partial
    note: Daily and occasional smokers share one category.
    examples: [[1, current], [3, former], [8, dont_know]]
  smoke_start_age: {from: Q13, missing: {97: refused}}
  height:         {from: HT}
  weight_kg:      {from: WT}
  crp:            {from: CRP, below_lod: {codes: [-1], limit: 0.2}}
  phq2:           {from: [PHQ1, PHQ2], score: {method: sum, min_items: 2, range: [0, 3]}}
  psoriasis:      {from: PSO, map: {0: no, 1: yes}, missing: {9: dont_know}, ascertainment: dermatologist}
impossible:
  - {variables: [vital_status, death_date, last_contact_date], note: Told by the register.}
"""
FOLLOWUP = """\
wave: northbay/followup1
variables:
  sex:            {from: 性别, map: {男: male, 女: female}}
  birth_date:     {from: 出生日期, date: '%Y/%m/%d'}
  visit_date:     {from: 检查日期, date: ['%Y年%m月%d日', '%Y/%m/%d']}
  smoking_status:
    from: 吸烟
    map: {从不: never, 已戒烟: former, 每天: current, 偶尔: current}
    missing: {拒答: refused, 不清楚: dont_know}
  smoke_start_age: {from: 开始吸烟年龄}
  height:         {from: 身高cm}
  weight_kg:      {from: 体重斤, unit: jin}
  crp:            {from: CRP结果, unit: mg/dL, below_lod: {prefix: '<'}}
  psoriasis:      {from: 银屑病, map: {否: no, 是: yes}, missing: {不清楚: dont_know}, ascertainment: self_report}
impossible:
  - {variables: [village], note: Recorded at enrolment.}
  - {variables: [phq2], note: Not asked at follow-up.}
  - {variables: [vital_status, death_date, last_contact_date], note: Told by the register.}
"""
DEATHS = """\
wave: northbay/deaths
variables:
  vital_status: {from: status, map: {alive: alive, dead: dead}}
  death_date: {from: died, date: '%Y-%m-%d'}
  last_contact_date: {from: last, date: '%Y-%m-%d'}
impossible:
  - {variables: [sex, birth_date, village], note: Recorded at enrolment.}
"""

SPSS_ORIGIN = pd.Timestamp("1582-10-14")


def spss_date(text: str) -> float:
    return (pd.Timestamp(text) - SPSS_ORIGIN).total_seconds()


def baseline_rows() -> pd.DataFrame:
    """One row a person; the comments say what is special."""
    rows = [
        # NBID, SEX, DOB, VILLAGE, EXAMDT, Q12, Q13, HT, WT, CRP, PHQ1, PHQ2, PSO, NAME
        ("NB0001", 1, "1960-01-01", "V1", "2018-01-01", 1, 20, 170, 70, 1.5, 1, 2, 0, "planted name one"),
        ("NB0002", 2, "1970-01-01", "V1", "2018-01-02", 4, np.nan, 160, 80, -1, 0, 0, 1, "planted name two"),
        # does not know whether smoking; Q13 refused (97, declared); height impossible; one PHQ item missing
        (
            "NB0003",
            2,
            "1980-01-01",
            "V2",
            "2018-01-03",
            8,
            97,
            999,
            60,
            np.nan,
            0,
            np.nan,
            0,
            "planted three",
        ),
        # never smoker who tells a start age; PSO don't know
        ("NB0004", 1, "1990-01-01", "V2", "2018-01-04", 4, 18, 175, 97, 2.5, 3, 3, 9, "planted name four"),
        # code 5 of Q12 has no rule; 99 by the cohort's codes; CRP user-missing that no rule mentions
        ("NB0005", 1, "1985-06-15", "V2", "2018-01-05", 5, np.nan, 180, 81, -9, 2, 1, 0, "planted name five"),
        (
            "NB0006",
            2,
            "1950-06-15",
            "V1",
            "2018-01-06",
            99,
            np.nan,
            150,
            45,
            0.4,
            1,
            1,
            0,
            "planted name six",
        ),
    ]
    columns = ["NBID", "SEX", "DOB", "VILLAGE", "EXAMDT", "Q12", "Q13", "HT", "WT", "CRP", "PHQ1", "PHQ2", "PSO",
               "NAME"]  # fmt: skip
    table = pd.DataFrame(rows, columns=columns)
    for name in ("DOB", "EXAMDT"):
        table[name] = [spss_date(text) for text in table[name]]
    return table


FOLLOWUP_ROWS = """\
编号,性别,出生日期,检查日期,吸烟,开始吸烟年龄,身高cm,体重斤,CRP结果,银屑病,手机号
1,男,1960/01/01,2020年1月1日,已戒烟,20,170,140,0.2,是,19900001234
2,女,1970/01/01,2020/01/02,从不,,160,１６０,<0.05,是,19900005678
3,女,1980/01/01,2020/01/03,拒答,,165,120,abc,否,19900001111
4,男,1990/01/01,2020/01/04,从不,,175,194,0.3,否,19900002222
"""
DEATH_ROWS = """\
id,status,died,last
NB0001,alive,,2021-01-01
NB0002,alive,,2021-01-01
NB0003,alive,,2021-01-01
NB0004,alive,,2021-01-01
NB0005,dead,2019-06-01,2019-06-01
NB0006,alive,,2021-01-01
"""


def write_dictionary(folder: Path, **replacements: str) -> Path:
    """Write the dictionary; replacements: main, units, conditions, schema, cohort, baseline, followup1, deaths."""
    texts = {
        "main": ("dictionary.yaml", DICTIONARY),
        "units": ("units.yaml", UNITS),
        "conditions": ("conditions.yaml", CONDITIONS),
        "schema": ("schema/10_person.yaml", SCHEMA),
        "cohort": ("cohorts/northbay/cohort.yaml", COHORT),
        "baseline": ("cohorts/northbay/baseline.yaml", BASELINE),
        "followup1": ("cohorts/northbay/followup1.yaml", FOLLOWUP),
        "deaths": ("cohorts/northbay/deaths.yaml", DEATHS),
    }
    for key, (name, text) in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(replacements.get(key, text)), "utf-8")
    return folder


def write_raw(
    folder: Path,
    baseline: pd.DataFrame | None = None,
    followup: str = FOLLOWUP_ROWS,
    deaths: str = DEATH_ROWS,
) -> Path:
    """Write the three raw files."""
    folder.mkdir(parents=True, exist_ok=True)
    table = baseline_rows() if baseline is None else baseline
    pyreadstat.write_sav(
        table,
        folder / "base.sav",
        missing_ranges={"CRP": [-9], "Q13": [97]},
        variable_format={"DOB": "DATE11", "EXAMDT": "DATE11"},
        variable_value_labels={"SEX": {1: "Male", 2: "Female"}},
    )
    (folder / "fu1.csv").write_bytes(followup.encode("gb18030"))
    (folder / "deaths.csv").write_text(deaths, "utf-8")
    return folder
