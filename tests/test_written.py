"""`harmonize_to` writes what `harmonize` and `save` write, without all visits in memory."""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import dermcohort as dc
from dermcohort.harmonize import columns, run
from dermcohort.harmonize.spool import Spool
from dermcohort.harmonize.vectors import date, number, text
from dermcohort.study import TABLES

ROOT = Path(__file__).parent.parent


def assert_same(dictionary, raw, folder):
    dc.harmonize(dictionary, raw).save(folder / "saved")
    dc.harmonize_to(dictionary, raw, folder / "written")
    saved, written = dc.open_study(folder / "saved"), dc.open_study(folder / "written")
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(written, name), getattr(saved, name), obj=name)
    pd.testing.assert_frame_equal(written.schema, saved.schema)
    assert written.manifest == saved.manifest
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("group", [2, 100_000])
def test_northbay_is_the_same(northbay, tmp_path, monkeypatch, group):
    monkeypatch.setattr(columns, "GROUP", group)
    assert_same(dc.read_dictionary(northbay[0]), northbay[1], tmp_path)


def test_simulated_cohorts_are_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(columns, "GROUP", 70)
    dc.simulate_cohorts(tmp_path / "raw", n=600, seed=5)
    assert_same(dc.read_dictionary(ROOT / "data-dictionary"), tmp_path / "raw", tmp_path)


def test_nothing_is_left_after_an_error_and_the_study_of_before_stays(northbay, tmp_path, monkeypatch):
    dictionary = dc.read_dictionary(northbay[0])
    out = dc.harmonize_to(dictionary, northbay[1], tmp_path / "out")
    seen = []

    def fail(*_):
        spool = tmp_path / ".out.spool"
        seen.extend(path for path in (spool, *spool.iterdir()))
        assert all(stat.S_IMODE(path.stat().st_mode) == 0o700 for path in seen)
        raise RuntimeError("disk full")

    monkeypatch.setattr(run, "write_study", fail)
    with pytest.raises(RuntimeError, match="disk full"):
        dc.harmonize_to(dictionary, northbay[1], out)
    assert len(seen) > 1 and not seen[0].exists()
    assert len(dc.open_study(out).visits) == 10


def test_a_spool_is_a_dict_of_vectors(tmp_path):
    spool = Spool(tmp_path / "spool")
    vectors = {
        "x": number([1.5, np.nan, 3], [0, 2, 0]),
        "day": date(np.array(["2020-01-02", "NaT"], "datetime64[D]"), [0, 3]),
        "word": text([1, -1], ["a", "b"], [0, 3]),
        "none": number([]),
    }
    spool.update(vectors)
    assert list(spool) == list(vectors) and "x" in spool and "y" not in spool
    for name, vector in vectors.items():
        assert spool[name].kind == vector.kind
        np.testing.assert_array_equal(spool[name].data, vector.data)
        np.testing.assert_array_equal(spool[name].why, vector.why)
    np.testing.assert_array_equal(spool.rows("x", slice(1, 3)).why, [2, 0])
    assert spool.pop("x").data[2] == 3 and "x" not in spool
    assert len(list((tmp_path / "spool").iterdir())) == 6
