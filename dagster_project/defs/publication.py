"""Publication as assets: what BI tools read, and what people look at."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from dagster_project.defs.audit import audit
from dagster_project.defs.headlines import figures, headline_tables, not_told, to_fix_table
from dagster_project.defs.pages import linked
from dagster_project.defs.transformation import ROW_COUNT, build_models
from dagster_project.numbers.untold import published_untold
from dagster_project.publication import MARTS, PEOPLE, PublicationError
from dagster_project.publishing.comparison import compare
from dagster_project.publishing.ledger import keep_ledger
from dagster_project.publishing.writing import publish
from dagster_project.run.dbt_manifest import mart_tables, people_tables
from dagster_project.run.pipeline_run import PipelineRun
from dagster_project.run.time_travel import copy_raw
from ingestion.optional import optional

PUBLISHED = dg.AssetKey(["published", "marts"])
FRESH = dg.FreshnessPolicy.time_window(
    warn_window=dt.timedelta(hours=26), fail_window=dt.timedelta(hours=36)
)
"""The schedule publishes every morning: two hours late is a warning, half a day a failure."""


def publication_assets(manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    """The published files, the Parquet folder, the manifest and the dashboards, made together.

    All but people's are made of the one file, so that depends on the marts and the rest on it.
    Where only some of them are materialized, a whole run makes them.
    """
    marts = [dg.AssetKey([MARTS, table.name]) for table in mart_tables(manifest)]
    of_people = [dg.AssetKey([PEOPLE, table.name]) for table in people_tables(manifest)]
    dashboards = ("the dashboards", "dashboard/index.html")
    file = linked("The marts as one DuckDB file.", *dashboards)
    pages = linked("The dashboards: self-contained pages.", *dashboards)
    people = linked(
        "What is about single people: not for all.", "the page of people", "people/people.html"
    )
    specs = [
        dg.AssetSpec(
            ["published", name],
            deps=deps,
            description=description,
            group_name="published",
            kinds={kind},
            owners=["team:data_engineering"],
            freshness_policy=FRESH,
        )
        for name, kind, description, deps in (
            ("marts", "duckdb", file, marts),
            ("people", "duckdb", people, of_people),
            ("parquet", "parquet", "The marts as one Parquet file per table.", [PUBLISHED]),
            ("manifest", "json", "Run, moments, code, row counts and inputs.", [PUBLISHED]),
            ("dashboard", "html", pages, [PUBLISHED]),
        )
    ]

    @dg.multi_asset(name="publish", specs=specs, pool="warehouse")
    def publish_marts(run: dg.ResourceParam[PipelineRun]) -> Iterator[dg.MaterializeResult]:
        _make_up(run, manifest)
        with run.phase("publish"):
            publication = publish(run, manifest)
        common: dict[str, Any] = {
            "as_of": publication.as_of.isoformat(" "),
            "code_version": publication.code_version,
        }
        rows, of_people = publication.row_counts, publication.people_row_counts
        own: dict[str, dict[str, Any]] = {
            "marts": {**_told(run), "path": run.paths.marts, ROW_COUNT: sum(rows.values())},
            "people": {"path": run.paths.people, ROW_COUNT: sum(of_people.values())},
            "parquet": {"path": run.paths.published / "parquet"},
            "manifest": {"path": run.paths.published / "manifest.json"},
            "dashboard": {"path": run.paths.published / "dashboard" / "index.html"},
        }
        for spec in specs:
            metadata = own[spec.key.path[-1]]
            metadata["path"] = dg.MetadataValue.path(str(metadata["path"]))
            yield dg.MaterializeResult(asset_key=spec.key, metadata={**metadata, **common})

    return publish_marts


def _make_up(run: PipelineRun, manifest: Mapping[str, Any]) -> None:
    """Do what a run does before it publishes, where only what is published is materialized.

    A publication is of one run, which has loaded, built and audited it.
    """
    if run.is_built or run.audits:
        return
    for source_type in run.company.source_types:
        copy_raw(run, source_type) if run.is_time_travel else run.load(source_type)
    keep_ledger(run, manifest)
    if failed := audit(run, "raw").failures:
        told = ", ".join(f"{one.table} {one.name}" for one in failed)
        raise PublicationError(f"the audit failed: {told}")
    build_models(run, [])
    audit(run, "marts", compare(run, manifest))


def _told(run: PipelineRun) -> dict[str, Any]:
    """What the numbers are, for the UI to show: a table, and a plot of each over the runs."""
    with optional("the UI shows no headlines"):
        found = figures(run.paths.marts)
        untold = published_untold(run.paths, run.company.local(run.as_of))
        lacking = not_told(found, untold)
        return {
            **({"not_told": dg.MetadataValue.md(lacking)} if lacking else {}),
            **{
                f"headlines_{number}": dg.MetadataValue.md(table)
                for number, table in enumerate(headline_tables(found, run.company.currency), 1)
            },
            "to_fix": dg.MetadataValue.md(to_fix_table(run.paths.marts, run.company.currency)),
            **{one.metric: one.value for one in found if one.value is not None},
        }
    return {}
