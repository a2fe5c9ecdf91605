"""What the raw files look like: names, codes, units and languages, which differ from wave to wave.

`VARIABLES` gives every variable its short name, its Chinese question and the Chinese words of its answers. A
`Style` says how one file writes them; a `Layout` is one file: its style and the variables it has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .population import ITEM_SCALES, PSQI_FREQUENCIES

YES_NO = {"no": "否", "yes": "是"}
FREQUENCY = {"never": "从不", "sometimes": "有时", "often": "经常"}
SCHOOLING = {
    "none": "未上学", "primary": "小学", "middle_school": "初中", "high_school": "高中或中专", "college": "大专及以上",
}  # fmt: skip
ITEM_WORDS = {"0": "完全没有", "1": "几天", "2": "一半以上天数", "3": "几乎每天"}
ETHNICITIES = {
    "han": "汉族", "tujia": "土家族", "miao": "苗族", "hui": "回族", "uyghur": "维吾尔族", "mongol": "蒙古族", "other": "其他",
}  # fmt: skip

# variable -> (short name, Chinese name, words of the answers or None for numbers and texts)
VARIABLES: dict[str, tuple[str, str, Mapping[str, str] | None]] = {
    "sex": ("SEX", "性别", {"female": "女", "male": "男"}),
    "birth_date": ("BIRTHDT", "出生日期", None),
    "ethnicity": ("ETHNIC", "民族", ETHNICITIES),
    "subcohort": (
        "SUBCOH", "子队列",
        {"henan_rural": "河南农村", "hunan_employees": "湖南机关", "hubei_workers": "湖北产业"},
    ),
    "site": ("SITE", "现场", None),
    "stratum": ("STRATUM", "层", None),
    "cluster": ("PSU", "村", None),
    "weight": ("WGT", "抽样权重", None),
    "visit_date": ("EXAMDT", "检查日期", None),
    "education": ("EDU", "文化程度", SCHOOLING),
    "parental_education": ("PEDU", "父母文化程度", SCHOOLING),
    "income": (
        "INCOME", "家庭年收入",
        {"under_20k": "不足2万", "20k_to_50k": "2-5万", "50k_to_100k": "5-10万", "over_100k": "10万以上"},
    ),
    "occupation": (
        "OCCUP", "职业",
        {"farmer": "农民", "worker": "工人", "office": "机关或专业技术", "student": "学生", "retired": "退休", "other": "其他"},
    ),
    "marital_status": ("MARITAL", "婚姻状况", {"single": "未婚", "married": "已婚", "widowed_divorced": "丧偶或离异"}),
    "residence": ("RESID", "居住地", {"rural": "农村", "urban": "城市"}),
    "years_at_residence": ("RESYRS", "居住年限", None),
    "occupational_arsenic": ("OCCAS", "砷作业史", YES_NO),
    "well_water": ("WELL", "饮用井水", YES_NO),
    "smoking_status": ("SMOKE", "吸烟", {"never": "从不", "former": "已戒烟", "current": "现在吸"}),
    "cigarettes_per_day": ("CIGS", "每天支数", None),
    "smoking_years": ("SMKYRS", "吸烟年数", None),
    "secondhand_smoke": (
        "SHS", "二手烟",
        {"none": "无", "1_to_2_days": "1-2天", "3_to_4_days": "3-4天", "5_to_7_days": "5-7天"},
    ),
    "alcohol": ("ALC", "饮酒", {"never": "从不", "occasional": "偶尔", "weekly": "每周", "daily": "每天"}),
    "soft_drinks": (
        "SOFT", "饮料", {"none": "不喝", "1_to_2": "1-2次", "3_to_6": "3-6次", "7_or_more": "7次以上"},
    ),
    "sun_exposure": ("SUN", "日晒小时", None),
    "sunscreen": ("SUNSCR", "防晒霜", FREQUENCY),
    "skin_type": ("FITZ", "皮肤分型", {level: f"{level}型" for level in ("I", "II", "III", "IV", "V", "VI")}),
    "physical_activity": ("PA", "体力活动", {"low": "低", "moderate": "中", "high": "高"}),
    "spicy_food": ("SPICY", "辛辣食物", FREQUENCY),
    "height": ("HT", "身高", None),
    "weight_kg": ("WT", "体重", None),
    "waist": ("WAIST", "腰围", None),
    "systolic": ("SBP", "收缩压", None),
    "diastolic": ("DBP", "舒张压", None),
    "bp_treated": ("BPMED", "服降压药", YES_NO),
    "total_cholesterol": ("TC", "总胆固醇", None),
    "triglycerides": ("TG", "甘油三酯", None),
    "hdl": ("HDL", "高密度脂蛋白", None),
    "ldl": ("LDL", "低密度脂蛋白", None),
    "glucose": ("GLU", "空腹血糖", None),
    "hba1c": ("HBA1C", "糖化血红蛋白", None),
    "uric_acid": ("UA", "尿酸", None),
    "serum_creatinine": ("CREA", "血肌酐", None),
    "urine_creatinine": ("UCREA", "尿肌酐", None),
    "itch_nrs": ("ITCH", "瘙痒评分", None),
    "psoriasis": ("PSO", "银屑病", YES_NO),
    "atopic_dermatitis": ("AD", "特应性皮炎", YES_NO),
    "hand_eczema": ("HE", "手部湿疹", YES_NO),
    "acne": ("ACNE", "痤疮", YES_NO),
    "acne_severity": ("ACNEGR", "痤疮分级", {"none": "无", "mild": "I级", "moderate": "II-III级", "severe": "IV级"}),
    "rosacea": ("ROS", "玫瑰痤疮", YES_NO),
    "chronic_urticaria": ("CU", "慢性荨麻疹", YES_NO),
    "vitiligo": ("VIT", "白癜风", YES_NO),
    "alopecia_areata": ("AA", "斑秃", YES_NO),
    "androgenetic_alopecia": ("AGA", "雄激素性脱发", YES_NO),
    "tinea": ("TINEA", "癣", YES_NO),
    "arsenical_keratosis": ("ASKERA", "砷角化", YES_NO),
    "arsenical_dyspigmentation": ("ASPIG", "砷色素异常", YES_NO),
    "cutaneous_tumor": ("TUMOR", "皮肤肿瘤", YES_NO),
    "systemic_lupus": ("SLE", "红斑狼疮", YES_NO),
    "chronic_itch": ("CHITCH", "慢性瘙痒", YES_NO),
    "asthma": ("ASTHMA", "哮喘", YES_NO),
    "allergic_rhinitis": ("AR", "过敏性鼻炎", YES_NO),
    "family_history_atopy": ("FHATOP", "特应性家族史", YES_NO),
    "family_history_psoriasis": ("FHPSO", "银屑病家族史", YES_NO),
}  # fmt: skip
for _matrix, _letter, _chinese in (("blood", "B", "血"), ("urine", "U", "尿"), ("hair", "H", "发")):
    for _metal, _name in (("as", "砷"), ("cd", "镉"), ("pb", "铅"), ("hg", "汞"), ("mn", "锰")):
        VARIABLES[f"{_matrix}_{_metal}"] = (f"{_letter}_{_metal.upper()}", f"{_chinese}{_name}", None)
for _scale, _items in ITEM_SCALES.items():
    for _item in range(1, _items + 1):
        VARIABLES[f"{_scale}_{_item}"] = (f"{_scale.upper()}_{_item}", f"{_scale.upper()}第{_item}题", None)
for _position, _name in enumerate(
    ("bed_time", "latency_minutes", "get_up_time", "hours_slept", *PSQI_FREQUENCIES), start=1
):
    VARIABLES[f"psqi_{_name}"] = (f"PSQI{_position}", f"睡眠第{_position}题", None)

DATES = ("birth_date", "visit_date")
CLOCKS = ("psqi_bed_time", "psqi_get_up_time")
DECIMALS = {
    "blood_pb": 1, "blood_mn": 1, "urine_as": 1, "hair_as": 3, "hair_cd": 4, "hair_pb": 2, "hair_hg": 3,
    "hair_mn": 2, "urine_creatinine": 2, "total_cholesterol": 2, "triglycerides": 2, "hdl": 2, "ldl": 2,
    "glucose": 2, "hba1c": 1, "uric_acid": 0, "serum_creatinine": 0, "weight_kg": 1, "height": 1, "weight": 2,
}  # fmt: skip

DESIGN = ("sex", "birth_date", "ethnicity", "site", "stratum", "cluster", "weight")
IDENTITY = ("sex", "birth_date")
DEMOGRAPHY = ("education", "income", "occupation", "marital_status", "residence")
HABITS = (
    "smoking_status", "cigarettes_per_day", "smoking_years", "secondhand_smoke", "alcohol", "soft_drinks",
    "sun_exposure", "sunscreen", "skin_type", "physical_activity", "spicy_food",
)  # fmt: skip
EXAM = ("height", "weight_kg", "waist", "systolic", "diastolic")
LABORATORY = (
    "total_cholesterol", "triglycerides", "hdl", "ldl", "glucose", "hba1c", "uric_acid", "serum_creatinine",
)  # fmt: skip
METALS = tuple(name for name in VARIABLES if name.startswith(("blood_", "urine_", "hair_")))
SKIN = (
    "psoriasis", "atopic_dermatitis", "hand_eczema", "acne", "acne_severity", "rosacea", "chronic_urticaria",
    "vitiligo", "alopecia_areata", "androgenetic_alopecia", "tinea", "cutaneous_tumor", "systemic_lupus",
    "chronic_itch",
)  # fmt: skip
ARSENIC_SKIN = ("arsenical_keratosis", "arsenical_dyspigmentation")
HISTORY = ("asthma", "allergic_rhinitis", "family_history_atopy", "family_history_psoriasis")
SCALES = (
    "itch_nrs",
    *(name for name in VARIABLES if name.startswith(("phq2_", "gad2_", "dlqi_", "psqi_"))),
)
NO_SLEEP = tuple(name for name in SCALES if not name.startswith("psqi_"))


@dataclass(frozen=True)
class Style:
    """How a file writes its answers.

    names: short, lower or chinese. answers: codes, chinese or english words. `first_code` is the code of the
    first answer. `refused`, `dont_know`: codes of coded answers (None: tagged .a and .b). `refused_number`: the
    same for numbers. `dates`: spss, stata, sas, excel, typed, or a strftime pattern. `below`: how a value below
    the detection limit is written. `factors`: divide-by factors of variables in another unit.
    """

    names: str
    answers: str
    dates: str
    first_code: int = 1
    refused: int | None = 7
    dont_know: int | None = 8
    refused_number: float | None = 997
    below: str = "code"
    clock: str = "hours"
    item_words: bool = False
    split_smoking: bool = False
    merge_retired: bool = False
    full_width: bool = False
    factors: Mapping[str, tuple[float, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Layout:
    """One raw file."""

    cohort: str
    wave: str
    file: str
    style: Style
    id_column: str
    id_format: str
    variables: tuple[str, ...]
    fake_identifiers: tuple[str, str, str] = ("NAME", "PHONE", "IDCARD")
    unused: tuple[str, ...] = ("Q901", "Q902", "Q903")

    def column(self, variable: str) -> str:
        """The raw column of a variable."""
        short, chinese, _ = VARIABLES[variable]
        return {"short": short, "lower": short.lower(), "chinese": chinese}[self.style.names]


JIN = {"weight_kg": (0.5, 1)}
METERS = {"height": (100.0, 3)}
US_UNITS = {
    "total_cholesterol": (10 / 386.65, 0), "hdl": (10 / 386.65, 0), "ldl": (10 / 386.65, 0),
    "triglycerides": (10 / 885.4, 0), "glucose": (10 / 180.156, 0), "uric_acid": (10000 / 168.11, 1),
    "serum_creatinine": (10000 / 113.12, 2),
}  # fmt: skip
CHINESE_IDENTIFIERS = ("姓名", "手机号", "身份证号")

_HUNAN_ALWAYS = (*HABITS, *EXAM, "bp_treated", *METALS, *SKIN, *ARSENIC_SKIN)
LAYOUTS = (
    Layout(
        "hunan_metals", "baseline", "hunan_metals/baseline.sav",
        Style("short", "codes", "spss", split_smoking=True), "HMID", "HM{:06d}",
        (*DESIGN, "visit_date", *DEMOGRAPHY, "years_at_residence", "occupational_arsenic", "well_water",
         *_HUNAN_ALWAYS, *HISTORY, *SCALES),
    ),
    Layout(
        "hunan_metals", "followup1", "hunan_metals/followup1.csv",
        Style("chinese", "chinese", "%Y年%m月%d日", below="text", clock="text", item_words=True, full_width=True,
              factors=JIN),
        "编号", "{:d}",
        (*IDENTITY, "visit_date", "income", "well_water", *_HUNAN_ALWAYS, *NO_SLEEP),
        CHINESE_IDENTIFIERS, ("备注一", "备注二"),
    ),
    Layout(
        "hunan_metals", "followup2", "hunan_metals/followup2.xlsx",
        Style("chinese", "codes", "excel", below="word", refused=97, dont_know=98, factors=METERS),
        "编号", "HM{:06d}",
        (*IDENTITY, "visit_date", "income", "well_water", *_HUNAN_ALWAYS, *SCALES),
        CHINESE_IDENTIFIERS, ("备注一", "备注二"),
    ),
    Layout(
        "central_china", "baseline", "central_china/baseline.dta",
        Style("lower", "codes", "stata", refused=None, dont_know=None, refused_number=None), "ccid", "CC{:07d}",
        (*DESIGN, "subcohort", "visit_date", *DEMOGRAPHY, *HABITS, *EXAM, "bp_treated", *LABORATORY, *SKIN,
         *HISTORY, *NO_SLEEP),
        ("name", "phone", "idcard"), ("q901", "q902", "q903"),
    ),
    Layout(
        "central_china", "followup1", "central_china/followup1.xpt",
        Style("short", "codes", "sas", merge_retired=True, factors=US_UNITS), "CCID", "CC{:07d}",
        (*IDENTITY, "visit_date", "income", "occupation", *HABITS, *EXAM, "bp_treated", *LABORATORY, *SKIN,
         *NO_SLEEP),
    ),
    Layout(
        "central_china", "followup2", "central_china/followup2.parquet",
        Style("lower", "english", "typed", refused_number=None), "ccid", "CC{:07d}",
        (*IDENTITY, "visit_date", "income", "occupation", *HABITS, *EXAM, "bp_treated", *LABORATORY, *SKIN,
         *NO_SLEEP),
        ("name", "phone", "idcard"), ("q901", "q902"),
    ),
    Layout(
        "college", "baseline", "college/baseline.csv",
        Style("chinese", "chinese", "%Y/%m/%d", clock="text"), "学号", "{:d}",
        (*DESIGN, "visit_date", "parental_education", "income", "residence", *HABITS, "height", "weight_kg",
         "systolic", "diastolic", *SKIN, *HISTORY, *SCALES),
        CHINESE_IDENTIFIERS, ("兴趣爱好", "宿舍人数"),
    ),
    Layout(
        "college", "followup1", "college/followup1.zsav",
        Style("short", "codes", "spss", first_code=0, refused=97, dont_know=98), "STUID", "{:d}",
        (*IDENTITY, "visit_date", *HABITS, "height", "weight_kg", "systolic", "diastolic", *SKIN, *SCALES),
    ),
    Layout(
        "college", "followup2", "college/followup2.csv",
        Style("lower", "english", "%Y-%m-%d", refused_number=None), "student_no", "{:d}",
        (*IDENTITY, "visit_date", *HABITS, "height", "weight_kg", *SKIN, *NO_SLEEP),
        ("name", "phone", "idcard"), ("club", "room_mates"),
    ),
)  # fmt: skip
ID_OFFSET = {"college": 2_018_000_000}
