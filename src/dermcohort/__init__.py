"""dermcohort: harmonize, analyse and report population cohorts of skin health."""

__version__ = "0.1.0"
