"""The dbt files that follow from the contract, written by `make contract`.

They are kept in the repository, so that the dbt project can be read and parsed on its own; a test
asserts that they are what the contract says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from ingestion.contract.entities import (
    ENTITIES,
    RECORD,
    Column,
    ColumnType,
    Entity,
    ExtraColumn,
)
from ingestion.paths import PROJECT

DBT = PROJECT / "dbt"
CONTRACT = DBT / "macros" / "contract.sql"
GENERATED = "Written by `make contract` from ingestion/contract/; do not edit."

SQL_TYPES: dict[ColumnType, str] = {
    "text": "varchar",
    "money": "numeric(28, 6)",
    "number": "numeric(28, 10)",
    "integer": "bigint",
    "boolean": "boolean",
    "timestamp": "timestamp",
    "date": "date",
}

RECORD_DOCS = {
    "source_system": "Type of the source that the record came from.",
    "source_instance": "Name, in company.yml, of the source that the record came from.",
    "source_id": "The record's id in the system that it came from.",
    "source_row": "Position of the record in its file or answer: keeps the source's order.",
    "source_updated_at": "When the source last changed the record (UTC).",
    "is_deleted": "Whether the source had deleted the record.",
    "loaded_at": "When the version was loaded (UTC).",
}


def files() -> Iterator[tuple[Path, str]]:
    """Each generated file's path and text, SQL as `make lint` wants it."""
    for path, text in texts(ENTITIES):
        yield path, _formatted(text) if path.suffix == ".sql" else text


def texts(entities: Mapping[str, Entity]) -> Iterator[tuple[Path, str]]:
    """What follows from entities: those of the contract, or of a company that adds columns."""
    yield CONTRACT, _contract_macro(entities)
    staging = DBT / "models" / "staging" / "files"
    contract = DBT / "models" / "contract"
    yield staging / "_files__sources.yml", _sources("files")
    yield contract / "contract.md", _doc_blocks(entities)
    for entity in entities.values():
        staged, unioned = f"stg_files__{entity.name}", f"int_{entity.name}__unioned"
        records = f"{{{{ contract_records('files', '{entity.name}') }}}}"
        yield staging / f"{staged}.sql", records
        yield staging / f"{staged}.yml", _model(staged, entity, "from the files sources")
        yield contract / f"{unioned}.sql", f"{{{{ unioned('{entity.name}') }}}}"
        yield contract / f"{unioned}.yml", _model(unioned, entity, "from all sources")


def _formatted(sql: str) -> str:
    from sqlfmt.api import Mode, format_string

    return format_string(sql, Mode(line_length=100))


def write() -> None:
    """Write all generated files."""
    for path, text in files():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _contract_macro(entities: Mapping[str, Entity]) -> str:
    lines = [
        f"{{#- {GENERATED} -#}}",
        "{% macro contract() -%}",
        "    {{ return({",
    ]
    for entity in entities.values():
        begins = entity.by_name[entity.begins_at].type if entity.begins_at else ""
        lines += [
            f"        '{entity.name}': {{",
            f"            'key': '{entity.surrogate_key}',",
            f"            'begins_at': '{entity.begins_at or ''}',",
            f"            'begins_type': '{begins}',",
            f"            'references': {_references(entity)},",
            "            'columns': [",
            *(
                f"                {{'name': '{column.name}', 'type': '{SQL_TYPES[column.type]}',"
                f" 'is_event': {column.event}{_added(column)}}},"
                for column in entity.columns
            ),
            "            ],",
            "        },",
        ]
    return "\n".join([*lines, "    }) }}", "{%- endmacro %}", ""])


def _added(column: Column) -> str:
    """What is said of a column that a company adds."""
    return f", 'is_extra': True, 'is_cut': {column.cut}" if isinstance(column, ExtraColumn) else ""


def _references(entity: Entity) -> dict[str, str]:
    """What each column points at; of what points at a record of whatever entity the models know."""
    return {
        column.name: column.references
        for column in entity.columns
        if column.references not in ("", RECORD)
    }


def _doc_blocks(entities: Mapping[str, Entity]) -> str:
    blocks = [f"<!-- {GENERATED} -->", ""]
    for name, text in RECORD_DOCS.items():
        blocks += [f"{{% docs {name} %}}", text, "{% enddocs %}", ""]
    for entity in entities.values():
        blocks += [f"{{% docs {entity.name} %}}", entity.description, "{% enddocs %}", ""]
        blocks += [
            f"{{% docs {entity.surrogate_key} %}}",
            f"Surrogate key of the {entity.singular.replace('_', ' ')}: hash of system, instance"
            " and id.",
            "{% enddocs %}",
            "",
        ]
        for column in entity.columns:
            blocks += [f"{{% docs {entity.name}__{column.name} %}}", _described(column)]
            blocks += ["{% enddocs %}", ""]
    return "\n".join(blocks)


def _described(column: Column) -> str:
    allowed = f" One of {', '.join(column.allowed)}." if column.allowed else ""
    return column.description + allowed


def _sources(source_type: str) -> str:
    lines = [
        f"# {GENERATED}",
        "sources:",
        f"  - name: raw_{source_type}",
        "    description: Every version of every record, as loaded; only ever appended to.",
        "    tables:",
        "      - name: _dlt_loads",
        "        description: One row per finished load.",
        "      - name: rejected",
        "        description: Rows that break the contract, kept whole, with the reason.",
        "      - name: exports",
        "        description: One row per entity and load, the state of the last export.",
    ]
    for entity in ENTITIES.values():
        lines += [
            f"      - name: {entity.name}",
            f"        description: '{{{{ doc(\"{entity.name}\") }}}}'",
        ]
    return "\n".join([*lines, ""])


def _model(name: str, entity: Entity, origin: str) -> str:
    lines = [
        f"# {GENERATED}",
        "models:",
        f"  - name: {name}",
        f"    description: '{{{{ doc(\"{entity.name}\") }}}} Canonical, {origin}.'",
        "    columns:",
        f"      - name: {entity.surrogate_key}",
        f"        description: '{{{{ doc(\"{entity.surrogate_key}\") }}}}'",
        *_columns(entity),
    ]
    return "\n".join([*lines, ""])


def _columns(entity: Entity) -> Iterator[str]:
    for name in RECORD_DOCS:
        yield f"      - name: {name}"
        yield f"        description: '{{{{ doc(\"{name}\") }}}}'"
    for column in entity.columns:
        yield f"      - name: {column.name}"
        yield f"        description: '{{{{ doc(\"{entity.name}__{column.name}\") }}}}'"


if __name__ == "__main__":
    write()
