"""What the contract says of itself."""

from __future__ import annotations

from ingestion.contract.entities import ENTITIES, RECORD

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
