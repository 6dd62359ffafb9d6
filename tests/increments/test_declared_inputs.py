"""Every model that is built in increments says of each input how it is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from dagster_project.run.dbt_runner import Dbt
from ingestion.company.reading import load_company
from ingestion.paths import PROJECT

Node = Mapping[str, Any]
NEWS = "int_opportunities__news"
CLOCKED = "int_opportunities__clocked"
ACTIVITIES = "int_activities__news"
DIFFERING = "int_kpi_cells__touched"
CELLS = "int_kpi_cells__recomputed"
VARIANTS = "int_kpi_variants__touched"
DIFFERING_DAYS = "int_pipeline_days__touched"
DAYS = "int_pipeline_day__recomputed"
HISTORIES = "int_hubspot__histories__touched"
OF_VARIANTS = "(metric, variant)"
LOOKED_AT = {
    NEWS: (NEWS,),
    CLOCKED: (NEWS, CLOCKED),
    ACTIVITIES: (ACTIVITIES,),
    CELLS: (CELLS,),
    VARIANTS: (CELLS, VARIANTS),
    DAYS: (DAYS,),
    HISTORIES: (HISTORIES,),
}
"""By set: those whose inputs put a record into it where they change."""
CLOCK = ("as_of(", "as_of_day(", "current_month(", "ended_by_day(", "is_look_back(")
"""Macros by which SQL reads the run's moment."""
TOLD_BY = {"current_month(": "by_month", "as_of(": "stamps"}
"""Of a model of cells: what must be said of one that reads the clock."""
WHOLE = {"is_look_back("}
"""What has everything made whole that asks it, where the answer is another."""
APART = {
    # The deal's account may come into being: that is looked at. Nothing else of it is read.
    ("fct_opportunities", "dim_account"),
    # Only stays that have not ended are compared with how long others took.
    ("stalled_value", "int_stage_durations"),
    # Whom an activity was with, and whose it was, is worked out for the set, and compared with what
    # it came to.
    *(("fct_activities", table) for table in ("fct_opportunities", "int_surviving_deals")),
    *(("fct_activities", table) for table in ("int_leads__unioned", "int_contacts__unioned")),
    *(("fct_activities", table) for table in ("dim_account", "dim_rep", "int_user_versions")),
}
"""What models read that matters only to records of their set, and why."""


@pytest.fixture(scope="module")
def models() -> dict[str, Node]:
    """The models of the default company by name, all of whose sources' types are used."""
    manifest = Dbt.of(load_company(PROJECT / "company.yml")).manifest()
    return {node["name"]: node for node in manifest["nodes"].values() if is_model(node)}


def is_model(node: Node) -> bool:
    return bool(node["resource_type"] == "model")


def spec_of(node: Node) -> Mapping[str, Any] | None:
    """How a model is recomputed by record, if it is."""
    found: Mapping[str, Any] | None = node["config"]["meta"].get("increment")
    return found


def inputs_of(node: Node) -> set[str]:
    return {name.split(".")[-1] for name in node["depends_on"]["nodes"]}


def incremental(models: Mapping[str, Node]) -> Iterator[tuple[str, Node, Mapping[str, Any]]]:
    for name, node in models.items():
        if spec := spec_of(node):
            yield name, node, spec


def ancestors(models: Mapping[str, Node], names: tuple[str, ...]) -> set[str]:
    """All that models rest on."""
    found, todo = set(), [*names]
    while todo:
        for name in inputs_of(models[todo.pop()]) - found:
            found.add(name)
            if name in models:
                todo.append(name)
    return found


def is_among(looked_at: set[str], models: Mapping[str, Node], name: str) -> bool:
    """Whether a model is looked at, or, of a view, all that it reads."""
    if name in looked_at or name not in models:
        return name in looked_at
    node = models[name]
    return node["config"]["materialized"] == "view" and all(
        is_among(looked_at, models, input) for input in inputs_of(node)
    )


def test_there_are_such_models(models: dict[str, Node]) -> None:
    assert len([*incremental(models)]) > 10


def test_all_inputs_are_models(models: dict[str, Node]) -> None:
    """What is in raw or in the history of publications is neither cut by record nor compared."""
    for name, node, spec in incremental(models):
        known = {*spec["of"], *spec["compared"], *spec["apart"]}
        assert inputs_of(node) <= models.keys(), name
        assert known <= inputs_of(node), f"{name} says of inputs that it does not read"
        assert spec["set"] in models, name


def test_the_set_knows_of_all_that_is_read_by_record(models: dict[str, Node]) -> None:
    """A table built whole is looked at by the set; one in increments has no larger set."""
    wrong = []
    for name, _, spec in incremental(models):
        sets = LOOKED_AT[spec["set"]]
        looked_at = ancestors(models, sets)
        for input in spec["of"]:
            theirs = spec_of(models[input])
            differs = DIFFERING in looked_at and cells_of(models)["of"] == input
            if theirs and theirs["set"] not in sets and not differs:
                wrong.append(f"{name}, of {spec['set']}, reads {input}, of {theirs['set']}")
            elif not (theirs or spec["wholly"] or is_among(looked_at, models, input)):
                wrong.append(f"{name} reads {input} by record, which {spec['set']} does not know")
    assert not wrong, "\n".join(wrong)


def test_what_matters_to_records_of_the_set_alone_is_argued(models: dict[str, Node]) -> None:
    told = {(name, input) for name, _, spec in incremental(models) for input in spec["apart"]}
    assert told == APART


def test_records_have_one_key(models: dict[str, Node]) -> None:
    for name, _, spec in incremental(models):
        for input, (column, _) in spec["of"].items():
            theirs = spec_of(models[input])
            assert not theirs or column in keys_of(models, input), (
                f"{name} reads {input} by {column}"
            )


def keys_of(models: Mapping[str, Node], name: str) -> set[str]:
    """What tells the records of a model: its key, or its cells', each of a variant."""
    cells, spec = cells_of(models), spec_of(models[name])
    assert spec
    if name == cells["of"]:
        return {f"({', '.join(cells['columns'].values())})", OF_VARIANTS}
    return {spec["key"], OF_VARIANTS} if spec["set"] == CELLS else {spec["key"]}


def cells_of(models: Mapping[str, Node]) -> Mapping[str, Any]:
    """What the model that lists cells that differ says of them."""
    found: Mapping[str, Any] = models[DIFFERING]["config"]["meta"]["cells"]
    return found


def test_cells_that_differ_are_of_one_model(models: dict[str, Node]) -> None:
    listing = [name for name, node in models.items() if "cells" in node["config"]["meta"]]
    assert {*listing} == {DIFFERING, DIFFERING_DAYS, HISTORIES}
    for name in listing:
        assert inputs_of(models[name]) == {models[name]["config"]["meta"]["cells"]["of"]}
    cells = cells_of(models)
    spec = spec_of(models[cells["of"]])
    assert spec
    assert spec["wholly"] == next(iter(cells["columns"])), "branches are told by it"


def test_numbers_that_read_the_clock_say_so(models: dict[str, Node]) -> None:
    found = set()
    for name, node, spec in incremental(models):
        if spec["set"] in (CELLS, VARIANTS):
            for word in {word for word in CLOCK if word in node["raw_code"]} - WHOLE:
                assert spec[TOLD_BY[word]], f"{name}: {word}"
                found.add(word)
    assert found == {*TOLD_BY}


def test_what_unites_records_reads_no_clock(models: dict[str, Node]) -> None:
    """Of inputs that are read wholly and are as they were, the rows stay."""
    for name, node, spec in incremental(models):
        if spec["wholly"]:
            assert not [word for word in CLOCK if word in node["raw_code"]], name


def test_a_set_of_differing_records_is_of_the_table_that_it_is_compared_with(
    models: dict[str, Node],
) -> None:
    """What it works out is what the table is made of, by the same macro."""
    listing = {
        name: node["config"]["meta"]["differs_from"]
        for name, node in models.items()
        if "differs_from" in node["config"]["meta"]
    }
    assert listing == {ACTIVITIES: "fct_activities"}
    for name, table in listing.items():
        assert f"build.last_{table}" in models[name]["raw_code"]
        spec = spec_of(models[table])
        assert spec
        assert spec["set"] == name
        assert {*spec["of"], *spec["apart"]} == inputs_of(models[name])
        for node in (models[name], models[table]):
            assert "{{ activities_alone() }}" in node["raw_code"]
            assert "{{ ctes_of_activity_links(" in node["raw_code"]


def test_the_clock_means_nothing_to_records_without_news(models: dict[str, Node]) -> None:
    for name, node, spec in incremental(models):
        if spec["set"] == NEWS:
            assert not [word for word in CLOCK if word in node["raw_code"]], name
