"""Fixtures that several test files share."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))

# how long an example takes tells of the machine, not of the code
settings.register_profile("dermcohort", deadline=None)
settings.load_profile("dermcohort")

ROOT = Path(__file__).parent.parent


@pytest.fixture
def northbay(tmp_path):
    """(dictionary folder, raw folder) of the small synthetic cohort."""
    from northbay import write_dictionary, write_raw

    return write_dictionary(tmp_path / "dict"), write_raw(tmp_path / "raw")


@pytest.fixture(scope="session")
def framingham_raw() -> Path:
    """Folder of the Framingham files, named by DERMCOHORT_FRAMINGHAM; tests that need it skip without it."""
    folder = os.environ.get("DERMCOHORT_FRAMINGHAM")
    if not folder or not (Path(folder) / "exam1.sav").exists():
        pytest.skip("DERMCOHORT_FRAMINGHAM does not name the folder of the Framingham files")
    return Path(folder)


@pytest.fixture(scope="session")
def nhanes_skin_raw() -> Path:
    """Folder of the NHANES files with skin, named by DERMCOHORT_NHANES_SKIN; tests that need it skip without it."""
    folder = os.environ.get("DERMCOHORT_NHANES_SKIN")
    if not folder or not (Path(folder) / "DEMO_C.XPT").exists():
        pytest.skip("DERMCOHORT_NHANES_SKIN does not name the folder of the NHANES files")
    return Path(folder)
