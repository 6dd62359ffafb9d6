"""The asset graph: as recorded, and unbroken from file to publication."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
import pytest

from dagster_project.definitions import company_definitions
from dagster_project.run.dbt_runner import Dbt
from ingestion.company.reading import load_company
from ingestion.company.settings import Company
from tests.orchestration.copies import EDGE_CASES
from tests.orchestration.record_graph import RECORD, describe


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SALESOPS_DATA", str(tmp_path_factory.mktemp("data")))
        yield load_company(EDGE_CASES / "company.yml")


@pytest.fixture(scope="module")
def definitions(company: Company) -> dg.Definitions:
    return company_definitions(company)


@pytest.fixture(scope="module")
def graph(definitions: dg.Definitions) -> dg.AssetGraph:
    return definitions.resolve_asset_graph()


def test_the_graph_is_as_recorded(definitions: dg.Definitions) -> None:
    found = describe(definitions)
    assert found == RECORD.read_text(encoding="utf-8"), (
        "the asset graph has changed; if that is meant, record it: make graph"
    )


def test_every_dbt_source_that_is_read_is_loaded_by_a_step(
    company: Company, graph: dg.AssetGraph
) -> None:
    manifest = Dbt.of(company).manifest()
    read = [source for key, source in manifest["sources"].items() if manifest["child_map"][key]]
    # dlt keeps its own table of loads beside those that it loads.
    keys = {
        dg.AssetKey([source["schema"], source["name"]])
        for source in read
        if not source["name"].startswith("_dlt")
    }
    assert {key.path[0] for key in keys} == {"raw_files", "history"}
    assert keys <= set(graph.materializable_asset_keys)


def test_lineage_runs_from_the_files_to_the_published_marts(graph: dg.AssetGraph) -> None:
    ancestors = graph.get_ancestor_asset_keys(dg.AssetKey(["published", "marts"]))
    assert dg.AssetKey(["crm", "opportunities"]) in ancestors
    assert dg.AssetKey(["marts", "kpi_values"]) in ancestors


def test_every_asset_says_what_it_is(graph: dg.AssetGraph) -> None:
    nodes = [graph.get(key) for key in graph.materializable_asset_keys]
    for attribute in ("description", "owners", "kinds"):
        assert not [node.key for node in nodes if not getattr(node, attribute)], attribute
    assert "default" not in {node.group_name for node in nodes}


def test_critical_checks_block_what_follows(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    blocking = [key for key in graph.asset_check_keys if graph.get(key).blocking]
    assert any(key.asset_key.path[0] == "raw_files" for key in blocking)
    assert any(key.asset_key.path[0] == "marts" for key in blocking)
