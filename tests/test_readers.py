"""Readers: every format gives the declared columns as they stand in the file, with all it says about absence.

Files are written here by pyreadstat, pandas and xlsxwriter; tests/data has those that no Python library writes.
Every cell of the files that must be refused holds `MARK`, and `refusal` checks that no message repeats it.
"""

from __future__ import annotations

import datetime as dt
import pickle
import struct
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyreadstat
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from dermcohort.harmonize.dates import read_dates
from dermcohort.harmonize.vectors import INVALID, NO_ANSWER
from dermcohort.harmonize.verbs import Context, raw_vector
from dermcohort.readers import ReaderError, read_header, read_raw

DATA = Path(__file__).parent / "data"
MARK = "王小明19900001234"


def refusal(path, columns, **options) -> str:
    """Message of the refusal: it names the file, and neither it nor its pickle holds a cell."""
    with pytest.raises(ReaderError) as caught:
        read_raw(path, columns, **options)
    message = str(caught.value)
    assert path.name in message
    assert MARK not in message and "1990000" not in message
    assert MARK.encode() not in pickle.dumps(caught.value)
    return message


def write(folder, name, content, encoding="utf-8"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def texts(column) -> list:
    return [None if code < 0 else column.levels[code] for code in column.values]


def people(n=300) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    return pd.DataFrame(
        {"id": [f"{MARK}{i}" for i in range(n)], "x": rng.normal(size=n), "k": rng.integers(0, 9, n) * 1.0}
    )


# ---------------------------------------------------------------- what every format keeps


def test_only_the_declared_columns_are_read_and_in_their_order(tmp_path):
    table = people(5)
    pyreadstat.write_sav(table, tmp_path / "f.sav")
    pyreadstat.write_sav(table, tmp_path / "f.zsav", compress=True)
    pyreadstat.write_xport(table, tmp_path / "f.xpt")
    table.to_stata(tmp_path / "f.dta", write_index=False, version=118)
    table.to_csv(tmp_path / "f.csv", index=False)
    table.to_csv(tmp_path / "f.tsv", index=False, sep="\t")
    table.to_excel(tmp_path / "f.xlsx", index=False, engine="xlsxwriter")
    table.to_parquet(tmp_path / "f.parquet")
    for path in sorted(tmp_path.iterdir()):
        assert read_header(path) == ["id", "x", "k"], path.name
        read = read_raw(path, ["k", "x"])
        assert list(read.columns) == ["k", "x"], path.name
        assert read.n_rows == 5
        for name in ("k", "x"):
            column = read.columns[name]
            values = [float(text) for text in texts(column)] if column.kind == "text" else column.values
            np.testing.assert_allclose(values, table[name], err_msg=f"{path.name} {name}")
        assert MARK not in repr(read)


@pytest.mark.parametrize("suffix", ["sav", "zsav"])
def test_spss_keeps_missing_codes_ranges_and_labels(tmp_path, suffix):
    path = tmp_path / f"base.{suffix}"
    table = pd.DataFrame({"q": [1.0, 97, 999, np.nan], "r": [5.0, 80, 90, 7], "s": ["a", "zz", "", " b "]})
    pyreadstat.write_sav(
        table, path, compress=suffix == "zsav",
        missing_ranges={"q": [97, 98, 999], "r": [{"lo": 80, "hi": 95}, 7], "s": ["zz"]},
        variable_value_labels={"q": {1: "是", 97: "拒答"}}, column_labels={"q": "是否吸烟", "r": "r", "s": "s"},
    )  # fmt: skip
    columns = read_raw(path, ["q", "r", "s"]).columns
    assert columns["q"].missing_ranges == ((97, 97), (98, 98), (999, 999))
    assert columns["r"].missing_ranges == ((80, 95), (7, 7))
    assert columns["s"].missing_ranges == (("zz", "zz"),)
    np.testing.assert_equal(columns["q"].values, [1, 97, 999, np.nan])  # the codes are still there
    assert columns["q"].value_labels == {1: "是", 97: "拒答"}
    assert columns["q"].label == "是否吸烟"
    assert [text.strip() for text in texts(columns["s"])] == ["a", "zz", "", "b"]


def test_spss_date_that_no_calendar_of_pandas_holds(tmp_path):
    """9999-09-09 is a usual sentinel; it is a number here, and the other dates of the column stay exact."""
    origin = np.datetime64("1582-10-14", "s")
    seconds = [(np.datetime64(day, "s") - origin).astype(float) for day in ("2018-01-31", "9999-09-09")]
    pyreadstat.write_sav(
        pd.DataFrame({"d": [*seconds, np.nan]}), tmp_path / "d.sav", variable_format={"d": "DATE11"}
    )
    column = read_raw(tmp_path / "d.sav", ["d"]).columns["d"]
    assert (column.kind, column.date_format) == ("number", "DATE11")
    np.testing.assert_equal(column.values, [*seconds, np.nan])


@pytest.mark.parametrize("encoding", [None, "utf-8"])  # read by pandas and by pyreadstat
def test_stata_keeps_tagged_missings_and_their_labels(tmp_path, encoding):
    pyreadstat.write_dta(
        pd.DataFrame({"k": [1, "a", "b", 2, None], "plain": [1.0, 2, 3, 4, 5]}), tmp_path / "t.dta",
        missing_user_values={"k": ["a", "b"]}, variable_value_labels={"k": {1: "yes", "a": "refused"}},
        column_labels=["银屑病", "plain"],
    )  # fmt: skip
    columns = read_raw(tmp_path / "t.dta", ["k", "plain"], encoding=encoding).columns
    np.testing.assert_equal(columns["k"].values, [1, np.nan, np.nan, 2, np.nan])
    assert columns["k"].tags.tolist() == [0, ord("a"), ord("b"), 0, 0]
    assert columns["k"].value_labels == {1: "yes", ".a": "refused"}
    assert columns["k"].label == "银屑病"
    assert columns["plain"].tags is None


def test_stata_integers_with_missings_are_floats_and_dates_keep_their_format(tmp_path):
    days = pd.to_datetime(["2020-01-01", None, "2021-01-01"])
    table = pd.DataFrame({"i": pd.array([1, None, 3], "Int8"), "day": days, "moment": days})
    table.to_stata(tmp_path / "q.dta", convert_dates={"day": "td", "moment": "tc"}, write_index=False)
    columns = read_raw(tmp_path / "q.dta", ["i", "day", "moment"]).columns
    assert columns["i"].values.dtype == np.float64
    np.testing.assert_equal(columns["i"].values, [1, np.nan, 3])
    assert (columns["day"].date_format, columns["moment"].date_format) == ("%td", "%tc")
    np.testing.assert_equal(columns["day"].values, [21915, np.nan, 22281])
    np.testing.assert_equal(columns["moment"].values, [21915 * 86.4e6, np.nan, 22281 * 86.4e6])


@pytest.mark.parametrize("byteorder", [">", "<"])
@pytest.mark.parametrize("version", [114, 117, 118, 119])
def test_every_storage_type_of_stata_keeps_every_missing(tmp_path, version, byteorder):
    """Values beyond the plain missing are .a to .z: integers one apart, floats by their exponent and mantissa."""
    types = {"b": np.int8, "i": np.int16, "l": np.int32, "f": np.float32, "d": np.float64}
    limits = {"b": 101, "i": 32_741, "l": 2_147_483_621}
    table = pd.DataFrame({name: np.array([-3, 5, 7, 9, 100], kind) for name, kind in types.items()})
    table["s"] = ["", "x", "two words", " é", "end"]
    path = tmp_path / "all.dta"
    table.to_stata(path, write_index=False, version=version, byteorder=byteorder)
    bits = {"b": "i1", "i": "i2", "l": "i4", "f": "i4", "d": "i8"}
    first = {**limits, "f": 0x7F00_0000, "d": 0x7FE0_0000_0000_0000}
    apart = {"b": 1, "i": 1, "l": 1, "f": 0x800, "d": 0x100_0000_0000}
    content = bytearray(path.read_bytes())
    width = sum(np.dtype(kind).itemsize for kind in types.values()) + 9
    row = content.find(np.array([-3], "i1").tobytes() + np.array([-3], f"{byteorder}i2").tobytes())
    for position, letter in enumerate([0, 1, 26], start=1):  # ., .a, .z in rows 2 to 4
        place = row + position * width
        for name, kind in bits.items():
            cell = np.array([first[name] + letter * apart[name]], f"{byteorder}{kind}").tobytes()
            content[place : place + len(cell)] = cell
            place += len(cell)
    path.write_bytes(content)
    columns = read_raw(path, [*types, "s"]).columns
    for name in types:
        np.testing.assert_equal(columns[name].values, [-3, np.nan, np.nan, np.nan, 100])
        assert columns[name].tags.tolist() == [0, 0, ord("a"), ord("z"), 0]
    assert texts(columns["s"]) == table["s"].tolist()


def test_long_texts_of_stata_and_the_columns_beside_them(tmp_path):
    table = pd.DataFrame({"n": [1.5, 2], "l": ["x" * 3000, "短"], "m": [3.5, 4]})
    table.to_stata(tmp_path / "l.dta", write_index=False, version=118, convert_strl=["l"])
    assert read_raw(tmp_path / "l.dta", ["m"]).columns["m"].values.tolist() == [3.5, 4]
    columns = read_raw(tmp_path / "l.dta", ["m", "l"]).columns
    assert columns["m"].values.tolist() == [3.5, 4]
    assert texts(columns["l"]) == table["l"].tolist()


def test_a_stata_text_that_is_no_utf8_is_refused(tmp_path):
    pd.DataFrame({"n": ["xxxx", "b"]}).to_stata(tmp_path / "g.dta", version=118, write_index=False)
    path = write(tmp_path, "g.dta", (tmp_path / "g.dta").read_bytes().replace(b"xxxx", "张三".encode("gbk")))
    assert "declare the right 'encoding'" in refusal(path, ["n"])
    assert texts(read_raw(path, ["n"], encoding="gbk").columns["n"]) == ["张三", "b"]


def test_old_stata_file_in_gbk_with_declared_encoding(tmp_path):
    pd.DataFrame({"n": ["xxxx", "b"]}).to_stata(tmp_path / "o.dta", version=114, write_index=False)
    path = write(tmp_path, "o.dta", (tmp_path / "o.dta").read_bytes().replace(b"xxxx", "张三".encode("gbk")))
    assert texts(read_raw(path, ["n"], encoding="gbk").columns["n"]) == ["张三", "b"]


def test_sas_codes_stay_codes_and_the_catalogue_gives_their_labels():
    """pyreadstat itself would put the labels in the place of the codes."""
    path, catalog = DATA / "sas/visits.sas7bdat", DATA / "sas/formats.sas7bcat"
    columns = read_raw(path, ["SMOKE", "EXAMDT", "SEEN", "ID"], catalog=catalog).columns
    np.testing.assert_equal(columns["SMOKE"].values, [1, np.nan, np.nan, np.nan, 2])
    assert columns["SMOKE"].tags.tolist() == [0, ord("a"), ord("b"), 0, 0]  # .A and .B, and a plain missing
    assert columns["SMOKE"].value_labels == {1: "Never", 2: "Current"}
    assert columns["SMOKE"].label == "Smoking"
    assert (columns["EXAMDT"].date_format, columns["SEEN"].date_format) == ("DATE9", "DATETIME20")
    assert columns["EXAMDT"].values[0] * 86_400 == columns["SEEN"].values[0]
    assert texts(columns["ID"]) == ["P1", "P2", "P3", "P4", "P5"]
    assert read_raw(path, ["SMOKE"]).columns["SMOKE"].value_labels == {}
    assert "nowhere.sas7bcat does not exist" in refusal(path, ["ID"], catalog=DATA / "sas/nowhere.sas7bcat")


def test_xpt_keeps_labels_and_date_formats(tmp_path):
    table = pd.DataFrame({"ID": ["a", "b"], "D": [21915.0, np.nan]})
    pyreadstat.write_xport(
        table, tmp_path / "x.xpt", column_labels=["Number", "Day"], variable_format={"D": "DATE9"}
    )
    columns = read_raw(tmp_path / "x.xpt", ["ID", "D"]).columns
    assert (columns["ID"].label, columns["D"].date_format) == ("Number", "DATE9")
    np.testing.assert_equal(columns["D"].values, [21915, np.nan])


def test_xpt_keeps_tagged_missings(tmp_path):
    """ReadStat gives .A and .B as plain missing: the reason would be lost."""
    table = pd.DataFrame(
        {"ID": ["A", "B", "C", "D", "E"], "X": [1.0, 2, 3, np.nan, 5], "Y": [np.nan, 0, 1, 2, 3]}
    )
    pyreadstat.write_xport(table, tmp_path / "x.xpt")
    content = (tmp_path / "x.xpt").read_bytes()
    start = content.index(b"HEADER RECORD*******OBS") + 80
    width = 1 + 8 + 8
    for row, letter in [(1, b"A"), (2, b"_")]:  # the numbers 2 and 3 become .A and ._
        at = start + row * width + 1
        content = content[:at] + letter + bytes(7) + content[at + 8 :]
    columns = read_raw(write(tmp_path, "x.xpt", content), ["Y", "X", "ID"]).columns
    np.testing.assert_equal(columns["X"].values, [1, np.nan, np.nan, np.nan, 5])
    assert columns["X"].tags.tolist() == [0, ord("a"), ord("_"), 0, 0]
    assert columns["Y"].tags is None and texts(columns["ID"]) == list("ABCDE")


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.large_string())]
)
def test_parquet_texts_of_every_writer(tmp_path, kind):
    """polars and newer pandas write large strings, others dictionaries of them."""
    values = pa.array(["007", None, "<0.5"])
    values = values.dictionary_encode().cast(kind) if pa.types.is_dictionary(kind) else values.cast(kind)
    pq.write_table(pa.table({"x": values}), tmp_path / "p.parquet")
    assert texts(read_raw(tmp_path / "p.parquet", ["x"]).columns["x"]) == ["007", None, "<0.5"]


def test_parquet_numbers_and_dates(tmp_path):
    table = pa.table(
        {
            "whole": pa.array([1, None, 3], pa.int32()), "flag": pa.array([True, None, False]), "none": pa.nulls(3),
            "day": pa.array([dt.date(2020, 1, 1), None, dt.date(9999, 9, 9)]),
        }
    )  # fmt: skip
    pq.write_table(table, tmp_path / "p.parquet")
    columns = read_raw(tmp_path / "p.parquet", ["whole", "flag", "none", "day"]).columns
    np.testing.assert_equal(columns["whole"].values, [1, np.nan, 3])
    np.testing.assert_equal(columns["flag"].values, [1, np.nan, 0])
    assert np.isnan(columns["none"].values).all()
    assert columns["day"].kind == "date"
    assert [str(day)[:10] for day in columns["day"].values] == ["2020-01-01", "NaT", "9999-09-09"]


def test_excel_sheet_header_row_and_kinds_of_cells(tmp_path):
    book = xlsxwriter.Workbook(tmp_path / "x.xlsx")
    book.add_worksheet("说明").write(0, 0, "first sheet")
    sheet = book.add_worksheet("数据")
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    sheet.write(0, 0, "a title above the header")
    sheet.write_row(1, 0, ["num", "code", "date", "mixed", "none"])
    for row, (number, code, date) in enumerate(
        [(1.5, "007", dt.datetime(2019, 5, 3)), (2, "<0.5", None)], start=2
    ):
        sheet.write(row + row // 3, 0, number)  # the second row follows an empty one
        sheet.write_string(row + row // 3, 1, code)
        if date:
            sheet.write_datetime(row, 2, date, day)
            sheet.write_datetime(row, 3, date, day)
        else:
            sheet.write_string(row + 1, 3, "未知")
    book.close()
    options = {"sheet": "数据", "header_row": 2}
    assert read_header(tmp_path / "x.xlsx", **options) == ["num", "code", "date", "mixed", "none"]
    columns = read_raw(tmp_path / "x.xlsx", ["num", "code", "date", "mixed", "none"], **options).columns
    assert columns["num"].values.tolist() == [1.5, 2]
    assert texts(columns["code"]) == ["007", "<0.5"]
    assert [str(value)[:10] for value in columns["date"].values] == ["2019-05-03", "NaT"]
    assert texts(columns["mixed"]) == ["2019-05-03", "未知"]
    assert np.isnan(columns["none"].values).all()
    assert "sheet '数剧' is not in the workbook" in refusal(tmp_path / "x.xlsx", ["num"], sheet="数剧")
    assert "no header in row 50" in refusal(tmp_path / "x.xlsx", ["num"], header_row=50)


def test_dates_of_every_format_become_the_same_days(tmp_path):
    """Numbers since 1582, 1960 and 1899, in seconds, milliseconds and days: 2018-01-01, none, and a sentinel."""
    days = ["2018-01-01", None, "9999-09-09"]

    def since(origin):
        steps = [np.datetime64(day or "NaT", "D") - np.datetime64(origin, "D") for day in days]
        return np.array(steps) / np.timedelta64(1, "D")

    pyreadstat.write_sav(
        pd.DataFrame({"d": since("1582-10-14") * 86_400}), tmp_path / "s.sav", variable_format={"d": "DATE11"}
    )
    for suffix, form, factor in [("td", "%td", 1), ("tc", "%tc", 86_400_000)]:
        table = pd.DataFrame({"d": since("1960-01-01") * factor})
        pyreadstat.write_dta(table, tmp_path / f"{suffix}.dta", variable_format={"d": form})
    for suffix, form, factor in [("day", "DATE9", 1), ("moment", "DATETIME20", 86_400)]:
        table = pd.DataFrame({"d": since("1960-01-01") * factor})
        pyreadstat.write_xport(table, tmp_path / f"{suffix}.xpt", variable_format={"d": form})
    pq.write_table(
        pa.table({"d": pa.array([dt.date.fromisoformat(d) if d else None for d in days])}),
        tmp_path / "p.parquet",
    )
    pd.DataFrame({"k": 1, "d": since("1899-12-30")}).to_excel(
        tmp_path / "e.xlsx", index=False, engine="xlsxwriter"
    )
    write(tmp_path, "c.csv", "d\n" + "\n".join(f'"{day or ""}"' for day in days) + "\n")
    systems = {
        ".sav": "spss",
        ".dta": "stata",
        ".xpt": "sas",
        ".xlsx": "excel",
        ".parquet": "auto",
        ".csv": "%Y-%m-%d",
    }
    context = Context(reasons={}, conversions={}, columns={}, n_rows=3)
    for path in tmp_path.iterdir():
        column = read_raw(path, ["d"]).columns["d"]
        found = read_dates(raw_vector(column, {}, context), [systems[path.suffix]], None, column.date_format)
        assert [str(day) for day in found.data] == ["2018-01-01", "NaT", "NaT"], path.name
        assert found.why.tolist() == [0, NO_ANSWER, INVALID], path.name


# ---------------------------------------------------------------- Chinese encodings


def test_six_files_in_three_encodings_are_one_table():
    tables = {path.name: read_raw(path, read_header(path)) for path in sorted((DATA / "gbk").glob("*.sav"))}
    assert len(tables) == 6
    model = tables["derm_UTF-8_unc.sav"]
    assert list(model.columns) == ["SEQN", "性别", "年龄", "银屑病", "体重指数", "吸烟", "调查地点"]
    assert model.columns["银屑病"].value_labels == {1: "是", 2: "否", 7: "拒绝回答", 9: "不知道"}
    assert model.columns["银屑病"].missing_ranges == ((7, 7), (9, 9))
    assert model.columns["银屑病"].label.endswith("𠮷㐂")  # no GBK characters
    for name, table in tables.items():
        assert (table.n_rows, table.notices) == (400, ()), name
        for column, expected in model.columns.items():
            found = table.columns[column]
            np.testing.assert_equal(found.values, expected.values, err_msg=f"{name} {column}")
            assert expected.levels is None or found.levels.tolist() == expected.levels.tolist()
            assert (found.value_labels, found.missing_ranges) == (
                expected.value_labels,
                expected.missing_ranges,
            )
            assert (
                found.label == expected.label.removesuffix("𠮷㐂")
                if "GBK" in name
                else found.label == expected.label
            )


@pytest.mark.parametrize("declared", [None, "gbk"])
def test_file_that_says_gbk_but_holds_a_four_byte_character_is_read_with_a_notice(tmp_path, declared):
    content = (DATA / "gbk/derm_GB18030_unc.sav").read_bytes()
    record = struct.pack("<4i", 7, 20, 1, 7) + b"GB18030"  # length and name of the encoding
    assert record in content
    path = write(tmp_path, "says_gbk.sav", content.replace(record, struct.pack("<4i", 7, 20, 1, 3) + b"GBK"))
    table = read_raw(path, read_header(path), encoding=declared)
    assert table.columns["银屑病"].label.endswith("𠮷㐂")
    assert len(table.notices) == 1 and "read as GB18030" in table.notices[0]


@pytest.mark.parametrize(
    ("written", "declared"),
    [("utf-8", None), ("utf-8-sig", None), ("utf-8-sig", "utf-8"), ("gb18030", "gb18030"), ("gb18030", "GBK"),
     ("gb18030", "gb2312"), ("big5", "big5"), ("utf-16", "utf-16")],
)  # fmt: skip
def test_csv_encodings(tmp_path, written, declared):
    rare = "𠮷" if written not in ("big5",) else ""  # GBK is read as its superset
    path = write(tmp_path, "c.csv", f"編號,性別\n001,女{rare}\n002,男\n", written)
    assert read_header(path, encoding=declared) == ["編號", "性別"]
    columns = read_raw(path, ["性別", "編號"], encoding=declared).columns
    assert texts(columns["編號"]) == ["001", "002"]
    assert texts(columns["性別"]) == [f"女{rare}", "男"]


def test_csv_texts_are_not_interpreted(tmp_path):
    path = write(tmp_path, "c.csv", 'a,b\n007,<0.5\nNA,"x, ""y"""\n,NULL\n1e3,2019-01-01\n')
    columns = read_raw(path, ["a", "b"]).columns
    assert texts(columns["a"]) == ["007", "NA", "", "1e3"]
    assert texts(columns["b"]) == ["<0.5", 'x, "y"', "NULL", "2019-01-01"]


def test_csv_delimiter_tab_and_header_row(tmp_path):
    path = write(tmp_path, "c.csv", "title,of,the export\n\na;b\n1,5;x\n")
    columns = read_raw(path, ["a", "b"], delimiter=";", header_row=3).columns
    assert (texts(columns["a"]), texts(columns["b"])) == (["1,5"], ["x"])
    assert texts(read_raw(write(tmp_path, "c.tsv", "a\tb\n1,5\tx\n"), ["a"]).columns["a"]) == ["1,5"]
    assert texts(read_raw(write(tmp_path, "c.txt", "a|b\n1,5|x\n"), ["b"], delimiter="|").columns["b"]) == [
        "x"
    ]


def test_csv_quoted_newlines_and_blank_lines(tmp_path):
    path = write(tmp_path, "c.csv", 'a,"b\nb"\r\n"1\n1",2\r\n\r\n3,"4\r\n"')
    columns = read_raw(path, ["a", "b\nb"]).columns
    assert (texts(columns["a"]), texts(columns["b\nb"])) == (["1\n1", "3"], ["2", "4\r\n"])


@pytest.mark.parametrize("content", ["a,b", "a,b\n", "a,b\r\n\r\n", "\ufeffa,b"])
def test_csv_with_a_header_only_has_no_rows(tmp_path, content):
    table = read_raw(write(tmp_path, "c.csv", content), ["a", "b"])
    assert table.n_rows == 0 and len(table.columns["a"].values) == 0


# ---------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("content", "options", "words"),
    [
        (f"a,b\n1,2\n{MARK},{MARK},{MARK}\n", {}, "line 3 has 3 fields, the header has 2"),
        (f"a,b\n1,2\n{MARK}\n", {}, "line 3 has 1 fields, the header has 2"),
        (f'a,b\n"1\n\n{MARK}",2\n\n{MARK},,\n', {}, "line 6 has 3 fields"),  # lines of an editor, not rows
        (f"title\n\na,b\n1,2\n{MARK}\n", {"header_row": 3}, "line 5 has 1 fields"),
        (f'a,b\n1,2\n3,"{MARK}\n4,5\n', {}, "line 3 has a quotation mark that is never closed"),
        (f"a,a,b\n{MARK},2,3\n", {}, "column 'a' stands twice in the header"),
        (f"a;b\n{MARK};2\n", {}, "column 'a' is not in the file (and 1 more: b). The header is a single field: is the delimiter ';'?"),
        (f"A,b_\n{MARK},2\n", {}, "column 'a' is not in the file (and 1 more: b). Did you mean 'A'?"),
        ("\na,b\n1,2\n", {}, "no header on line 1"),
        ("a,b\n1,2\n", {"header_row": 9}, "no header on line 9"),
        ("", {}, "the file is empty (0 bytes)"),
        ("a,b\n", {"encoding": "klingon"}, "'klingon' is no known encoding"),
        (f"a,b\nx,y\n{MARK},2\n".encode("gb18030"), {}, "line 3 is no utf-8 text; declare 'encoding: gb18030'"),
        (f"{MARK},b\n1,2\n".encode("gb18030"), {}, "line 1 is no utf-8 text; declare 'encoding: gb18030'"),
        (f"a,b\n{MARK}é,2\n".encode(), {"encoding": "gbk"}, "line 2 is no gb18030 text; declare 'encoding: utf-8'"),
        (b"a,b\n\xff\xff\x81,2\n", {}, "line 2 is no utf-8 text; save it again as UTF-8"),
    ],
)  # fmt: skip
def test_csv_refusals(tmp_path, content, options, words):
    assert words in refusal(write(tmp_path, "c.csv", content), ["a", "b"], **options)


def test_stray_quotation_marks_inside_a_cell_are_no_reason_to_refuse(tmp_path):
    path = write(tmp_path, "c.csv", 'a,b\n5" pipe,2\n3,4\n')
    assert texts(read_raw(path, ["a"]).columns["a"]) == ['5" pipe', "3"]


def write_all(folder, table):
    """One file a format that a transfer can cut."""
    pyreadstat.write_sav(table, folder / "plain.sav")
    pyreadstat.write_sav(table, folder / "rows.sav", row_compress=True)
    pyreadstat.write_sav(table, folder / "z.zsav", compress=True)
    pyreadstat.write_xport(table, folder / "v8.xpt", file_format_version=8)
    latin = table.assign(id=[text.replace("王小明", "Wang") for text in table["id"]])
    latin.to_stata(folder / "s114.dta", write_index=False, version=114)
    table.to_stata(folder / "s118.dta", write_index=False, version=118)
    table.to_excel(folder / "e.xlsx", index=False, engine="xlsxwriter")
    table.to_parquet(folder / "p.parquet")
    (folder / "gbk.sav").write_bytes((DATA / "gbk/derm_GBK.sav").read_bytes())
    (folder / "sas.sas7bdat").write_bytes((DATA / "sas/visits.sas7bdat").read_bytes())
    return sorted(folder.iterdir())


def test_a_truncated_file_is_refused_wherever_it_was_cut(tmp_path):
    """Never fewer rows in silence. Only the closing tags of Stata 118 may be absent: all rows are there then."""
    for path in write_all(tmp_path, people()):
        content, columns = path.read_bytes(), read_header(path)
        cuts = {int(len(content) * share) for share in np.linspace(0.002, 0.995, 25)} | {len(content) - 100}
        for cut in sorted(cuts):
            half = write(tmp_path, f"half{path.suffix}", content[:cut])
            message = refusal(half, columns)
            assert "truncated" in message or "empty" in message, (path.name, cut)
            half.unlink()


def test_an_old_transport_file_cut_within_a_row_is_refused(tmp_path):
    """Version 5 tells no number of rows: a cut that falls between two rows and two records cannot be seen."""
    table = people()
    pyreadstat.write_xport(table, tmp_path / "v5.xpt", file_format_version=5)
    content = (tmp_path / "v5.xpt").read_bytes()
    assert read_raw(tmp_path / "v5.xpt", ["x"]).n_rows == len(table)
    silent = 0
    for cut in range(1600, len(content), 80):
        try:
            silent += read_raw(write(tmp_path, "half.xpt", content[:cut]), ["x"]).n_rows < len(table)
        except ReaderError as error:
            assert "truncated" in str(error)
    assert silent <= (len(content) - 1600) / 80 / 4
    assert "truncated" in refusal(write(tmp_path, "half.xpt", content[:-7]), ["x"])


def test_few_rows_are_no_truncated_transport_file(tmp_path):
    for n in (0, 1, 2, 3, 5, 7, 10):
        pyreadstat.write_xport(people(10).iloc[:n], tmp_path / "n.xpt")
        assert read_raw(tmp_path / "n.xpt", ["id"]).n_rows == n
    pyreadstat.write_xport(pd.DataFrame({"t": ["", ""]}), tmp_path / "n.xpt")
    assert read_raw(tmp_path / "n.xpt", ["t"]).n_rows == 2


@pytest.mark.parametrize("suffix", ["sav", "zsav", "dta", "xpt", "sas7bdat", "xlsx", "parquet"])
def test_a_text_file_under_another_name_is_refused(tmp_path, suffix):
    message = refusal(write(tmp_path, f"t.{suffix}", f"a,b\n{MARK},2\n" * 200), ["a"])
    assert f"no readable .{suffix} file" in message or "truncated" in message


def test_damaged_and_protected_workbooks(tmp_path):
    people(50).to_excel(tmp_path / "e.xlsx", index=False, engine="xlsxwriter")
    content = bytearray((tmp_path / "e.xlsx").read_bytes())
    content[200:400] = bytes(200)
    assert "no readable .xlsx file" in refusal(write(tmp_path, "bad.xlsx", bytes(content)), ["id"])
    assert "no readable .xlsx file" in refusal(write(tmp_path, "zip.xlsx", b"PK\x05\x06" + bytes(18)), ["id"])
    assert "protected by a password" in refusal(write(tmp_path, "pw.xlsx", encrypted_workbook()), ["id"])


def encrypted_workbook() -> bytes:
    """The container of a workbook with a password: a compound file with the stream EncryptedPackage ([MS-CFB])."""
    free, end = 0xFFFFFFFF, 0xFFFFFFFE
    header = struct.pack(
        "<8s16s5H6x9I", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"", 0x3E, 3, 0xFFFE, 9, 6,
        0, 1, 1, 0, 4096, end, 0, end, 0,
    ) + struct.pack("<109I", 0, *[free] * 108)  # fmt: skip
    table = struct.pack("<128I", 0xFFFFFFFD, end, *[free] * 126)

    def entry(name, kind, child):
        text = f"{name}\0".encode("utf-16-le") if name else b""
        return struct.pack(
            "<64sHBBIII16sIQQIQ", text, len(text), kind, 1, free, free, child, b"", 0, 0, 0, end, 0
        )

    return (
        header
        + table
        + entry("Root Entry", 5, 1)
        + entry("EncryptedPackage", 2, free)
        + entry("", 0, free) * 2
    )


def test_missing_column_in_every_format_proposes_the_closest(tmp_path):
    table = people(3).rename(columns={"x": "SMOKE1"})
    for path in write_all(tmp_path, table):
        if path.name not in ("gbk.sav", "sas.sas7bdat"):
            message = refusal(path, ["k", "SMOKE_1", "id_"])
            assert (
                "column 'SMOKE_1' is not in the file (and 1 more: id_). Did you mean 'SMOKE1'?" in message
            ), path


def test_absent_file_unknown_kind_and_folder(tmp_path):
    write(tmp_path, "base.csv", "a\n1\n")
    message = refusal(tmp_path / "bsae.csv", ["a"])
    assert "does not exist" in message and "Did you mean 'base.csv'?" in message
    assert "files of kind '.docx' are not read; .sav" in refusal(write(tmp_path, "x.docx", MARK), ["a"])
    (tmp_path / "folder.csv").mkdir()
    assert "is a folder" in refusal(tmp_path / "folder.csv", ["a"])


def test_the_cause_of_a_refusal_is_not_shown_in_a_traceback(tmp_path):
    """The libraries quote cells in their own errors; a traceback of ours must not print theirs."""
    with pytest.raises(ReaderError) as caught:
        read_raw(write(tmp_path, "c.csv", f"a,b\n1,2\n{MARK},{MARK},3\n"), ["a"])
    assert caught.value.__suppress_context__ and caught.value.__cause__ is None


# ---------------------------------------------------------------- properties

numbers = st.floats(allow_nan=True, allow_infinity=False, width=32).map(float)
words = st.text(st.characters(codec="gb18030", exclude_categories=["C", "Z"]), max_size=8)


def rows_of(values):
    return st.lists(values, min_size=1, max_size=20)


@settings(max_examples=30, deadline=None)
@given(rows_of(numbers))
def test_numbers_come_back_from_every_format(values):
    table = pd.DataFrame({"x": values})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pyreadstat.write_sav(table, folder / "f.sav", row_compress=True)
        table.to_stata(folder / "f.dta", write_index=False)
        table.to_parquet(folder / "f.parquet")
        for path in folder.iterdir():
            np.testing.assert_equal(read_raw(path, ["x"]).columns["x"].values, values, err_msg=path.name)


@settings(max_examples=40, deadline=None)
@given(rows_of(words), st.sampled_from(["utf-8", "utf-8-sig", "gb18030"]))
def test_texts_come_back_from_every_format(values, encoding):
    table = pd.DataFrame({"k": 1.0, "x": values})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pyreadstat.write_sav(table, folder / "f.sav")
        table.to_stata(folder / "f.dta", write_index=False, version=118)
        table.to_parquet(folder / "f.parquet")
        table.to_csv(folder / "f.csv", index=False, encoding=encoding)
        for path in folder.iterdir():
            options = {"encoding": encoding} if path.suffix == ".csv" else {}
            assert texts(read_raw(path, ["x"], **options).columns["x"]) == values, path.name
