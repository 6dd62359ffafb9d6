"""dbt without the work of which nobody sees anything finds and tells what it does with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from dbt.clients.jinja import MacroStack
from dbt.context.macros import MacroNamespace, MacroNamespaceBuilder
from dbt.contracts.graph.manifest import Manifest
from dbt_common.behavior_flags import BehaviorFlagRendered
from dbt_common.events.base_types import EventLevel
from dbt_common.events.event_manager import EventManager
from dbt_common.events.types import Note, SystemExecutingCmd

from dagster_project.run.dbt_runner import Dbt
from dagster_project.run.lean_dbt import lean
from ingestion.company.reading import load_company
from tests.kpis.companies import TEST_COMPANIES

INTERNAL = ["dbt", "dbt_duckdb"]


@pytest.fixture(scope="module")
def parsed() -> Manifest:
    return Dbt.of(load_company(TEST_COMPANIES["edge_cases"].file)).parsed()


@pytest.mark.parametrize("package", ["salesops", "dbt", "dbt_duckdb"])
def test_each_name_is_the_macro_that_it_is_to_dbt(parsed: Manifest, package: str) -> None:
    context: dict[str, Any] = {}

    def space() -> MacroNamespace:
        builder = MacroNamespaceBuilder("salesops", package, MacroStack(), INTERNAL, None)
        return builder.build_namespace(parsed.get_macros_by_package(), context)

    def told(space: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name: told(found) if isinstance(found, Mapping) else vars(found) | {"stack": None}
            for name, found in dict(space).items()
        }

    theirs = space()
    expected, by_package = told(theirs), theirs.get_from_package("dbt", "create_schema")
    with lean():
        ours = space()
        assert told(ours) == expected
        assert set(ours) == set(expected)
        assert len(ours) == len(expected)
        assert "materialization_table_duckdb" in ours
        assert "no_such_macro" not in ours
        found = ours.get_from_package("dbt", "create_schema")
        assert found
        assert by_package
        assert found.macro == by_package.macro
    assert told(space()) == expected


def test_what_is_said_for_debugging_is_heard_by_nobody_and_all_else_is() -> None:
    heard: list[str] = []
    manager = EventManager()
    manager.add_callback(lambda message: heard.append(message.info.msg))
    with lean():
        manager.fire_event(Note(msg="for debugging"), EventLevel.DEBUG)
        manager.fire_event(Note(msg="a warning"), EventLevel.WARN)
        debugging = SystemExecutingCmd(cmd=["ls"])
        manager.fire_event(debugging)
        manager.fire_event(debugging, EventLevel.ERROR)
    assert heard == ["a warning", 'Executing "ls"']
    manager.fire_event(Note(msg="after that"), EventLevel.DEBUG)
    assert heard[-1] == "after that"


def test_a_behaviour_is_of_the_module_that_says_it() -> None:
    def source() -> str:
        flag = {"name": "any", "default": True, "description": "Anything."}
        return str(BehaviorFlagRendered(flag, {})._behavior_change_event.flag_source)

    theirs = source()
    with lean():
        assert source() == theirs == __name__
