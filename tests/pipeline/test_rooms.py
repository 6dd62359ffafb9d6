"""The rooms of the dbt project: each reads only those above it, and shows what it says it shows."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import pytest
import yaml

from dagster_project.run.dbt_runner import Dbt
from ingestion.company.reading import load_company
from ingestion.paths import PROJECT

BOTH_SOURCES = PROJECT / "company.yml"
ROOMS = [
    group["name"]
    for group in yaml.safe_load((PROJECT / "dbt/models/rooms.yml").read_text("utf-8"))["groups"]
]
SOURCES_READ = {
    "staging": {"raw_files", "raw_google_ads", "raw_hubspot", "raw_meta_ads", "raw_stripe"},
    # What the versions in raw tell of the past.
    "changes": {"raw_files", "raw_hubspot"},
    # What was published before.
    "reports": {"history"},
}

Node = Mapping[str, Any]


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SALESOPS_DATA", str(tmp_path_factory.mktemp("data")))
        return Dbt.of(load_company(BOTH_SOURCES)).manifest()


@pytest.fixture(scope="module")
def models(manifest: Mapping[str, Any]) -> dict[str, Node]:
    found = {key: node for key, node in manifest["nodes"].items() if "model" in key.split(".")[0]}
    assert len(found) > 100
    return found


def room(model: Node) -> str:
    return model["fqn"][1]


def folder(model: Node) -> str:
    return str(Path(model["original_file_path"]).parent)


def test_every_folder_is_a_room_and_a_group(models: Mapping[str, Node]) -> None:
    assert {room(model) for model in models.values()} == set(ROOMS)
    assert [model["name"] for model in models.values() if model["group"] != room(model)] == []


def test_a_room_reads_only_itself_and_those_above_it(models: Mapping[str, Node]) -> None:
    upwards = [
        f"{room(model)}/{model['name']} reads {room(models[parent])}/{models[parent]['name']}"
        for model in models.values()
        for parent in model["depends_on"]["nodes"]
        if parent in models and ROOMS.index(room(models[parent])) > ROOMS.index(room(model))
    ]
    assert upwards == []


def test_folders_within_a_room_are_read_one_way(models: Mapping[str, Node]) -> None:
    read: dict[str, set[str]] = {}
    for model in models.values():
        parents = {folder(models[it]) for it in model["depends_on"]["nodes"] if it in models}
        read.setdefault(folder(model), set()).update(parents - {folder(model)})
    assert len(list(TopologicalSorter(read).static_order())) == len(read)


def test_sources_are_read_where_versions_are_needed(
    manifest: Mapping[str, Any], models: Mapping[str, Node]
) -> None:
    found: dict[str, set[str]] = {}
    for model in models.values():
        for parent in model["depends_on"]["nodes"]:
            if parent in manifest["sources"]:
                source = manifest["sources"][parent]["source_name"]
                found.setdefault(room(model), set()).add(source)
    assert found == SOURCES_READ


def test_what_is_public_is_contracted_and_published(models: Mapping[str, Node]) -> None:
    public = {key for key, model in models.items() if model["access"] == "public"}
    contracted = {key for key, it in models.items() if it["config"]["contract"]["enforced"]}
    schemas = ("marts", "people")
    published = {key for key, model in models.items() if model["schema"] in schemas}
    assert len(public) > 20
    assert public == contracted == published


def test_words_and_tests_are_beside_the_sql(
    manifest: Mapping[str, Any], models: Mapping[str, Node]
) -> None:
    assert [it["name"] for it in models.values() if not it["description"].strip()] == []
    apart = [
        model["name"]
        for model in models.values()
        if model["patch_path"].partition("://")[2]
        != str(Path(model["original_file_path"]).with_suffix(".yml"))
    ]
    assert apart == []
    folders = {model["name"]: folder(model) for model in models.values()}
    told = [
        test["name"]
        for test in manifest["unit_tests"].values()
        if folders[test["model"]] != folder(test)
    ]
    assert told == []
