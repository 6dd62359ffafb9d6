"""Fixtures: a Meta that a test writes by hand, served for real, and a company that reads it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from meta_accounts import TOKEN, Script
from scripted_meta import ScriptedMeta

from ingestion.sandbox.server import serving


@pytest.fixture
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the test's own, where its warehouse will be; the token is in the environment."""
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("META_ADS_ACCESS_TOKEN", TOKEN)
    return tmp_path


@pytest.fixture
def script(data_folder: Path) -> Iterator[Script]:
    """One account with a campaign of two ads, at noon of 1 April 2026, and nothing spent yet."""
    meta = ScriptedMeta(TOKEN, "2026-04-01T12:00:00")
    meta.account("11")
    meta.campaign("11", "21")
    meta.ad("21", "31")
    meta.ad("21", "32")
    with serving(meta) as url:
        yield Script(url, data_folder, meta=meta)
