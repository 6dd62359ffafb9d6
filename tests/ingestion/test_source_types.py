"""What each type of source says of itself is so."""

from __future__ import annotations

import json
import re
from typing import get_args

import pytest

from ingestion.contract.columns import META_COLUMNS
from ingestion.contract.dbt_files import DBT, PROJECT_FILE, project
from ingestion.contract.entities import ENTITIES
from ingestion.contract.raw_columns import EXPORT_COLUMNS, RECORD_COLUMNS
from ingestion.sources.ads.settings import AdsSource
from ingestion.sources.registry import SOURCE_TYPES
from ingestion.sources.source_type import SourceType

each = pytest.mark.parametrize("source_type", SOURCE_TYPES.values(), ids=SOURCE_TYPES)


def columns(source_type: SourceType, table: str) -> set[str]:
    return {column.name for column in source_type.tables[table]}


@each
def test_its_name_is_what_company_yml_writes(source_type: SourceType) -> None:
    assert get_args(source_type.settings.model_fields["type"].annotation) == (source_type.name,)


@each
def test_every_raw_table_is_described_and_has_what_the_engine_asks(source_type: SourceType) -> None:
    assert source_type.descriptions.keys() == source_type.tables.keys() >= {"rejected", "exports"}
    assert columns(source_type, "exports") >= {column.name for column in EXPORT_COLUMNS}
    for table in source_type.tables.keys() - {"rejected", "exports"}:
        versioned = {column.name for column in (*RECORD_COLUMNS, *META_COLUMNS)}
        assert columns(source_type, table) >= versioned, table


@each
def test_its_entities_are_those_that_have_a_staging_model(source_type: SourceType) -> None:
    models = (DBT / "models" / "staging" / source_type.name).glob("stg_*.sql")
    staged = {path.stem.removeprefix(f"stg_{source_type.name}__") for path in models}
    assert set(source_type.entities) == staged <= ENTITIES.keys()


@each
def test_what_it_names_is_in_its_raw_tables(source_type: SourceType) -> None:
    for expected in source_type.freshness:
        assert expected.column in columns(source_type, expected.table)
    if deals := source_type.deals:
        assert {deals.stage, deals.created_at, "pipeline"} <= columns(source_type, deals.table)
    if stages := source_type.stages:
        assert {stages.name, "pipeline"} <= columns(source_type, stages.table)
    assert set(source_type.histories) <= ENTITIES["opportunities"].by_name.keys()


def test_dbts_project_file_has_the_folder_of_each() -> None:
    text = PROJECT_FILE.read_text(encoding="utf-8")
    assert text == project(text), "run `make contract`"
    assert all(f"      {name}:\n        +enabled: " in text for name in SOURCE_TYPES)


def test_models_know_which_types_are_advertising_platforms() -> None:
    macro = (DBT / "macros" / "ads.sql").read_text(encoding="utf-8")
    known = re.search(r"macro ad_platforms\(\) .*?return\((\[.*?\])\)", macro, re.DOTALL)
    assert known
    platforms = [it.name for it in SOURCE_TYPES.values() if issubclass(it.settings, AdsSource)]
    assert json.loads(known[1]) == platforms
