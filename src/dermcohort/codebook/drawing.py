"""Small drawings of distributions as SVG: no text, no address, a few hundred bytes each."""

from __future__ import annotations

from collections.abc import Sequence

from .counts import HIDDEN

WIDTH, HEIGHT = 240, 20


def draw(counts: Sequence[int], parts: bool) -> str:
    """One bar in parts (categories), or one bar a step (numbers); hidden counts leave a gap.

    Examples
    --------
    >>> draw([10, -1, 30], parts=False).count("<path")
    1
    """
    known = [0 if n == HIDDEN else n for n in counts]
    inside = _parts(known) if parts else _steps(known)
    return (
        f'<svg class="shape" viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" aria-hidden="true">'
        f"{inside}</svg>"
    )


def swatch(position: int, n_levels: int) -> str:
    """The color of a category in the bars."""
    return f'<i class="swatch" style="background:{color(position, n_levels)}"></i>'


def color(position: int, n_levels: int) -> str:
    """From light to dark over the categories, so that the order shows in print too."""
    lightness = 86 - (58 * position / (n_levels - 1) if n_levels > 1 else 30)
    return f"hsl(205,48%,{lightness:.0f}%)"


def _parts(counts: Sequence[int]) -> str:
    total, start, inside = sum(counts), 0.0, ""
    for position, n in enumerate(counts):
        width = WIDTH * n / total
        if n:
            fill = color(position, len(counts))
            inside += f'<rect x="{start:.1f}" width="{width:.1f}" height="{HEIGHT}" fill="{fill}"/>'
        start += width
    return inside


def _steps(counts: Sequence[int]) -> str:
    step, highest = WIDTH / len(counts), max(counts)
    line = "".join(f"V{HEIGHT * (1 - n / highest):.1f}h{step:.4g}" for n in counts)
    return f'<path d="M0 {HEIGHT}{line}V{HEIGHT}z"/>'
