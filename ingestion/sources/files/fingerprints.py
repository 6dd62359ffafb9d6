"""Hashes of all that an entity's rows depend on: where they are as before, nothing is read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ingestion.contract.columns import Column
from ingestion.errors import SourceError
from ingestion.sources.files.catalog import Origin
from ingestion.sources.files.settings import EntityMapping
from ingestion.sources.files.shapes.settings import Status
from ingestion.sources.files.values.casting import Zones


@dataclass(frozen=True)
class Digests:
    """SHA-256 of the content of files, each read once."""

    _known: dict[Path, str] = field(default_factory=dict)

    def of(self, path: Path) -> str:
        """The digest of a file. Raises SourceError where it cannot be read."""
        if path not in self._known:
            try:
                with path.open("rb") as file:
                    self._known[path] = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError as error:
                raise SourceError(f"{path}: cannot be read ({error.strerror})") from None
        return self._known[path]


def fingerprint(
    entities: Mapping[str, EntityMapping],
    declared: Mapping[str, tuple[Column, ...]],
    origins: Mapping[str, Origin],
    zones: Zones,
    status: Status | None,
    digests: Digests,
) -> str:
    """The hash of an entity, whose rows depend on those of others, too: all that are `declared`.

    `status` is what is said of a status beside the stage, where that matters.
    """
    depended = [
        (
            entities[name].model_dump(mode="json"),
            [asdict(column) for column in columns],
            [
                (relation.name, relation.options.model_dump(), path.name, digests.of(path))
                for relation in (origins[name].relations if name in origins else ())
                for path in relation.files
            ],
        )
        for name, columns in declared.items()
    ]
    said = status.model_dump() if status else None
    text = json.dumps([asdict(zones), depended, said], default=str)
    return hashlib.sha256(text.encode()).hexdigest()
