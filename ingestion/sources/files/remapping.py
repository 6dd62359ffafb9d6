"""What company.yml says of how an entity is read, kept with each load to tell what has changed.

A record that a full export no longer holds was deleted; one that another mapping no longer finds
was not. When a load lacks most records, what was said at the last one tells the two apart.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ingestion.sources.files.catalog import Origin
from ingestion.sources.files.settings import EntityMapping, FilesSource

MAX_GONE = 0.5
"""The share of an entity's records above which a changed mapping is held to have lost them."""
SHOWN = 60
INLINE = {"rows": "inline"}
"""The mapping of a table that is written in company.yml: its rows are data, and may change."""

Said = Mapping[str, str]
"""Values in company.yml by key, as text: those of the entity, and of the source where it uses them.
"""


def said_of(source: FilesSource, entity: str, origin: Origin | None, home: Path) -> Said:
    """What is said of an entity whose `from` means `origin`; `home` holds the company file."""
    mapping = source.entities[entity]
    if origin is None:
        return INLINE
    names = {relation.name for relation in origin.relations}
    return {
        **said_of_mapping(mapping, source.timezone),
        "path": Path(os.path.relpath(source.path, home)).as_posix(),
        "options": mapping.options.over(source.options).model_dump_json(exclude_defaults=True),
        **{
            f"views.{name}": view.model_dump_json(exclude_defaults=True)
            for name, view in source.views.items()
            if name.lower() in names
        },
    }


def said_of_mapping(mapping: EntityMapping, timezone: str | None) -> Said:
    """What is said of an entity that has a `from`, whatever that means; zone is the source's."""
    columns = mapping.columns or {}
    return {
        "from": " ".join(str(mapping.from_).split()),
        **{f"columns.{name}": str(value) for name, value in columns.items()},
        **{name: json.dumps(value) for name, value in _shape(mapping).items()},
        "export": mapping.export,
        "timezone": timezone or "the company's",
    }


def _shape(mapping: EntityMapping) -> dict[str, Any]:
    """What is said of the shape of its rows, key by key."""
    plain = {"from_", "columns", "rows", "export"}
    return mapping.model_dump(mode="json", by_alias=True, exclude=plain, exclude_defaults=True)


def changes(before: Said, now: Said) -> Iterator[str]:
    """What is said otherwise than before, key by key."""
    for key in dict.fromkeys([*before, *now]):
        if before.get(key) != now.get(key):
            yield f"{key} was {_shown(before.get(key))}, is {_shown(now.get(key))}"


def _shown(value: str | None) -> str:
    if value is None:
        return "not there"
    return repr(value if len(value) <= SHOWN else value[: SHOWN - 1] + "…")
