"""dermcohort: harmonize, analyse and report population cohorts of skin health."""
