"""What the latest audit of each layer found, kept beside the warehouse for the Data Docs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

from expectations.report import AuditReport, CheckResult
from expectations.stakes import Stake
from expectations.suites import Layer
from ingestion.company.settings import Company
from ingestion.optional import optional
from ingestion.paths import CompanyPaths


@dataclass(frozen=True)
class StoredAudit:
    """A report, the pages of its tables as HTML, by table, and what is at stake.

    `as_of` is the moment of which the audited is, in UTC, as ISO 8601 writes it. An audit that an
    older version kept has none, and neither pages nor stakes.
    """

    report: AuditReport
    pages: Mapping[str, str]
    as_of: str | None = None
    stakes: tuple[Stake, ...] = ()


def save(company: Company, audit: StoredAudit) -> None:
    """Keep an audit in place of the layer's last one."""
    path = _path(company, audit.report.layer)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".new")
    aside.write_text(json.dumps(asdict(audit)), encoding="utf-8")
    aside.replace(path)


def latest(company: Company) -> list[StoredAudit]:
    """The latest audit of each layer that has had one, raw before marts."""
    found = []
    for layer in get_args(Layer):
        path = _path(company, layer)
        if path.exists():
            with optional(f"{path} is damaged"):
                document = json.loads(path.read_text(encoding="utf-8"))
                found.append(
                    StoredAudit(
                        _report(document["report"]),
                        document.get("pages", {}),
                        document.get("as_of"),
                        tuple(Stake(**stake) for stake in document.get("stakes", ())),
                    )
                )
    return found


def _path(company: Company, layer: Layer) -> Path:
    return CompanyPaths.of(company).root / "audit" / f"{layer}.json"


def _report(document: dict[str, Any]) -> AuditReport:
    results = (
        CheckResult(**{**result, "sample_keys": tuple(result["sample_keys"])})
        for result in document["results"]
    )
    return AuditReport(document["layer"], document["run_id"], tuple(results))
