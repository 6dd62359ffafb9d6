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
from dagster_project.run.dbt_runner import BuildError, Dbt, run_values
from dagster_project.run.pipeline_run import PipelineRun
from ingestion.company.cost_teams import check_cost_teams
from ingestion.company.personal_quotas import check_personal_quotas
from ingestion.extension.folder import ExtensionError

log = logging.getLogger("salesops")

EVERYTHING = "fqn:*"


class Translator(DagsterDbtTranslator):
    """Names assets by schema and model, takes owners from `meta`; dbt groups them by room."""

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


def model_assets(manifest: Mapping[str, Any]) -> dg.AssetsDefinition:
    """The models, seeds and tests of the dbt project."""
    translator = Translator()

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
        check_personal_quotas(run.company, run.warehouse)
        check_cost_teams(run.company, run.warehouse)
        selection, indirect_selection = get_subset_selection_for_context(
            context, manifest, EVERYTHING, None, None, translator, None
        )
        env = {"DBT_INDIRECT_SELECTION": indirect_selection} if indirect_selection else {}
        results: list[dict[str, Any]] = []
        collect = partial(_collect, results)
        failure: BuildError | ExtensionError | None = None
        with run.phase("build"):
            dbt = Dbt(run.company, run.paths, run.warehouse)
            values = run_values(run.as_of, run.known_at, run.run_id, run.company.own_as_of)
            try:
                if context.is_subset:
                    dbt.build({**values, **env}, selection, collect)
                else:
                    moments = Moments(run.as_of, run.known_at, run.company.own_as_of)
                    plan = plan_build(dbt, moments, whole_for=run.built_whole_for)
                    build_everything(dbt, plan, {**values, **env}, collect, selection)
            except (BuildError, ExtensionError) as error:
                failure = error
        for result in results:
            event = DbtCoreCliEventMessage(raw_event=result, event_history_metadata={})
            yield from event.to_default_asset_events(manifest, translator, context)
        if failure:
            raise failure
        run.is_built = not context.is_subset

    return build


def _collect(results: list[dict[str, Any]], result: dict[str, Any]) -> None:
    """Keep a node's result, and say at every quarter of the way how many are done."""
    results.append(result)
    done = len(results)
    total = result["data"].get("total") or result["data"]["num_models"]
    if done * 4 // total > (done - 1) * 4 // total:
        log.info("%d of %d models and tests done", done, total)
