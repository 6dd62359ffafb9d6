"""Fixtures: a Google Ads that a test writes by hand, served for real, and who advertises on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from google_advertiser import SECRETS, Written
from written_google import WrittenGoogle

from ingestion.sandbox.server import serving


@pytest.fixture
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the test's own, where its warehouse will be; secrets are in the environment."""
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path / "data"))
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    return tmp_path


@pytest.fixture
def written(data_folder: Path) -> Iterator[Written]:
    """A Google Ads with a manager account and none below it, at noon of a day in March."""
    google = WrittenGoogle("2026-03-20 12:00")
    google.client_secret = SECRETS["GOOGLE_ADS_CLIENT_SECRET"]
    google.refresh_token = SECRETS["GOOGLE_ADS_REFRESH_TOKEN"]
    with serving(google) as url:
        yield Written(url, data_folder, google=google)
