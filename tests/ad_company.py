"""A simulated company whose advertising comes from its platforms, and all else as exports."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml

from ingestion.http import Patience
from ingestion.sandbox.exports import OF_THE_CONTRACT, PARQUET_ENTITIES
from ingestion.sandbox.world.ad_accounts import GOOGLE_MANAGER
from ingestion.sandbox.world.calendar import START

PLATFORMS = ("google_ads", "linkedin_ads", "meta_ads")
SETTINGS = {"google_ads": {"manager": GOOGLE_MANAGER}}


def write_ad_company(
    file: Path, entities: Iterable[str] = OF_THE_CONTRACT, since: dt.date = START
) -> Path:
    """Write a company file: a source for each platform, and exports of these entities."""
    ads = [
        {"name": platform, "type": platform, "since": since, **SETTINGS.get(platform, {})}
        for platform in PLATFORMS
    ]
    exports = {
        entity: {"from": f"{entity}.{'parquet' if entity in PARQUET_ENTITIES else 'csv'}"}
        for entity in entities
    }
    company = {
        "name": "Advertiser",
        "currency": "USD",
        "timezone": "UTC",
        "sandbox": True,
        "sources": [
            *ads,
            {
                "name": "exports",
                "type": "files",
                "path": "{data}/sandbox/exports",
                "timezone": "UTC",
                "entities": exports,
            },
        ],
    }
    file.write_text(yaml.safe_dump(company, sort_keys=False), encoding="utf-8")
    return file


def wait_for_nothing(environment: pytest.MonkeyPatch) -> None:
    """Connectors wait for their platforms as they do, in hundredths of seconds."""
    shorter = (10, 0.01, 0.05, (5.0, 1.0))
    assert len(shorter) == len(Patience.__dataclass_fields__)
    environment.setattr(Patience.__init__, "__defaults__", shorter)
