"""Rendered pages as a browser and a screen reader see them."""

from pathlib import Path

import pandas as pd
import pytest
from browser import problems_of

from dermcohort.estimates import Estimates
from dermcohort.report import render

LONG = "Body mass index at the age of twenty years as the participant remembers it (kg/m²)"
PAGE = """---
title: Everything a page can hold
subtitle: 皮肤健康
author: A. Author
number-sections: true
---

## Text {#sec-text}

A paragraph with a [link](other.qmd), a reference to @tbl-long and @fig-line, `code`, a footnote[^1] and $x^2$.

[^1]: At the foot.

```python
print("code that is shown")
```

::: {.callout-note}
A note.
:::

::: {.callout-warning title="Warning"}
A warning.
:::

::: {.callout-important}
Important.
:::

::: {.callout-tip}
A tip.
:::

```{python}
#| label: tbl-long
#| tbl-cap: Forty rows with long labels and suppressed cells
#| output: asis
from dermcohort.report import Results
Results("results").table("many")
```

```{python}
#| label: fig-line
#| fig-cap: A line
#| fig-alt: A line that rises.
import matplotlib.pyplot as plt
fig, ax = plt.subplots(figsize=(9, 3))
ax.plot([0, 1], [0, 1])
```

## A section {#sec-section}

```{python}
#| echo: true
print(1)
```
"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> list[Path]:
    """Two pages, in both languages."""
    folder = tmp_path_factory.mktemp("site")
    table = pd.DataFrame(
        {
            "cohort": ["a", "b"] * 20,
            "term": [f"{LONG} {i}" for i in range(40)],
            "measure": "OR",
            "estimate": 1.5,
            "conf_low": [0.5, -1.0] * 20,
            "conf_high": 20.25,
            "p_value": 0.04,
            "n": 123_456,
            "events": 789,
        }
    )
    Estimates(table, "Logistic regression.", n=123_456, notes=("A note.",)).save(folder / "results/many")
    (folder / "index.qmd").write_text(PAGE, "utf-8")
    (folder / "other.qmd").write_text("---\ntitle: Other\n---\n\n## One\n\nText.\n", "utf-8")
    english = render(folder, engine="embedded", output=folder / "en")
    return [*english, *render(folder, engine="embedded", language="zh", output=folder / "zh")]


def test_no_accessibility_problem_and_nothing_wider_than_the_window(pages):
    assert problems_of(pages) == []


def test_a_problem_would_be_seen(tmp_path):
    bad = tmp_path / "bad.html"
    bad.write_text(
        "<html><body><img src='data:,'><p style='width: 3000px; background: #fff; color: #bbb'>word</p></body></html>",
        "utf-8",
    )
    found = "\n".join(problems_of([bad]))
    assert "alternative text" in found
    assert "wider than the window" in found
    assert "contrast" in found
