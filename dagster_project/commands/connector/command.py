"""Writes the folder of a new connector, its registration, its staging model and its test.

It reads one entity of an API that is as plain as can be, whose records have the contract's columns.
So it type checks, lints and loads before there is a line of one's own: what the vendor has
otherwise is then changed file by file, in the order of ingestion/sources/README.md.
"""

from __future__ import annotations

import json
import keyword
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Template

from dagster_project.commands.terminal import say
from ingestion.contract.columns import Column, Entity
from ingestion.contract.dbt_files import formatted, model_file
from ingestion.contract.entities import ENTITIES
from ingestion.contract.types import ColumnType
from ingestion.errors import SalesopsError, one_of
from ingestion.paths import PROJECT

TEMPLATES = Path(__file__).parent / "templates"
SOURCES = Path("ingestion", "sources")
REGISTRY = SOURCES / "registry.py"
MODULES = ("__init__", "settings", "tables", "client", "extraction")
NAME = re.compile(r"[a-z][a-z0-9_]{0,19}")
LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .&+-]{0,29}")
LINE = 100
VALUES: Mapping[ColumnType, object] = {
    "text": "a text",
    "money": "12.50",
    "number": "0.25",
    "integer": 3,
    "boolean": True,
    "timestamp": "2024-03-01T10:00:00Z",
    "date": "2024-03-01",
}
"""What the API of the written test tells."""


class ConnectorError(SalesopsError):
    """No connector can be written as asked."""


def write_connector(name: str, label: str, entity: str, root: Path = PROJECT) -> None:
    """Write an empty connector of a type of source, and say what to do next.

    Raises ConnectorError, before anything is written, where the name is taken or is none.
    """
    _refuse(name, label, entity, root)
    files = dict(files_of(name, label, ENTITIES[entity]))
    if taken := [path for path in files if (root / path).exists()]:
        raise ConnectorError(f"{taken[0]}: it is there already; take another name, or remove it")
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    registry = root / REGISTRY
    text = registry.read_text(encoding="utf-8")
    registry.write_text(registered(text, name, name.upper()), encoding="utf-8")
    # What follows from the registry is written by a process that reads it anew.
    subprocess.run([sys.executable, "-m", "ingestion.contract.dbt_files"], cwd=root, check=True)
    say(f"{label}: an empty connector of type: {name}, which gives {entity}")
    for path in (*files, REGISTRY):
        say(f"  {path}")
    say("Next: ingestion/sources/README.md, from step 1 on; what holds it to it:")
    say(f"  make test ARGS='tests/{name} tests/ingestion/test_source_types.py'")


def registered(registry: str, name: str, constant: str) -> str:
    """The text of the registry with a type of source more."""
    lines = registry.split("\n")
    begins = f"from {'.'.join(SOURCES.parts)}."
    at = [number for number, line in enumerate(lines) if line.startswith(begins)]
    imports = [*lines[at[0] : at[-1] + 1], f"{begins}{name} import {constant}"]
    lines[at[0] : at[-1] + 1] = sorted(imports, key=lambda line: line.split()[1])
    text = "\n".join(lines)
    listed = re.search(r"\nALL = \(\n((?:    \w+,\n)+)\)\n", text)
    if listed is None:
        raise ConnectorError(f"{REGISTRY}: its list ALL of types was not found")
    return f"{text[: listed.end(1)]}    {constant},\n{text[listed.end(1) :]}"


def _refuse(name: str, label: str, entity: str, root: Path) -> None:
    if not NAME.fullmatch(name) or keyword.iskeyword(name):
        raise ConnectorError(
            f"NAME={name}: not a name; give small letters, digits and _, as of a Python module"
        )
    for folder in (SOURCES / name, Path("dbt", "models", "staging", name), Path("tests", name)):
        if (root / folder).exists() or (root / folder).with_suffix(".py").exists():
            raise ConnectorError(f"NAME={name}: {folder} is there already; take another name")
    if not LABEL.fullmatch(label):
        raise ConnectorError(
            f"LABEL={label}: give the vendor's name in letters, digits, blanks and . & + -"
        )
    if entity not in ENTITIES:
        raise ConnectorError(f"ENTITY={entity}: no entity; {one_of(entity, ENTITIES)}")


def files_of(name: str, label: str, entity: Entity) -> Iterator[tuple[Path, str]]:
    """The files of the connector, and what is in them."""
    words = entity.name.replace("_", " ")
    values = {
        "name": name,
        "label": label,
        "entity": entity.name,
        "words": words,
        "words_first": words.capitalize(),
        "constant": name.upper(),
        "prefix": "".join(part.capitalize() for part in name.split("_")),
        "columns": "\n".join(map(_column, entity.columns)),
        "staged": ",\n".join(f"            records.{column.name}" for column in entity.columns),
        "record": "\n".join(
            f"    {json.dumps(column.name)}: {_literal(column)}," for column in entity.columns
        ),
    }

    def filled(template: str) -> str:
        text = (TEMPLATES / f"{template}.template").read_text(encoding="utf-8")
        return Template(text).substitute(values)

    for module in MODULES:
        yield SOURCES / name / f"{module}.py", filled(f"{module}.py")
    staging, model = Path("dbt", "models", "staging", name), f"stg_{name}__{entity.name}"
    yield staging / f"{model}.sql", formatted(filled("staging.sql"))
    yield staging / f"{model}.yml", model_file(model, entity, f"from {label}")
    yield Path("tests", name, f"test_{name}_load.py"), filled("test_load.py")


def _column(column: Column) -> str:
    parts = [
        json.dumps(part, ensure_ascii=False)
        for part in (column.name, column.type, column.description)
    ]
    if column.required:
        parts.append("required=True")
    line = f"    Column({', '.join(parts)}),"
    if len(line) <= LINE:
        return line
    return "\n".join(["    Column(", *(f"        {part}," for part in parts), "    ),"])


def _literal(column: Column) -> str:
    value = column.allowed[0] if column.allowed else VALUES[column.type]
    return str(value) if isinstance(value, (bool, int)) else json.dumps(value)
