"""The record of a load: one row of `exports` for each table that it read."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from ingestion.contract.columns import Column
from ingestion.loading.appending import arrow_schema
from ingestion.loading.reports import TableLoad

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Export:
    """What a load read of one table, and did to it.

    `fingerprint` is a hash of all that the rows depend on, where that can be told. `read` is told
    as JSON: files, or what was asked for. `more` are columns of the source type's own.
    """

    load: TableLoad
    fingerprint: str
    read: object
    more: Mapping[str, object] = field(default_factory=dict)


def exports_batch(
    columns: tuple[Column, ...], instance: str, exports: Iterable[Export]
) -> pa.RecordBatch:
    """The rows of a source's table `exports`, which has these columns."""
    import pyarrow as pa

    now = dt.datetime.now(dt.UTC).replace(tzinfo=None)
    rows = [
        {
            "source_instance": instance,
            "fingerprint": export.fingerprint,
            "files": json.dumps(export.read),
            "extracted_at": now,
            **asdict(export.load),
            **export.more,
        }
        for export in exports
    ]
    schema = arrow_schema(columns)
    named = [{name: row[name] for name in schema.names} for row in rows]
    return pa.RecordBatch.from_pylist(named, schema=schema)
