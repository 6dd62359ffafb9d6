"""The dbt files that follow from the contract and the types of sources: `make contract`.

They are kept in the repository, so that the dbt project can be read and parsed on its own; a test
asserts that they are what the contract says.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

from ingestion.contract.columns import META_COLUMNS, RECORD, Column, Entity, ExtraColumn
from ingestion.contract.entities import ENTITIES
from ingestion.contract.raw_columns import RECORD_COLUMNS
from ingestion.contract.types import TYPES
from ingestion.loading.moments import LOADS, loaded_at
from ingestion.paths import PROJECT
from ingestion.sources.registry import SOURCE_TYPES
from ingestion.sources.source_type import SourceType

DBT = PROJECT / "dbt"
CONTRACT = DBT / "macros" / "contract.sql"
GENERATED = "Written by `make contract` from ingestion/contract/; do not edit."
GENERATED_OF_SOURCES = "Written by `make contract` from ingestion/sources/; do not edit."
PROJECT_FILE = DBT / "dbt_project.yml"
TYPES_BEGIN = "      # Types of sources, written by `make contract`.\n"
TYPES_END = "      # End of what is written.\n"
"""What is between, in the project file, is written."""

STAGED = ("source_instance", "source_id", "source_row", "source_updated_at", "is_deleted")
"""What staging takes over of the columns of every raw row."""
RAW_DOCS = {column.name: column.description for column in (*RECORD_COLUMNS, *META_COLUMNS)}
RECORD_DOCS = {
    "source_system": "Type of the source that the record came from.",
    **{name: RAW_DOCS[name] for name in STAGED},
    "loaded_at": "When the version was loaded (UTC).",
}


def files() -> Iterator[tuple[Path, str]]:
    """Each generated file's path and text, SQL as `make lint` wants it."""
    for path, text in texts(ENTITIES):
        yield path, formatted(text) if path.suffix == ".sql" else text


def texts(entities: Mapping[str, Entity]) -> Iterator[tuple[Path, str]]:
    """What follows from entities: those of the contract, or of a company that adds columns."""
    yield CONTRACT, _contract_macro(entities) + _type_macro()
    yield DBT / "macros" / "sources.sql", _sources_macros()
    contract = DBT / "models" / "contract"
    yield contract / "contract.md", _doc_blocks(entities)
    for source_type in SOURCE_TYPES.values():
        staging = DBT / "models" / "staging" / source_type.name
        yield staging / f"_{source_type.name}__sources.yml", _sources(source_type)
        for entity in entities.values() if source_type.is_canonical else ():
            staged = f"stg_{source_type.name}__{entity.name}"
            origin = f"from the {source_type.label} sources"
            records = f"{{{{ contract_records('{source_type.name}', '{entity.name}') }}}}"
            yield staging / f"{staged}.sql", records
            yield staging / f"{staged}.yml", _model(staged, entity, origin)
    for entity in entities.values():
        unioned = f"int_{entity.name}__unioned"
        yield contract / f"{unioned}.sql", f"{{{{ unioned('{entity.name}') }}}}"
        yield contract / f"{unioned}.yml", _model(unioned, entity, "from all sources")


def formatted(sql: str) -> str:
    """SQL as `make lint` wants it."""
    from sqlfmt.api import Mode, format_string

    return format_string(sql, Mode(line_length=100))


def write() -> None:
    """Write all generated files, and the part of dbt's project file that is generated."""
    for path, text in files():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    PROJECT_FILE.write_text(project(PROJECT_FILE.read_text(encoding="utf-8")), encoding="utf-8")


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
                f"                {{'name': '{column.name}', 'type': '{TYPES[column.type].sql}',"
                f" 'is_event': {column.event}{_added(column)}}},"
                for column in entity.columns
            ),
            "            ],",
            "        },",
        ]
    return "\n".join([*lines, "    }) }}", "{%- endmacro %}", ""])


def _type_macro() -> str:
    types = [f"        '{name}': '{type_.sql}'," for name, type_ in TYPES.items()]
    return "\n".join(
        [
            "",
            "{#- The SQL type of values of a canonical type. -#}",
            "{% macro type_of(canonical) -%}",
            "    {{- return({",
            *types,
            "    }[canonical]) -}}",
            "{%- endmacro %}",
            "",
        ]
    )


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


def _sources_macros() -> str:
    """What the models know of types of sources, and of the moment of a load."""
    types = SOURCE_TYPES.values()
    known = {
        "Types whose raw tables are the contract's entities.": (
            "canonical_types",
            [it.name for it in types if it.is_canonical],
        ),
        "The entities that each type's staging models make.": (
            "staged_entities",
            {it.name: list(it.entities) for it in types},
        ),
        "A type's raw tables that hold versions of records.": (
            "record_tables",
            {
                it.name: [
                    table
                    for table, columns in it.tables.items()
                    if any(column.name == "row_hash" for column in columns)
                ]
                for it in types
            },
        ),
        "The fields of deals of which a type loads every past value.": (
            "declared_histories",
            {it.name: list(it.histories) for it in types if it.histories},
        ),
        "Where a type's raw tables have versions of deals.": (
            "raw_deals",
            {it.name: asdict(it.deals) for it in types if it.deals},
        ),
        "Where a type's raw tables have versions of pipeline stages.": (
            "raw_stages",
            {it.name: asdict(it.stages) for it in types if it.stages},
        ),
    }
    macros = [
        "{#- When a load was finished: a UTC timestamp without zone, of a row of dlt's loads. -#}\n"
        f"{{% macro loaded_at() -%}} {loaded_at()} {{%- endmacro %}}",
        *(
            f"{{#- {comment} -#}}\n"
            f"{{% macro {name}() -%}} {{{{ return({value}) }}}} {{%- endmacro %}}"
            for comment, (name, value) in known.items()
        ),
    ]
    return "\n\n".join([f"{{#- {GENERATED_OF_SOURCES} -#}}", *macros, ""])


def project(text: str) -> str:
    """dbt_project.yml, in which the folder of each source type is built where it is used."""
    before, begin, rest = text.partition(TYPES_BEGIN)
    _, end, after = rest.partition(TYPES_END)
    used = "'{name}' in var('source_types', ['files'])"
    folders = "".join(
        f'      {name}:\n        +enabled: "{{{{ {used.format(name=name)} }}}}"\n'
        for name in SOURCE_TYPES
    )
    return f"{before}{begin}{folders}{end}{after}"


def _sources(source_type: SourceType) -> str:
    lines = [
        f"# {GENERATED_OF_SOURCES}",
        "sources:",
        f"  - name: {source_type.dataset}",
        "    description: Every version of every record, as loaded; only ever appended to.",
        "    tables:",
        f"      - name: {LOADS}",
        "        description: One row per finished load.",
    ]
    for table, description in source_type.descriptions.items():
        lines += [
            f"      - name: {table}",
            f"        description: {json.dumps(description, ensure_ascii=False)}",
        ]
    return "\n".join([*lines, ""])


def _model(name: str, entity: Entity, origin: str) -> str:
    return f"# {GENERATED}\n{model_file(name, entity, origin)}"


def model_file(name: str, entity: Entity, origin: str) -> str:
    """The YAML of a model that has an entity's records, in the contract's words."""
    lines = [
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
