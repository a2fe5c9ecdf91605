"""Placeholder."""


class ReportError(Exception): ...
