"""Fixtures: a Stripe that a test writes by hand, served for real, and a company that reads it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import stripe as sdk
from books import KEY, Script
from questions import refusals
from scripted import ScriptedStripe

from ingestion.sandbox.server import serving

# Otherwise the SDK writes an id of this machine into the home directory, and sends it.
sdk.enable_telemetry = False


@pytest.fixture
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the test's own, where its warehouse will be; the key is in the environment."""
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("STRIPE_API_KEY", KEY)
    return tmp_path


@pytest.fixture
def script(data_folder: Path) -> Iterator[Script]:
    """A Stripe without anything in it, on New Year's Day of 2024; it answers what Stripe would."""
    stripe = ScriptedStripe("2024-01-01")
    with serving(stripe) as url:
        yield Script(url, data_folder, stripe=stripe)
    refused = [it for path, query in stripe.requests for it in refusals(path, query)]
    assert refused == []
