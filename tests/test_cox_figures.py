"""Figures of proportional hazards: what is drawn is what R draws."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from golden import read, reference

from dermcohort.estimates import Estimates
from dermcohort.survival import cox, kaplan_meier

OUTCOME = {"time": "time", "event": "status"}


@pytest.fixture
def fit():
    return cox("trt + karno + age", read("veteran"), **OUTCOME)


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.mark.parametrize(
    ("transform", "coefficient", "id_"), [("km", "karno", "own.zph.smooth"), ("log", "age", "own.zph.smooth.log")]
)  # fmt: skip
def test_smooth_is_that_of_plot_cox_zph(fit, transform, coefficient, id_):
    smooth = fit.ph_test(transform).smooth(coefficient).iloc[[0, 14, 39]]
    found = smooth[["x", "estimate", "std_error"]].to_numpy().T.ravel()
    np.testing.assert_allclose(found, reference(id_), rtol=1e-8)


def test_residuals_are_those_of_the_fit(fit):
    test = fit.ph_test()
    np.testing.assert_array_equal(test.residuals[["trt", "karno", "age"]], fit.residuals("scaled_schoenfeld"))
    assert test.residuals["time"].is_monotonic_increasing
    assert len(test.residuals) == fit.events


def test_a_line_through_a_line():
    """A natural spline gives a straight line back as it is."""
    from dermcohort.survival.coefficient_course import natural_smooth

    x = np.random.default_rng(1).uniform(2, 9, 60)
    grid, line, error = natural_smooth(x, 3 - 2 * x, 1.0)
    np.testing.assert_allclose(line, 3 - 2 * grid, rtol=1e-10)
    assert (grid[0], grid[-1]) == (x.min(), x.max()) and (error > 0).all()


def test_a_panel_for_each_coefficient(fit):
    ax = fit.ph_test().plot(labels={"karno": "Karnofsky score", "time": "Days"})
    panels = ax.figure.axes
    assert [panel.get_ylabel() for panel in panels] == [
        "log HR of trt", "log HR of Karnofsky score", "log HR of age",
    ]  # fmt: skip
    assert {panel.get_xlabel() for panel in panels} == {"Days"}
    points, constant, line = panels[1].get_lines()
    assert len(points.get_xdata()) == fit.events and len(line.get_xdata()) == 40
    assert constant.get_ydata()[0] == fit.coefficients["karno"]


def test_one_panel_on_given_axes(fit):
    _, ax = plt.subplots()
    assert fit.ph_test("log").plot(ax, coefficient="karno") is ax
    labels = [float(tick.get_text()) for tick in ax.get_xticklabels()]
    np.testing.assert_allclose(np.exp(ax.get_xticks()), labels, rtol=0.1)
    with pytest.raises(ValueError, match="ax is one panel, say coefficient="):
        fit.ph_test().plot(ax)
    with pytest.raises(ValueError, match=r"'karnof' is not in the model\. Did you mean 'karno'"):
        fit.ph_test().plot(coefficient="karnof")


def test_few_events_have_no_line():
    data = pd.DataFrame({"time": [1, 2, 3, 4, 5, 6], "status": [1, 1, 0, 1, 0, 1], "x": [1, 0, 1, 0, 1, 0]})
    test = cox("x", data, **OUTCOME).ph_test()
    assert test.smooth("x").empty
    assert len(test.plot().get_lines()) == 2


def test_saved_test_is_drawn_again(fit, tmp_path):
    test = fit.ph_test()
    again = Estimates.load(test.save(tmp_path / "ph"))
    pd.testing.assert_frame_equal(again.smooth("age"), test.smooth("age"))


def test_log_log_curves():
    curves = kaplan_meier(read("veteran"), "time", "status", by="trt")
    ax = curves.plot_log_log(labels={"time": "Days"})
    assert ax.get_xscale() == "log" and ax.get_xlabel() == "Days"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["1", "2"]
    line = ax.get_lines()[0]
    survival = curves.at(line.get_xdata())
    survival = survival[survival["trt"] == 1]["estimate"]
    np.testing.assert_allclose(line.get_ydata(), np.log(-np.log(survival)), rtol=1e-12)
    assert np.isfinite(line.get_ydata()).all()
