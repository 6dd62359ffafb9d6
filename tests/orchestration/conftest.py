"""Copies of the edge-case company, one for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Publish
from tests.orchestration.copies import Copy


@pytest.fixture
def copy(published: Publish, tmp_path: Path) -> Copy:
    """A copy that has been run once."""
    return Copy.of(published("edge_cases"), tmp_path)


@pytest.fixture
def new_copy(tmp_path: Path) -> Copy:
    """A copy that has never been run."""
    return Copy.make(tmp_path)
