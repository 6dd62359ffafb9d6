"""Publication as assets: what BI tools read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from dagster_project.publication import MARTS, PEOPLE
from dagster_project.publishing.writing import publish
from dagster_project.run.dbt_manifest import mart_tables, people_tables
from dagster_project.run.pipeline_run import PipelineRun


def publication_assets(manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    """The published files, the Parquet folder and the manifest, made together."""
    marts = [dg.AssetKey([MARTS, table.name]) for table in mart_tables(manifest)]
    of_people = [dg.AssetKey([PEOPLE, table.name]) for table in people_tables(manifest)]
    specs = [
        dg.AssetSpec(
            ["published", name],
            deps=deps,
            description=description,
            group_name="published",
            kinds={kind},
            owners=["team:data_engineering"],
        )
        for name, kind, description, deps in (
            ("marts", "duckdb", "The marts as one DuckDB file, a new one by every run.", marts),
            ("people", "duckdb", "What is about single people: not for all.", of_people),
            ("parquet", "parquet", "The marts as one Parquet file per table.", marts),
            ("manifest", "json", "Run, moments, code, row counts and inputs of it.", marts),
        )
    ]

    @dg.multi_asset(name="publish", specs=specs, pool="warehouse")
    def publish_marts(run: dg.ResourceParam[PipelineRun]) -> Iterator[dg.MaterializeResult]:
        with run.phase("publish"):
            publication = publish(run, manifest)
        metadata: dict[str, Any] = {
            "path": dg.MetadataValue.path(str(run.paths.published)),
            "rows": sum(publication.row_counts.values()),
            "as_of": publication.as_of.isoformat(" "),
            "code_version": publication.code_version,
        }
        for spec in specs:
            yield dg.MaterializeResult(asset_key=spec.key, metadata=metadata)

    return publish_marts
