"""The package can be entered by any of its doors."""

import subprocess
import sys

import pytest

import dermcohort as dc

MODULES = [name for name in dc.__all__ if name.islower() and hasattr(getattr(dc, name), "__path__")]


@pytest.mark.parametrize("name", [*MODULES, "power", "survey", "disclosure", "figures", "validate", "cli"])
def test_a_module_can_be_imported_first(name):
    done = subprocess.run(
        [sys.executable, "-c", f"import dermcohort.{name}"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_public_name_is_there():
    assert all(getattr(dc, name) is not None for name in dc.__all__)
    assert set(dc.__all__) <= set(dir(dc))
    with pytest.raises(AttributeError, match="no attribute 'survial'"):
        _ = dc.survial
