"""The asset graph: as recorded, and unbroken from file to publication."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import dagster as dg
import pytest

from dagster_project.definitions import company_definitions
from dagster_project.publication import MARTS
from dagster_project.run.dbt_manifest import mart_tables
from dagster_project.run.dbt_runner import Dbt
from dagster_project.run.opening import PAGES
from ingestion.company.reading import load_company
from ingestion.company.settings import Company
from tests.orchestration.copies import EDGE_CASES
from tests.orchestration.record_graph import RECORD, describe

FILES = "published"


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
    keys = {dg.AssetKey([source["schema"], source["name"]]) for source in read}
    assert {key.path[0] for key in keys} == {"raw_files", "history"}
    assert keys <= set(graph.materializable_asset_keys)


def test_lineage_runs_from_the_files_to_the_published_marts(graph: dg.AssetGraph) -> None:
    ancestors = graph.get_ancestor_asset_keys(dg.AssetKey(["published", "marts"]))
    assert dg.AssetKey(["crm", "opportunities"]) in ancestors
    assert dg.AssetKey(["marts", "kpi_values"]) in ancestors


def test_every_asset_says_what_it_is(graph: dg.AssetGraph) -> None:
    nodes = [graph.get(key) for key in graph.get_all_asset_keys()]
    for attribute in ("description", "owners", "kinds"):
        assert not [node.key for node in nodes if not getattr(node, attribute)], attribute
    assert "default" not in {node.group_name for node in nodes}


def test_groups_feed_each_other_in_no_circle(graph: dg.AssetGraph) -> None:
    feeds: dict[str, set[str]] = defaultdict(set)
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        parents = {graph.get(parent).group_name for parent in node.parent_keys}
        feeds[node.group_name] |= parents - {node.group_name}
    TopologicalSorter(feeds).prepare()
    assert "published" not in set().union(*feeds.values())


def test_one_published_asset_leads_to_the_marts_and_the_others_to_it(graph: dg.AssetGraph) -> None:
    published = {key: graph.get(key) for key in graph.get_all_asset_keys() if key.path[0] == FILES}
    [marts] = [key for key in published if key.path[-1] == "marts"]
    read = set(published[marts].parent_keys)
    assert read == {
        dg.AssetKey([MARTS, table.name])
        for table in mart_tables(Dbt.of(load_company(EDGE_CASES / "company.yml")).manifest())
    }
    made_of_it = {key.path[-1] for key in graph.get(marts).child_keys}
    assert made_of_it == {"parquet", "manifest", "dashboard"}
    for name in made_of_it:
        assert published[dg.AssetKey([FILES, name])].parent_keys == {marts}


def test_what_is_published_is_to_be_fresh_every_morning(graph: dg.AssetGraph) -> None:
    policies = {
        key.path[-1]: graph.get(key).freshness_policy
        for key in graph.materializable_asset_keys
        if graph.get(key).freshness_policy
    }
    assert policies.keys() == {"marts", "people", "parquet", "manifest", "dashboard"}


def test_a_model_says_where_its_sql_stands_and_which_columns_it_has(graph: dg.AssetGraph) -> None:
    metadata = graph.get(dg.AssetKey([MARTS, "kpi_values"])).metadata
    [reference] = metadata["dagster/code_references"].code_references
    assert Path(reference.file_path).name == "kpi_values.sql"
    assert Path(reference.file_path).is_file()
    columns = {column.name for column in metadata["dagster/column_schema"].columns}
    assert {"metric", "value", "n_included"} <= columns


def test_pages_are_linked_where_they_are_served(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PAGES, "http://127.0.0.1:3001")
    graph = company_definitions(company).resolve_asset_graph()
    pages = {
        key.path[-1]: re.findall(r"http\S+(?=\))", graph.get(key).description or "")
        for key in graph.get_all_asset_keys()
    }
    served = "http://127.0.0.1:3001"
    assert {name: found for name, found in pages.items() if found} == {
        "marts": [f"{served}/dashboard/index.html"],
        "dashboard": [f"{served}/dashboard/index.html"],
        "people": [f"{served}/people/people.html"],
        "data_docs": [f"{served}/data_docs/index.html"],
    }


def test_critical_checks_block_what_follows(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    blocking = [key for key in graph.asset_check_keys if graph.get(key).blocking]
    assert any(key.asset_key.path[0] == "raw_files" for key in blocking)
    assert any(key.asset_key.path[0] == "marts" for key in blocking)
