"""The history of what was published, as assets: what mart_restatements compares with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from dagster_project.defs.ingestion import ABOUT_LOADS
from dagster_project.publishing.ledger import keep_ledger
from dagster_project.publishing.versions import HISTORY
from dagster_project.run.pipeline_run import PipelineRun
from ingestion.company.settings import Company
from ingestion.loading.moments import LOADS
from ingestion.sources.registry import SOURCE_TYPES

DESCRIPTIONS = {
    "publications": "One row per publication, entered by the run after it.",
    "kpi_versions": "Every number of an ended period that differs from the one before, and why.",
}


def restatement_assets(company: Company, manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    """One step after the loads: the last publication entered, its numbers taken apart."""
    raw = [
        dg.AssetKey([f"raw_{source_type}", table])
        for source_type in company.source_types
        for table in SOURCE_TYPES[source_type].tables
    ]
    specs = [
        dg.AssetSpec(
            [HISTORY, name],
            deps=raw,
            description=description,
            group_name=HISTORY,
            kinds={"dlt", company.destination},
            owners=["team:data_engineering"],
        )
        for name, description in {**DESCRIPTIONS, LOADS: ABOUT_LOADS}.items()
    ]

    @dg.multi_asset(name="keep_history", specs=specs, pool="warehouse")
    def history(run: dg.ResourceParam[PipelineRun]) -> Iterator[dg.MaterializeResult]:
        with run.phase("history"):
            new_rows = keep_ledger(run, manifest)
        for spec in specs:
            name = spec.key.path[-1]
            counts = {"rows_new": new_rows[name]} if name in new_rows else {}
            yield dg.MaterializeResult(asset_key=spec.key, metadata=counts)

    return history
