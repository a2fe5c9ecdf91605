"""Nothing in validation/own is for show: every reference value is used by a test. golden.csv: see test_validate.py."""

import re
from pathlib import Path

import pandas as pd
import pytest

TESTS = Path(__file__).parent
VALIDATION = TESTS.parent / "validation"


@pytest.mark.parametrize("file", sorted((VALIDATION / "own").glob("*.csv")), ids=lambda file: file.stem)
def test_every_reference_value_is_used(file):
    source = "\n".join(path.read_text("utf-8") for path in TESTS.glob("test_*.py"))
    exact = set(re.findall(r"""["']([^"'\n]+)["']""", source))
    # f"svy.ciprop.{method}" and the like; a prefix must name the subject, or it would cover everything
    prefixes = tuple(re.findall(r'f"([a-z_]+[.][a-z0-9_.]*[a-z0-9_.])[{]', source))
    assert not {"own.", "svy."} & set(prefixes)
    unused = [i for i in pd.read_csv(file)["id"].unique() if i not in exact and not i.startswith(prefixes)]
    assert not unused
