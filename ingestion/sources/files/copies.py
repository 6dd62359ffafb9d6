"""Files that look like copies of one that is read, and are not read themselves."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path

from ingestion.sources.files.catalog import Catalog, stem

_WORD = "copy|kopie|copie|copia"
_COPY = re.compile(
    rf"(?:(?:{_WORD}) (?:of|von|de) )?(.+?)(?:[ _-]*\(\d+\)|[ _-]+(?:{_WORD})(?:[ _-]*\d+)?)*",
    re.IGNORECASE,
)
"""How browsers and people name copies: `deals (1)`, `deals - Copy (2)`, `Copy of deals`."""


def unread_copies(catalog: Catalog, read: Collection[Path]) -> Iterator[str]:
    """What to say of files beside those that are read that look like the same export."""
    for file in sorted(read):
        copies = [
            other
            for other in catalog.files
            if other not in read
            and other.parent == file.parent
            and stem(other).lower() != stem(file).lower()
            and _original(other).lower() == _original(file).lower()
        ]
        if copies:
            names = ", ".join(copy.name for copy in copies)
            pattern = f"{_original(file)}*{file.name.removeprefix(stem(file))}"
            is_only_them = {*file.parent.glob(pattern)} == {file, *copies}
            remedy = f"write from: {pattern} to read all, or remove" if is_only_them else "remove"
            yield (
                f"{file.name}: beside it, not read: {names}, by the name the same export again; "
                f"{remedy} what is not wanted, lest the older one be the one that is read"
            )


def _original(file: Path) -> str:
    """What the stem of a file's name is without what makes it a copy's."""
    name = stem(file)
    found = _COPY.fullmatch(name)
    return found[1] if found else name
