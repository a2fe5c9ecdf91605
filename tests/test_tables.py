"""A file read in tables of a few rows is the file read as a whole, in every format."""

from __future__ import annotations

import struct

import numpy as np
import pandas as pd
import pyreadstat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_readers import DATA, people, write, write_all

from dermcohort.raw_table import RawTable, ReaderError
from dermcohort.readers import read_header, read_raw, read_tables

LETTERS = ["a", "b", None]


def assert_whole(tables: list[RawTable], whole: RawTable) -> None:
    """The tables follow each other, and their values, texts and tags are those of the whole."""
    assert [table.offset for table in tables] == [0, *np.cumsum([table.n_rows for table in tables])[:-1]]
    assert sum(table.n_rows for table in tables) == whole.n_rows
    for name, expected in whole.columns.items():
        parts = [table.columns[name] for table in tables]
        assert {part.kind for part in parts} == {expected.kind}, name
        for part in parts:
            same = ("label", "value_labels", "missing_ranges", "date_format")
            assert all(getattr(part, item) == getattr(expected, item) for item in same)
        if expected.kind == "text":
            cells = [np.append(p.levels, None)[p.values] for p in parts]
            assert (
                np.concatenate(cells).tolist() == np.append(expected.levels, None)[expected.values].tolist()
            )
            continue
        np.testing.assert_array_equal(np.concatenate([part.values for part in parts]), expected.values)
        tags = [np.zeros(len(p.values), np.uint8) if p.tags is None else p.tags for p in parts]
        whole_tags = np.zeros(len(expected.values)) if expected.tags is None else expected.tags
        np.testing.assert_array_equal(np.concatenate(tags), whole_tags)


def write_every_format(folder, n):
    """Numbers, texts with quotes and line ends, tagged missings: the files that can hold them."""
    rng = np.random.default_rng(n)
    words = np.array(["", "是", "a, b", 'in "quotes"', "two\nlines"], dtype=object)
    table = pd.DataFrame({"id": [f"P{i}" for i in range(n)], "x": rng.normal(size=n).round(2)})
    table["word"] = words[rng.integers(0, 5, n)]
    table.loc[rng.random(n) < 0.2, "x"] = np.nan
    table.to_csv(folder / "c.csv", index=False)
    table.to_parquet(folder / "p.parquet", row_group_size=5)
    table.to_excel(folder / "e.xlsx", index=False, engine="xlsxwriter")
    table["tagged"] = [LETTERS[i % 3] if i % 4 == 0 else float(i) for i in range(n)]
    table["tagged"] = table["tagged"].astype(object)
    pyreadstat.write_dta(table, folder / "t.dta", missing_user_values={"tagged": ["a", "b"]})
    table["tagged"] = [97.0 if i % 4 == 0 else float(i) for i in range(n)]
    for name, options in (("s.sav", {"row_compress": True}), ("z.zsav", {"compress": True}), ("u.sav", {})):
        pyreadstat.write_sav(table, folder / name, missing_ranges={"tagged": [97]}, **options)
    pyreadstat.write_xport(table.drop(columns="word"), folder / "x.xpt")
    content = (folder / "x.xpt").read_bytes()
    (folder / "x.xpt").write_bytes(content.replace(struct.pack(">d", 0) * 2, b"A" + bytes(15)))
    return sorted(folder.iterdir())


@settings(max_examples=12, deadline=None)
@given(n=st.integers(1, 40), rows=st.integers(2, 45))
def test_any_size_of_tables_gives_the_same_columns(tmp_path_factory, n, rows):
    for path in write_every_format(tmp_path_factory.mktemp("f"), n):
        columns = read_header(path)
        tables = list(read_tables(path, columns, rows))
        assert_whole(tables, read_raw(path, columns))
        if path.suffix != ".xlsx":
            assert [table.n_rows for table in tables][:-1] == [rows] * (len(tables) - 1), path.name
            assert 0 < tables[-1].n_rows <= rows, path.name


@pytest.mark.parametrize("encoding", [None, "utf-8"])
def test_tagged_missings_of_stata_in_tables(tmp_path, encoding):
    write_every_format(tmp_path, 30)
    path = tmp_path / "t.dta"
    tables = list(read_tables(path, read_header(path), 7, encoding=encoding))
    assert_whole(tables, read_raw(path, read_header(path), encoding=encoding))
    assert len(tables) == 5


def test_real_files_in_tables():
    for path in [*(DATA / "gbk").glob("*.sav"), *(DATA / "sas").glob("*.sas7bdat")]:
        tables = list(read_tables(path, read_header(path), 3))
        assert len(tables) > 1
        assert_whole(tables, read_raw(path, read_header(path)))


def test_a_file_without_rows_is_one_empty_table(tmp_path):
    table = people(3).iloc[:0]
    table.to_csv(tmp_path / "f.csv", index=False)
    table.to_parquet(tmp_path / "f.parquet")
    table.to_stata(tmp_path / "f.dta", write_index=False)
    pyreadstat.write_sav(people(3).iloc[:0].astype({"id": str}), tmp_path / "f.sav")
    for path in sorted(tmp_path.iterdir()):
        (only,) = read_tables(path, ["id", "x"], 2)
        assert only.n_rows == 0 and list(only.columns) == ["id", "x"], path.name


def gbk_file_with_a_late_four_byte_character(folder):
    """Twenty texts in GBK, and in the last row a character that only GB18030 has."""
    table = pd.DataFrame({"id": [f"P{i}" for i in range(21)], "x": np.arange(21.0), "word": ["yyyy"] * 21})
    table.loc[20, "word"] = "xxxx"
    pyreadstat.write_sav(table, folder / "g.sav")
    content = (folder / "g.sav").read_bytes()
    content = content.replace(b"xxxx", "𠮷".encode("gb18030")).replace(b"yyyy", "张三".encode("gbk"))
    return write(folder, "g.sav", content)


def test_an_encoding_that_fails_in_the_midst_begins_the_file_anew(tmp_path):
    path = gbk_file_with_a_late_four_byte_character(tmp_path)
    tables = list(read_tables(path, ["id", "word"], 6, encoding="gbk"))
    assert [table.offset for table in tables] == [0, 6, 12, 0, 6, 12, 18]
    assert [len(table.notices) for table in tables] == [0, 0, 0, 1, 1, 1, 1]
    assert_whole(tables[3:], read_raw(path, ["id", "word"], encoding="gbk"))
    assert tables[-1].columns["word"].levels.tolist() == ["张三", "𠮷"]


def test_a_truncated_file_is_refused_in_tables_too(tmp_path):
    for path in write_all(tmp_path, people()):
        content, columns = path.read_bytes(), read_header(path)
        for share in (0.5, 0.9):
            half = write(tmp_path, f"half{path.suffix}", content[: int(len(content) * share)])
            with pytest.raises(ReaderError, match=r"truncated|empty"):
                list(read_tables(half, columns, 40))
            half.unlink()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a,b\n" + "1,2\n" * 20 + "3\n", "line 22 has 1 fields, the header has 2"),
        ("a,b\n" + "1,2\n" * 20 + '3,"4\n', "line 22 has a quotation mark that is never closed"),
        (("a,b\n" + "1,2\n" * 20 + "是,2\n").encode("gb18030"), "line 22 is no utf-8 text"),
    ],
)
def test_csv_refusals_in_tables(tmp_path, content, words):
    with pytest.raises(ReaderError, match=words):
        list(read_tables(write(tmp_path, "c.csv", content), ["a", "b"], 3))
