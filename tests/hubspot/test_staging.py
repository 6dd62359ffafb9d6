"""The staging models turn the portal into the world's own canonical entities."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import duckdb
from portals import Portal

from dagster_project.run.clock import now
from ingestion.paths import PROJECT
from ingestion.warehouse.warehouse import Warehouse
from tests.compiled_models import CompiledModels
from tests.plans import columns_read

UNKNOWN_TO_HUBSPOT = {"pipeline_stages": {"forecast_category"}, "field_changes": {"source_id"}}
AS_STAGED = {
    "activities": (
        "(select * replace (case when type <> 'task' then outcome when is_done then 'completed' "
        "else 'not_started' end as outcome, case when type = 'task' or not is_done then due_at end "
        "as due_at, case when type = 'task' or outcome is not null and type in ('meeting', 'demo') "
        "then is_done end as is_done) from truth)"
    ),
    "opportunities": (
        "(select truth.* replace (case when stages.status <> 'open' then "
        "coalesce(closed_at, cast(close_date as timestamp)) end as closed_at) "
        "from truth join stages using (pipeline, stage))"
    ),
}
"""HubSpot has no days: a bare closing day is its midnight."""
OF_RAW_ONLY = "row_hash"
"""A column of every raw table that no view shows."""
ENTITIES = (
    "users", "accounts", "contacts", "leads", "pipeline_stages", "opportunities", "field_changes",
    "activities",
)  # fmt: skip


def rows(connection: duckdb.DuckDBPyConnection, relation: str, columns: list[str]) -> list[object]:
    """Rows as text, numbers without their scale, so that types do not matter."""
    decimals = {"amount", "duration_seconds", "probability"}
    texts = [
        f"{name}::DECIMAL(28, 6)::VARCHAR" if name in decimals else f"{name}::VARCHAR"
        for name in columns
    ]
    return sorted(
        connection.execute(f"select {', '.join(texts)} from {relation}").fetchall(), key=str
    )


def test_staged_entities_are_the_worlds(portal: Portal) -> None:
    portal.sync()
    warehouse = Path(Warehouse.of(portal.company()).location)
    views = [f"stg_hubspot__{entity}" for entity in ENTITIES]
    CompiledModels.of(portal.company()).build(now(), now(), views)
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        for entity in ENTITIES:
            truth = portal.world.table(entity)
            connection.register("truth", truth)
            connection.register("stages", portal.world.table("pipeline_stages"))
            relation = AS_STAGED.get(entity, "truth")
            hidden = UNKNOWN_TO_HUBSPOT.get(entity, set())
            columns = [name for name in truth.column_names if name not in hidden]
            staged = rows(connection, f"staging.stg_hubspot__{entity}", columns)
            assert staged == rows(connection, relation, columns), entity
            asked = f"select min(loaded_at) from staging.stg_hubspot__{entity}"
            assert OF_RAW_ONLY not in columns_read(connection, asked), entity


def test_a_stage_and_a_pipeline_renamed_in_the_portal_go_on(portal: Portal) -> None:
    portal.sync()
    models = CompiledModels.of(portal.company())
    shown = "select * exclude (pipeline, stage, stage_label, next_stage, stage_visit_key)"
    visits = f"{shown} from marts.fct_stage_visits order by all"
    with duckdb.connect(Warehouse.of(portal.company()).location) as connection:
        connection.execute("set TimeZone = 'UTC'")
        # Taken out before the pipeline is renamed: its last version has the former name.
        connection.execute("update raw_hubspot.stages set is_deleted = true where label = 'Demo'")
    models.build(now(), now(), ["fct_stage_visits"])
    with duckdb.connect(Warehouse.of(portal.company()).location) as connection:
        before = connection.execute(visits).fetchall()
        connection.execute(
            "insert into raw_hubspot._dlt_loads by name select * replace ('later' as load_id, "
            "inserted_at + interval 1 minute as inserted_at) from raw_hubspot._dlt_loads limit 1"
        )
        connection.execute(
            "insert into raw_hubspot.stages by name select * replace ('later' as _dlt_load_id, "
            "'New Logo' as pipeline, "
            "case label when 'Negotiation' then 'Haggling' else label end as label) "
            "from raw_hubspot.stages where label <> 'Demo' and pipeline = "
            "(select pipeline from raw_hubspot.stages where label = 'Negotiation')"
        )
    later = now() + dt.timedelta(hours=1)
    models.build(now(), later, ["fct_stage_visits", "dim_stage"])
    with duckdb.connect(Warehouse.of(portal.company()).location) as connection:
        assert before
        assert connection.execute(visits).fetchall() == before
        stages = connection.execute(
            "select stage, former_names, is_rename_inferred from marts.dim_stage "
            "where pipeline = 'New Logo' order by stage_order limit 5"
        ).fetchall()
        pipelines = connection.execute(
            "select distinct pipeline from marts.fct_stage_visits "
            "where stage in ('Demo', 'Haggling')"
        ).fetchall()
    assert stages == [
        ("Discovery", None, False),
        ("Qualification", None, False),
        ("Demo", None, False),
        ("Proposal", None, False),
        ("Haggling", "Negotiation", False),
    ]
    assert pipelines == [("New Logo",)]


def test_every_staged_entity_is_announced() -> None:
    macro = (PROJECT / "dbt" / "macros" / "sources.sql").read_text()
    announced = re.search(r"[\"']hubspot[\"']: \[(.*?)\]", macro, re.DOTALL)
    assert announced
    assert re.findall(r"\w+", announced[1]) == list(ENTITIES)
