"""A document with the whole subset of Quarto that the embedded engine renders, and what reads a page."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd

from dermcohort.estimates import Estimates
from dermcohort.report import render

# one pixel
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)

SUBSET = r"""---
title: Skin health of *three* cohorts
subtitle: What was found
author:
  - name: A. Author
  - B. Author
date: 2026-01-31
abstract: |
  Prevalence is in @tbl-prevalence.
params:
  unused: 1
number-sections: true
toc: true
bibliography: references.bib
csl: style.csl
execute:
  echo: false
---

```{python}
#| tags: [parameters]
cohort = "all"
minimum: int = 5
```

## Methods {#sec-methods}

As described.[^1] See @sec-results and @sec-detail. Earlier work [@lim2020, p. 3] agrees with @wei2019.

[^1]: A note at the foot.

```{python}
#| echo: true
# the options above are not shown
print(f"{cohort} at least {minimum}")
```

## Results {#sec-results}

@fig-curve, [-@fig-curve], [@fig-curve; @fig-dot], [Fig. @fig-dot], @tbl-prevalence, @tbl-plain, @tbl-divided, @fig-wrapped.

### Detail {#sec-detail}

{{< include part.qmd >}}

```{python}
#| label: fig-curve
#| fig-cap: "A curve with *emphasis*: rising"
#| fig-alt: A line that rises from "left" to right.
import matplotlib.pyplot as plt
fig, ax = plt.subplots(figsize=(4, 2))
ax.plot([0, 1], [0, 1])
```

![A dot](dot.png){#fig-dot fig-alt="One dark dot."}

```{python}
#| label: tbl-prevalence
#| tbl-cap: Prevalence by cohort
#| output: asis
from dermcohort.report import Results
results = Results("saved")
results.table("prevalence", labels={"eczema": "Eczema & co"})
```

| group | n |
|-------|--:|
| a     | 1 |

: A plain table {#tbl-plain}

::: {#tbl-divided}

| group | n |
|-------|--:|
| b     | 2 |

The caption of the *div*
:::

::: {#fig-wrapped fig-alt="A wrapped dot."}

![](dot.png)

The caption of the figure div
:::

| a very long heading that goes on and on and on | another very long heading that goes on and on and on |
|---|---|
| unnumbered | table |

::: {.callout-note}
A note without title.
:::

::: {.callout-warning title="Mind the gap"}
A warning.
:::

::: {.callout-important}
## Own heading

Important.
:::

::: {.callout-tip}
A tip.
:::

::: {.panel-tabset}
## Women

Tab of women.

## Men

Tab of men.
:::

## More outputs

```{python}
import warnings
warnings.warn("mind the warning")
```

```{python}
#| warning: false
import warnings
warnings.warn("silenced warning")
```

```{python}
#| include: false
print("never included")
```

```{python}
#| output: false
print("output off")
```

```{python}
#| eval: false
#| echo: true
not_run_at_all(1)
```

```{python}
#| error: true
raise ValueError("shown on purpose")
```

```{python}
from IPython.display import HTML, Markdown, display
display(Markdown("Some **bold** from a cell, see @sec-methods."))
HTML("<table class='raw'><tr><td>raw cell</td></tr></table>")
```

```{python}
#| output: asis
print("A sentence with $x^2$ from a cell.")
```

```python
not_a_cell = True
```

<div class="raw-block">Raw <b>HTML</b></div>

::: {.content-visible when-format="html"}
Only in HTML.
:::

::: {.content-visible when-format="pdf"}
Only in PDF.
:::

::: {.content-visible when-format="docx"}
Only in Word.
:::

::: {.content-visible when-format="revealjs"}
Only in slides, with @fig-none.
:::

::: {.content-hidden when-format="html"}
Hidden in HTML.
:::

::: {.content-hidden unless-format="html"}
Hidden elsewhere.
:::

[inline shown]{.content-visible when-format="html"}[inline gone]{.content-hidden when-format="html"}

A [plain link](https://example.org/page) and [another page](other.qmd#part).
"""

BIB = """
@article{lim2020, author = {Lim, Ann}, title = {Itch}, journal = {J Skin}, year = {2020}}
@article{wei2019, author = {Wei, Bo}, title = {Acne}, journal = {J Skin}, year = {2019}}
"""

CSL = """<?xml version="1.0" encoding="utf-8"?>
<style xmlns="http://purl.org/net/xbiblio/csl" class="in-text" version="1.0">
<info><title>t</title><id>t</id><updated>2026-01-01T00:00:00Z</updated></info>
<citation><sort><key variable="issued"/></sort><layout prefix="(" suffix=")" delimiter="; "><group delimiter=" ~ ">
<names variable="author"><name form="short"/></names><date variable="issued"><date-part name="year"/></date>
<text variable="locator"/></group></layout></citation>
<bibliography><layout suffix="."><group delimiter=" ~ "><names variable="author"/><text variable="title"/></group>
</layout></bibliography></style>
"""


class Elements(HTMLParser):
    """Every tag with its attributes, and the text of the page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.inside: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag in ("style", "script"):
            self.inside.append(tag)

    def handle_endtag(self, tag):
        if self.inside and tag == self.inside[-1]:
            self.inside.pop()

    def handle_data(self, data):
        if not self.inside:
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.words))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for found, attributes in self.tags if found == tag]


def save_results(folder: Path) -> Path:
    folder.mkdir()
    table = pd.DataFrame(
        {"term": ["eczema", "itch_nrs"], "measure": "prevalence", "estimate": [0.1, 0.2]}
        | {"conf_low": [0.05, 0.1], "conf_high": [0.15, 0.3], "n": [50, 50]}
    )
    Estimates(table, method="Crude prevalence.", n=50, notes=("5 rows left out: 'a_b' <missing>.",)).save(
        folder / "prevalence"
    )
    (folder / "curve.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg' width='10' height='10'/>")
    (folder / "dot.png").write_bytes(PNG)
    return folder


def write(folder: Path, text: str, name: str = "page.qmd") -> Path:
    (folder / name).write_text(text, "utf-8")
    return folder / name


def page_of(path: Path, **options) -> str:
    return render(path, engine="embedded", **options)[0].read_text("utf-8")


def write_subset(folder: Path) -> Path:
    """The document with all that it reads."""
    (folder / "page.qmd").write_text(SUBSET, "utf-8")
    (folder / "part.qmd").write_text(
        '---\ntitle: ignored\n---\nAn *included* part.\n\n```{python}\nprint("cell of the part")\n```\n',
        "utf-8",
    )
    (folder / "references.bib").write_text(BIB, "utf-8")
    (folder / "style.csl").write_text(CSL, "utf-8")
    (folder / "dot.png").write_bytes(PNG)
    save_results(folder / "saved")
    return folder / "page.qmd"
