"""matplotlib views of estimates: plain, one color a group, no frame, ready for print."""

from .boxes import difference_dots, flow_boxes
from .curves import curve_figure, round_times
from .forest import point_ranges

__all__ = ["curve_figure", "difference_dots", "flow_boxes", "point_ranges", "round_times"]
