"""Of deals' histories, an increment reads those again of which anything is another."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from portals import Portal

from dagster_project.run.builds import made
from dagster_project.run.clock import now
from dagster_project.run.dbt_runner import run_values
from dagster_project.run.increment import Clock, Increment, Inputs
from dagster_project.run.nodes import Node
from ingestion.warehouse.session import Session, session
from tests.compiled_models import OnceParsed

CHANGES = "stg_hubspot__field_changes"
DAY = dt.date(2026, 1, 1)
CLOCK = Clock(DAY, DAY, DAY)
OF_LAST = "object_id = (select max(object_id) from raw_hubspot.property_history)"


@dataclass
class Histories:
    """A portal's warehouse, whose changes have been built."""

    portal: Portal
    warehouse: Session
    nodes: dict[str, Node] = field(default_factory=dict)

    def differing(self, *statements: str) -> tuple[int, int]:
        """Make an increment after some statements; how many deals were read again, of how many.

        The changes are then as their statement gives them of all that is loaded.
        """
        for statement in statements:
            self.warehouse.execute(statement)
        increment = Increment(
            self.warehouse, self.nodes, run_values(now(), now(), "later"), CLOCK, CLOCK
        )
        increment.run(lambda result: None)
        self.nodes = increment.made
        node = self.nodes[CHANGES]
        for one, other in (("built", "whole"), ("whole", "built")):
            assert not self.warehouse.rows(
                f"""with built as (from {node.relation}), whole as ({node.sql})
                select * from {one} except all select * from {other}"""
            )
        [counts] = self.warehouse.rows(
            f"""select
            (select count(*) from {self.nodes["int_hubspot__histories__touched"].relation}),
            (select count(*) from {self.nodes["int_hubspot__histories"].relation})"""
        )
        return counts


@pytest.fixture
def histories(portal: Portal) -> Iterator[Histories]:
    portal.sync()
    dbt = OnceParsed.of(portal.company())
    values = run_values(now(), now(), "first")
    built = dbt.build(values, ["--select", f"+{CHANGES}"], lambda result: None)
    nodes = made([one for one in built if one.resource_type == "model"], {})
    with session(dbt.warehouse) as warehouse:
        Inputs(warehouse, nodes).put_down(nodes[CHANGES], CLOCK)
        yield Histories(portal, warehouse, nodes)


def loaded(table: str, replaced: str, of: str = "true") -> tuple[str, str]:
    """Statements that load some of a table's rows once more, otherwise."""
    load = f"again: {replaced}"
    return (
        "insert into raw_hubspot._dlt_loads by name select * replace "
        f"($${load}$$ as load_id, now() as inserted_at) from raw_hubspot._dlt_loads limit 1",
        f"insert into raw_hubspot.{table} by name select * replace "
        f"($${load}$$ as _dlt_load_id, {replaced}) from raw_hubspot.{table} where {of}",
    )


def test_histories_that_differ_are_read_again(histories: Histories) -> None:
    _, deals = histories.differing()
    assert histories.differing() == (0, deals)
    assert histories.differing(*loaded("property_history", "'7' as value", OF_LAST)) == (1, deals)
    of_another = "'1' as object_id, source_id || ':1' as source_id"
    first_told = f"{OF_LAST} and value <> '7'"
    found = histories.differing(*loaded("property_history", of_another, first_told))
    assert found == (1, deals + 1)


def test_owners_that_differ_are_others_of_all_changes(histories: Histories) -> None:
    read, _ = histories.differing(*loaded("owners", "null as user_id"))
    assert read == 0
    changes = histories.nodes[CHANGES].relation
    assert histories.warehouse.rows(f"select count(changed_by) from {changes}") == [(0,)]
