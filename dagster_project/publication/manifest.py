"""What a publication says of itself."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ingestion.errors import SalesopsError

MARTS = "marts"
PEOPLE = "people"
"""The schema in which a build has what is about single people."""
MANIFEST = "manifest.json"
NOT_AS_PARQUET = frozenset({"kpi_members"})
"""Tables that are in the DuckDB file only: receipts, as much as half of all that is published."""
UNTOLD = (ValueError, TypeError, KeyError, AttributeError, RecursionError)
"""What text raises that tells no manifest."""


class PublicationError(SalesopsError):
    """What was built may not, or could not, be published."""


@dataclass(frozen=True)
class Publication:
    """The manifest: which run published what, made by which code from which inputs.

    Moments are UTC without zone. `recipe_hash` is of the code and the company's file. `row_counts`
    is by table of the file for all, `people_row_counts` of that of single people; `reps` says how
    these are called; `inputs` are the exports that the numbers rest on: source, entity, rows, and
    the hash of files, mapping and contract.
    """

    run_id: str
    company: str
    published_at: dt.datetime
    as_of: dt.datetime
    known_at: dt.datetime
    code_version: str
    definitions_hash: str
    recipe_hash: str
    row_counts: Mapping[str, int]
    inputs: tuple[Mapping[str, Any], ...]
    people_row_counts: Mapping[str, int] = field(default_factory=dict)
    reps: str = "names"

    def as_json(self) -> str:
        """The manifest as a JSON object."""
        return json.dumps(asdict(self), default=str, indent=2)

    @classmethod
    def from_json(cls, text: str) -> Publication:
        """The manifest that a JSON object tells; raises UNTOLD at what is none."""
        told = json.loads(text)
        moments = ("published_at", "as_of", "known_at")
        parts = {
            "row_counts": _counts(told["row_counts"]),
            "people_row_counts": _counts(told.get("people_row_counts", {})),
            "inputs": tuple(dict(one) for one in told["inputs"]),
        }
        return cls(
            **told | parts | {name: dt.datetime.fromisoformat(told[name]) for name in moments}
        )

    @classmethod
    def of(cls, folder: Path) -> Publication | None:
        """The manifest in a publication's folder; None where there is none that can be read."""
        try:
            return cls.from_json((folder / MANIFEST).read_text(encoding="utf-8"))
        except (OSError, *UNTOLD):
            return None


def _counts(told: Mapping[str, Any]) -> dict[str, int]:
    return {table: int(rows) for table, rows in told.items()}
