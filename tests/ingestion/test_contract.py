"""What the contract says of itself."""

from __future__ import annotations

import duckdb
import pytest

from ingestion.contract.columns import RECORD
from ingestion.contract.entities import ENTITIES
from ingestion.contract.types import TYPES, ColumnType

BY_NAME = {"users.team", "pipeline_stages.stage"}


def test_every_id_says_what_it_points_at() -> None:
    for entity in ENTITIES.values():
        for column in entity.columns:
            if column.name.endswith("_id") or column.name == "changed_by":
                assert column.references in {*ENTITIES, RECORD}, f"{entity.name}.{column.name}"
            elif column.references:
                assert column.references in BY_NAME, f"{entity.name}.{column.name}"


def test_what_is_pointed_at_has_ids() -> None:
    for entity in ENTITIES.values():
        for column in entity.columns:
            if column.references in ENTITIES:
                assert ENTITIES[column.references].is_referenced, column.references


@pytest.mark.parametrize("type_", TYPES)
def test_a_type_is_the_same_in_sql_and_in_arrow(type_: ColumnType) -> None:
    typed = f"select null::{TYPES[type_].sql} as value"
    [column] = duckdb.sql(typed).to_arrow_table().schema
    assert column.type == TYPES[type_].in_arrow()
