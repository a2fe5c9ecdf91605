"""matplotlib views of estimates: plain, one color a group, no frame, ready for print."""

from .accuracy import bland_altman_figure, roc_figure
from .boxes import difference_dots, flow_boxes
from .curves import curve_figure, round_times
from .estimate_matrix import estimate_matrix
from .forest import forest_by_group, point_ranges
from .groups import grouped_ranges, line_ranges
from .hazards import coefficient_panels, log_log_figure, residual_figure
from .heat import pair_matrix
from .lexis import lexis_lines
from .matrix import status_matrix
from .mixtures import quantile_curve, weight_bars
from .reasons import reason_bars
from .save import save_figure
from .steps_between import steps_between
from .style import journal_style
from .timeline import timeline

__all__ = [
    "bland_altman_figure",
    "coefficient_panels",
    "curve_figure",
    "difference_dots",
    "estimate_matrix",
    "flow_boxes",
    "forest_by_group",
    "grouped_ranges",
    "journal_style",
    "lexis_lines",
    "line_ranges",
    "log_log_figure",
    "pair_matrix",
    "point_ranges",
    "quantile_curve",
    "reason_bars",
    "residual_figure",
    "roc_figure",
    "round_times",
    "save_figure",
    "status_matrix",
    "steps_between",
    "timeline",
    "weight_bars",
]
