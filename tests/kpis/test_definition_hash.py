"""`definition_hash` covers what can change a metric's numbers, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from dbt.adapters.base import BaseAdapter
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest

from dagster_project.run.dbt_manifest import MODEL
from dagster_project.run.dbt_runner import QUIET, Dbt
from ingestion.company.reading import load_company
from ingestion.paths import PROJECT
from tests.conftest import Publish
from tests.kpis.companies import TEST_COMPANIES

Hashes = Mapping[str, str]
HashesOf = Callable[..., Hashes]


@pytest.fixture(scope="module")
def dbt() -> Dbt:
    return Dbt.of(load_company(TEST_COMPANIES["edge_cases"].file))


@pytest.fixture
def hashes_of(dbt: Dbt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HashesOf:
    """The hashes of all metrics, some models' SQL or meta being another."""
    monkeypatch.setenv("SALESOPS_WAREHOUSE", str(tmp_path / "warehouse.duckdb"))
    execute = BaseAdapter.execute_macro
    results: list[Hashes] = []

    def kept(self: BaseAdapter, *args: Any, **named: Any) -> Any:
        result = execute(self, *args, **named)
        results.append(result)
        return result

    monkeypatch.setattr(BaseAdapter, "execute_macro", kept)

    def hashes(
        sql: Mapping[str, str] | None = None, meta: Mapping[str, Mapping[str, Any]] | None = None
    ) -> Hashes:
        manifest: Manifest = dbt.parsed()
        for model, values in (meta or {}).items():
            manifest.nodes[MODEL + model].config.meta.update(values)
        manifest.build_flat_graph()
        built = {key: "select 1" for key in manifest.nodes if key.startswith(MODEL)}
        built |= {MODEL + model: text for model, text in (sql or {}).items()}
        project = ["--project-dir", str(PROJECT / "dbt"), "--profiles-dir", str(PROJECT / "dbt")]
        places = ["--target-path", str(tmp_path), "--log-path", str(tmp_path)]
        arguments = ["run-operation", "definition_hashes", "--args", json.dumps({"built": built})]
        done = dbtRunner(manifest).invoke(
            [*QUIET, "--no-write-json", *arguments, *project, *places]
        )
        assert done.success, done.exception
        return results[-1]

    return hashes


def changed(before: Hashes, after: Hashes) -> set[str]:
    assert before.keys() == after.keys()
    return {metric for metric, hash_ in before.items() if after[metric] != hash_}


def test_what_changes_a_hash_and_what_does_not(
    hashes_of: HashesOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = {"kpi_values": "select 1 products as (select 1)"}
    deals = "select 'a -- b' from t where at < '{}'"
    monkeypatch.setenv("SALESOPS_AS_OF", "2024-03-31 00:00:00")
    before = hashes_of(
        {**frame, "int_kpi_deals": deals.format("2024-03-31 00:00:00") + "  -- why\n"}
    )
    everything = set(before)
    assert len(set(before.values())) == len(everything) > 20

    monkeypatch.setenv("SALESOPS_AS_OF", "2024-04-30 00:00:00")
    deals = deals.format("2024-04-30 00:00:00")
    unrelated = {"mart_references": "select 2", "kpi_exclusions": "select 2"}
    same = hashes_of(
        {
            "int_kpi_deals": deals.replace(" from", " /* why\n** not */\n  -- at all\n  from"),
            "kpi_values": "select 1 products as (select 2)",
            **unrelated,
        },
        {"win_rate": {"owner": "marketing", "order": 1, "better": "down", "unit": "percent"}},
    )
    assert changed(before, same) == set()

    known = {**frame, "int_kpi_deals": deals}
    other_deals = changed(before, hashes_of(known | {"int_kpi_deals": deals.replace("--", "-")}))
    assert {"deals_won", "win_rate", "average_deal_size", "sales_velocity"} <= other_deals
    assert not {"lead_conversion_rate", "quota_attainment", "pipeline_value"} & other_deals

    other_cycle = hashes_of(known | {"sales_cycle_days": "select 2"})
    assert changed(before, other_cycle) == {"sales_cycle_days", "sales_velocity"}

    roll_up = hashes_of(known | {"kpi_values": "select 2 products as (select 1)"})
    assert changed(before, roll_up) == everything

    told = {"sales_velocity": {"denominator": "1"}, "stalled_value": {"state": "now"}}
    assert changed(before, hashes_of(known, told)) == {"sales_velocity", "stalled_value"}


def test_each_published_definition_has_its_hash(published: Publish) -> None:
    rows = published("edge_cases").marts(
        "select metric, definition_hash from marts.kpi_definitions"
    )
    assert rows["definition_hash"].str.len().eq(32).all()
    by_metric = rows.groupby("metric")["definition_hash"].nunique()
    assert by_metric.eq(1).all()
    assert rows["definition_hash"].nunique() == len(by_metric)


def test_the_file_shows_each_metric(published: Publish) -> None:
    edge_cases = published("edge_cases")
    for metric in edge_cases.marts("select distinct metric from marts.kpi_values")["metric"]:
        [missing] = edge_cases.marts(
            f"select count(*) as n from (select * from marts.kpi_values where metric = ? "
            f"except select * from marts.kpi_{metric})",
            [metric],
        )["n"]
        assert missing == 0
