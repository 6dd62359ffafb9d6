"""Companies that are audited in a data folder of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingestion.company.settings import Company
from tests.expectations.warehouses import make_company


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Company:
    """A company without data, in a data folder of its own."""
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path / "data"))
    return make_company(tmp_path)
