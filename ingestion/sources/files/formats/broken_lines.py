"""What of a file cannot be taken as a row."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class BrokenLine:
    """What cannot be taken as a row: its physical line (from 1), whole text, and why.

    `values` are the row's own, by column, where it has any.
    """

    line: int | None
    text: str
    reason: str
    values: Mapping[str, str | None] | None = None

    @property
    def record(self) -> str:
        """The whole row, as a JSON object."""
        return json.dumps(self.values or {"line": self.text}, ensure_ascii=False)
