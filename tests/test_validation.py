"""Nothing in validation/ is for show: every reference value is compared with by a test."""

import re
from pathlib import Path

import pandas as pd
import pytest

TESTS = Path(__file__).parent
VALIDATION = TESTS.parent / "validation"


@pytest.mark.parametrize(
    "file", sorted(VALIDATION.glob("golden.csv")) + sorted((VALIDATION / "own").glob("*.csv"))
)
def test_every_reference_value_is_used(file):
    source = "\n".join(path.read_text("utf-8") for path in TESTS.glob("test_*.py"))
    quoted = re.findall(r"""f?["']([^"'\n]+)["']""", source)
    exact = set(quoted)
    # f"svy.ciprop.{method}" and the like
    patterns = [
        re.sub(r"\\{[^}]*\\}", ".+", re.escape(text))
        for text in quoted
        if re.match(r"[a-z]+[.][^{]*[{]", text)
    ]
    anything = re.compile("|".join(f"(?:{pattern})" for pattern in patterns))
    unused = [i for i in pd.read_csv(file)["id"].unique() if i not in exact and not anything.fullmatch(i)]
    assert not unused
