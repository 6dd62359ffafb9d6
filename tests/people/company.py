"""The default company, a fifth of its size: enough people to set beside each other."""

from __future__ import annotations

from pathlib import Path

from ingestion.paths import PROJECT
from tests.kpis.companies import publish
from tests.store import made_once

DEFAULT = PROJECT / "company.yml"


def default_company() -> Path:
    """Its folder, once it is published."""

    def make(folder: Path) -> None:
        publish(DEFAULT, folder, "--scale", "0.2")

    return made_once("people", make, DEFAULT) / "sandbox"
