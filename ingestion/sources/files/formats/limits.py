"""What one file may ask for: what asks for more is damaged or means harm, and is refused."""

from __future__ import annotations

from pathlib import Path

from ingestion.errors import SourceError

MAX_COLUMNS = 1_000
MAX_ROW_BYTES = 16 << 20
"""How long a row of text may be; a longer one is rejected, whole."""
MAX_RECORD_BYTES = 256 << 20
"""How long a row may be that is rejected; a longer one is none."""
MAX_NESTED = 1_000
"""How deep objects and lists of JSON may be: what reads them recurses, and dies of too many."""
MAX_LEVELS = 20
"""How deep objects and lists of JSON keep their structure; what is deeper is their text."""


def refuse_wide(file: Path | str, columns: int) -> None:
    """Stop a load of a file with more columns than any export has. Raises SourceError."""
    if columns > MAX_COLUMNS:
        raise SourceError(
            f"{file}: {columns:,} columns, and at most {MAX_COLUMNS:,} are read; export fewer: "
            "those that are mapped will do"
        )
