"""The dbt models as assets, their tests as asset checks; one `dbt build` makes them all."""

import logging
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, dbt_assets
from dagster_dbt.asset_utils import get_subset_selection_for_context
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage

from dagster_project.run.builds import Moments, build_everything, plan_build
from dagster_project.run.dbt_project import PROJECT_FOLDER, DbtProject
from dagster_project.run.dbt_runner import BuildError, Dbt, run_values
from dagster_project.run.pipeline_run import PipelineRun
from ingestion.company.cost_teams import check_cost_teams
from ingestion.company.personal_quotas import check_personal_quotas
from ingestion.company.settings import Company
from ingestion.extension.folder import ExtensionError
from ingestion.optional import optional
from ingestion.warehouse.duckdb_sql import literal, quote

log = logging.getLogger("salesops")

EVERYTHING = "fqn:*"
ROW_COUNT = "dagster/row_count"
"""The metadata that the UI shows as a tile, and over time as a plot."""


class Translator(DagsterDbtTranslator):
    """Names assets by schema and model, takes owners from `meta`; dbt groups them by room."""

    def __init__(self, company: Company) -> None:
        super().__init__()
        self._project = DbtProject(company)

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """Schema and name: raw tables bear the keys under which dlt loads them."""
        return dg.AssetKey([dbt_resource_props["schema"], dbt_resource_props["name"]])

    def get_description(self, dbt_resource_props: Mapping[str, Any]) -> str:
        """What the model's YAML says, without its SQL."""
        return dbt_resource_props["description"]

    def get_owners(self, dbt_resource_props: Mapping[str, Any]) -> list[str]:
        """The team that `meta.owner` names."""
        owner = dbt_resource_props["meta"].get("owner", "data_engineering")
        return [f"team:{owner}"]

    def get_metadata(self, dbt_resource_props: Mapping[str, Any]) -> Mapping[str, Any]:
        """Columns and relation, and where its SQL stands."""
        path = dbt_resource_props["original_file_path"]
        file = self._project.origin(path) or PROJECT_FOLDER / path
        reference = dg.LocalFileCodeReference(file_path=str(file), line_number=1, label=path)
        code = dg.CodeReferencesMetadataValue(code_references=[reference])
        return {
            **super().get_metadata(dbt_resource_props),
            "dagster/code_references": code,
        }


def model_assets(company: Company, manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    """The models, seeds and tests of the dbt project."""
    translator = Translator(company)

    @dbt_assets(
        manifest=manifest,
        dagster_dbt_translator=translator,
        select=EVERYTHING,
        name="build",
        pool="warehouse",
    )
    def build(
        context: dg.AssetExecutionContext, run: dg.ResourceParam[PipelineRun]
    ) -> Iterator[Any]:
        selection, indirect_selection = get_subset_selection_for_context(
            context, manifest, EVERYTHING, None, None, translator, None
        )
        env = {"DBT_INDIRECT_SELECTION": indirect_selection} if indirect_selection else {}
        results: list[dict[str, Any]] = []
        failure: BuildError | ExtensionError | None = None
        try:
            build_models(run, results, (selection, env) if context.is_subset else None)
        except (BuildError, ExtensionError) as error:
            failure = error
        rows = {} if failure else _row_counts(run, manifest, results)
        for result in results:
            message = DbtCoreCliEventMessage(raw_event=result, event_history_metadata={})
            for event in message.to_default_asset_events(manifest, translator, context):
                if (built := _node(result)) in rows and isinstance(event, dg.Output):
                    event = event.with_metadata({**event.metadata, ROW_COUNT: rows[built]})
                yield event
        if failure:
            raise failure

    return build


def build_models(
    run: PipelineRun,
    results: list[dict[str, Any]],
    part: tuple[list[str], Mapping[str, str]] | None = None,
) -> None:
    """Build all models, or the `part` that is selected; what became of each goes to `results`.

    Raises BuildError, or ExtensionError for a model of the company's own.
    """
    check_personal_quotas(run.company, run.warehouse)
    check_cost_teams(run.company, run.warehouse)
    collect = partial(_collect, results)
    with run.phase("build"):
        dbt = Dbt(run.company, run.paths, run.warehouse)
        values = run_values(run.as_of, run.known_at, run.run_id, run.company.own_as_of)
        if part:
            selection, env = part
            dbt.build({**values, **env}, selection, collect)
        else:
            moments = Moments(run.as_of, run.known_at, run.company.own_as_of)
            plan = plan_build(dbt, moments, whole_for=run.built_whole_for)
            build_everything(dbt, plan, values, collect)
    run.is_built = part is None


def _row_counts(
    run: PipelineRun, manifest: Mapping[str, Any], results: list[dict[str, Any]]
) -> dict[str, int]:
    """The rows of the tables that were built, by node, counted in one query."""
    nodes = {key: manifest["nodes"].get(key, {}) for key in map(_node, results)}
    tables = {
        key: f"{quote(node['schema'])}.{quote(node['alias'])}"
        for key, node in nodes.items()
        if node.get("resource_type") in ("model", "seed")
        and node["config"]["materialized"] not in ("view", "ephemeral")
    }
    if not tables:
        return {}
    with optional("the UI shows no rows of models"):
        counts = " union all ".join(
            f"select {literal(key)} as node, count(*) as n from {table}"
            for key, table in tables.items()
        )
        found = run.warehouse.read(counts).to_pylist()
        return {row["node"]: row["n"] for row in found}
    return {}


def _node(result: Mapping[str, Any]) -> str:
    return result["data"].get("node_info", {}).get("unique_id", "")


def _collect(results: list[dict[str, Any]], result: dict[str, Any]) -> None:
    """Keep a node's result, and say at every quarter of the way how many are done."""
    results.append(result)
    done = len(results)
    total = result["data"].get("total") or result["data"]["num_models"]
    if done * 4 // total > (done - 1) * 4 // total:
        log.info("%d of %d models and tests done", done, total)
