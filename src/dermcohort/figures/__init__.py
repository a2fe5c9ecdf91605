"""matplotlib views of estimates: plain, one color a group, no frame, ready for print."""

from .curves import curve_figure
from .forest import point_ranges

__all__ = ["curve_figure", "point_ranges"]
