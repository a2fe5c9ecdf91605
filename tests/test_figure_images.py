"""Figures look as they did: each is compared with a picture in tests/images, in English and some in Chinese.

After a change that is meant, `python tests/figure_cases.py` draws the pictures again; look at them before they are
committed. They hold for the minor version of matplotlib that drew them.
"""

import itertools
import warnings
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
import pytest
from figure_cases import CASES, CHINESE, ENGLISH, IMAGES, PAIRS, draw
from matplotlib import ft2font
from matplotlib.testing.compare import compare_images
from PIL import Image

from dermcohort import figures
from dermcohort.figures.matrix import STATUSES
from dermcohort.figures.reasons import REASONS
from dermcohort.figures.style import COLORS, DASHES, FONT_FILE, MARKERS, luminance, text_color

ROOT = Path(__file__).parents[1]
TOLERANCE = (
    0.25  # root mean square of 255 levels of a color; a single changed letter can be as little as that
)


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.mark.parametrize(("name", "language"), PAIRS, ids=[".".join(pair) for pair in PAIRS])
def test_figure_looks_as_before(name, language, tmp_path):
    expected = IMAGES / f"{name}.{language}.png"
    drawn_by = Image.open(expected).info["Software"].split(",")[0].removeprefix("Matplotlib version")
    if drawn_by.rsplit(".", 1)[0] != mpl.__version__.rsplit(".", 1)[0]:
        pytest.skip(f"the pictures are of matplotlib {drawn_by}, this is {mpl.__version__}")
    drawn = tmp_path / expected.name
    draw(name, language, drawn)
    found = compare_images(str(expected), str(drawn), TOLERANCE, in_decorator=True)
    if found is not None:
        pytest.fail(
            f"the figure '{name}' ({language}) has changed by {found['rms']:.2f}: see {found['diff']} "
            f"(expected {expected}, drawn {drawn})",
            pytrace=False,
        )


def test_every_picture_belongs_to_a_case():
    assert {file.name for file in IMAGES.glob("*.png")} == {f"{'.'.join(pair)}.png" for pair in PAIRS}


def test_a_changed_figure_is_noticed(tmp_path):
    ax = CASES["timeline"](ENGLISH)
    ax.texts[0].set_text("Baselime")
    with figures.journal_style():
        ax.figure.savefig(tmp_path / "changed.png", dpi=50, bbox_inches="tight")
    draw("timeline", "en", tmp_path / "same.png")
    expected = str(tmp_path / "same.png")
    assert compare_images(expected, str(tmp_path / "changed.png"), TOLERANCE) is not None


@pytest.mark.parametrize("name", CASES)
def test_no_character_is_missing(name, tmp_path):
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Glyph")
        draw(name, "zh", tmp_path / "drawn.png")


def test_axes_of_the_user_get_the_font_as_well(tmp_path):
    _, ax = plt.subplots(figsize=(3.35, 2.6), layout="constrained")
    table = pd.DataFrame(
        {"age_group": ["a", "b"], "sex": "f", "measure": "prevalence", "estimate": [0.1, 0.2]}
    )
    table = table.assign(conf_low=0.1, conf_high=0.3)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Glyph")
        figures.save_figure(
            figures.line_ranges(table, "age_group", "sex", ax, labels=CHINESE), tmp_path / "own"
        )


def test_a_missing_character_would_be_noticed(tmp_path):
    waves = {
        "cohort": ["\U00020bb7"],
        "wave": ["one"],
        "start": ["2001-01-01"],
        "end": ["2002-01-01"],
        "n": [5],
    }
    ax = figures.timeline(pd.DataFrame(waves))
    with pytest.warns(UserWarning, match="Glyph"):
        figures.save_figure(ax, tmp_path / "drawn")


def test_font_has_the_characters_of_dictionaries_and_catalogues():
    known = set(ft2font.FT2Font(str(FONT_FILE)).get_charmap())
    for pattern in ("data-dictionary/**/*.yaml", "src/dermcohort/language/*.yaml"):
        for file in ROOT.glob(pattern):
            absent = {sign for sign in file.read_text("utf-8") if ord(sign) not in known} - set("\n\t\ufeff")
            assert not absent, f"{file.name}: run tools/cut_font.py"


@pytest.mark.parametrize("name", CASES)
def test_settings_of_the_user_neither_change_nor_matter(name, tmp_path):
    draw(name, "en", tmp_path / "plain.png")
    own = {
        "font.size": 21,
        "font.family": "monospace",
        "axes.grid": True,
        "xtick.labelsize": 20,
        "axes.linewidth": 5,
    }
    with mpl.rc_context(own):
        before = dict(mpl.rcParams)
        draw(name, "en", tmp_path / "own.png")
        assert dict(mpl.rcParams) == before
    assert compare_images(str(tmp_path / "plain.png"), str(tmp_path / "own.png"), 0) is None


def test_what_was_suppressed_is_said():
    for name in ("forest", "forest_by_model", "prevalence_by_cohort", "matrix_of_estimates"):
        for labels, word in ((ENGLISH, "suppressed"), (CHINESE, "已隐去")):
            assert word in [text.get_text() for text in CASES[name](labels).texts], name
    for name in ("prevalence_by_age", "survival"):
        legend = CASES[name](CHINESE).get_legend()
        assert any("已隐去" in text.get_text() for text in legend.get_texts()), name
    assert "–" in [text.get_text() for text in CASES["forest"](ENGLISH).texts]  # nobody was asked


@pytest.mark.parametrize("name", CASES)
def test_legend_covers_no_data(name):
    ax = CASES[name](ENGLISH)
    ax.figure.figure.draw_without_rendering()
    legend = ax.get_legend()
    if legend is not None:
        assert legend.get_window_extent().shrunk(0.98, 0.98).y0 >= ax.get_window_extent().y1 - 1 or (
            legend.get_window_extent().y1 <= ax.get_window_extent().y0 + 1
        )


@pytest.mark.parametrize("name", ["forest", "prevalence_by_cohort", "reasons", "love_plot"])
def test_names_of_rows_do_not_overlap(name):
    ax = CASES[name](ENGLISH)
    ax.figure.figure.draw_without_rendering()
    boxes = sorted((label.get_window_extent() for label in ax.get_yticklabels()), key=lambda box: box.y0)
    assert all(upper.y0 >= lower.y1 - 1 for lower, upper in itertools.pairwise(boxes))


@pytest.mark.parametrize(
    "name", ["prevalence_by_cohort", "prevalence_by_age", "reasons", "weights", "love_plot"]
)
def test_axes_of_shares_and_bars_begin_at_zero(name):
    ax = CASES[name](ENGLISH)
    low, _ = ax.get_ylim() if name == "prevalence_by_age" else ax.get_xlim()
    assert low == 0 or (name == "weights" and low < 0)


def _contrast(one, other):
    darker, lighter = sorted([luminance(one), luminance(other)])
    return (lighter + 0.05) / (darker + 0.05)


def test_groups_are_told_apart_in_grey():
    assert len(set(MARKERS)) == len(set(map(str, DASHES))) == len(COLORS)
    assert all(_contrast(color, "white") > 1.9 for color in COLORS)
    statuses = [color for key, (_, color) in STATUSES.items() if key not in ("undecided", ".")]
    assert all(_contrast(a, b) > 1.3 for a, b in itertools.combinations(statuses, 2))
    looks = [(color, hatch) for _, color, hatch in REASONS.values()]
    for (a, hatch), (b, other) in itertools.pairwise(looks):
        assert hatch != other or _contrast(a, b) > 1.3


def test_numbers_in_cells_can_be_read():
    for grey in range(0, 256, 5):
        color = (grey / 255,) * 3
        assert _contrast(color, text_color(color)) > 4.5


def test_bad_input_is_named():
    with pytest.raises(
        ValueError, match=r"'refusd' is no reason for a missing value\. Did you mean 'refused'"
    ):
        figures.reason_bars(pd.DataFrame({"refusd": [1]}, index=["smoking"]))
    with pytest.raises(ValueError, match="a number of visits is negative"):
        figures.reason_bars(pd.DataFrame({"refused": [-1]}, index=["smoking"]))
    with pytest.raises(ValueError, match="waves: there is no column 'wave'; there are: cohort"):
        figures.timeline(pd.DataFrame({"cohort": ["a"]}))
    table = pd.DataFrame(
        {"cohort": "a", "term": ["acne", "acne"], "measure": "prevalence", "estimate": [0.1, 0.2]}
    )
    with pytest.raises(ValueError, match="a pair of term and cohort has more than one row"):
        figures.estimate_matrix(table)
    with pytest.raises(ValueError, match="negative estimate"):
        figures.estimate_matrix(table.head(1).assign(estimate=-1.0))
    with pytest.raises(ValueError, match="there is no row to draw"):
        figures.estimate_matrix(table.head(0))
