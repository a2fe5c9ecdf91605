"""Who was studied: the first table of a paper, how its rows came to be, and plain tables of counts."""

from .characteristics import TableOne, table_one
from .flow_chart import FlowChart, flow
from .plain import Listing, listing

__all__ = ["FlowChart", "Listing", "TableOne", "flow", "listing", "table_one"]
