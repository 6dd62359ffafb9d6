"""Loads of an entity that cannot be right beside the last one: they are refused, or told.

What is taken for a deletion, or for another value, once is one for ever.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from ingestion.errors import SourceError
from ingestion.loading.guards import refuse_shrunk
from ingestion.loading.state import LastExport
from ingestion.sources.files.entity_load import EntityLoad
from ingestion.sources.files.remapping import MAX_GONE, Said, changes
from ingestion.sources.files.settings import EntityMapping

MAX_CHANGED, MIN_SHIFTED = 0.5, 3
"""Where a load changes more than this share of the records, and at least so many, it is told."""


def refuse(
    load: EntityLoad, last: LastExport, said: Said, mapping: EntityMapping, force: bool
) -> None:
    """Raise SourceError where a load that is read as `said` cannot be right; `force` accepts it.

    A changed mapping that no longer finds most of the records is never accepted.
    """
    _refuse_remapped(load, said_before(last), said)
    if force:
        return
    if mapping.export == "full":
        now, before = load.rows + load.rows_rejected, last.rows + last.rows_rejected
        partial = "; if it holds only some of the records, say so with export: partial"
        refuse_shrunk("the export", "rows", now, before, "" if load.is_part else partial)
    _refuse_cut_off(load, last)


def said_before(last: LastExport) -> Said | None:
    """What company.yml said at the last load; None where an older version did not record it."""
    text = last.row.get("mapping")
    return json.loads(text) if text else None


def was_ended(last: LastExport, file: str) -> bool:
    """Whether this file ended its last line then, or, where it is new, all others did."""
    ended = {one["file"]: one.get("is_ended") for one in json.loads(last.row["files"])}
    known = [ended[file]] if file in ended else [*ended.values()]
    return bool(known) and all(known)


def told_of_shift(
    load: EntityLoad, last: LastExport, said: Said, mapping: EntityMapping
) -> Iterator[str]:
    """What to say where most records changed at once: as when ids shift from row to row."""
    changed, there, before = load.rows_changed, load.rows_before, said_before(last)
    if changed < MIN_SHIFTED or changed <= MAX_CHANGED * there:
        return
    if before is not None and before != said:
        why = f", and so has how they are read: {'; '.join(changes(before, said))}"
    else:
        expression = (mapping.columns or {}).get("source_id", "source_id")
        why = (
            f": ids made by row number? ({expression if load.has_ids else 'the key'} tells the "
            "records apart; one that goes to another record rewrites the history of both)"
        )
    yield f"{load.entity.name}: {changed:,} of {there:,} records changed at once{why}"


def _refuse_remapped(load: EntityLoad, before: Said | None, now: Said) -> None:
    """Stop a load whose changed mapping no longer finds most of the records.

    A row that has neither id nor key is its values, so that a change of any of them makes another
    row.
    """
    is_found_again = load.rows_gone <= MAX_GONE * load.rows_before
    if is_found_again or not load.has_identity or before is None or before == now:
        return
    raise SourceError(
        f"{load.rows_gone:,} of {load.rows_before:,} records are gone from this load, "
        f"and how it is read has changed since the last one: "
        f"{'; '.join(changes(before, now))}. What a changed mapping no longer finds was "
        "not deleted, so nothing of this source was loaded. If the mapping is right now, "
        "run with FRESH=1: the company starts anew, and its old warehouse is kept aside. "
        "If the records were deleted, load the export as it was read before, then change "
        "the mapping"
    )


def _refuse_cut_off(load: EntityLoad, last: LastExport) -> None:
    """Stop a load of a file that ends within a line, as its last export did not.

    The line's last value may be half of one, and what should follow is not there. Where all records
    are as they were it does not matter.
    """
    if not (load.rows_gone or load.has_versions):
        return
    for part in load.all_parts:
        if part.ends_in and was_ended(last, part.name):
            raise SourceError(
                f"{part.name}: nothing ends line {part.ends_in:,}, its last one, as it "
                "did at the last load: the file may have been cut off there, so nothing of "
                "this source was loaded. Export it again; if it is whole, run again with "
                "FORCE=1"
            )
