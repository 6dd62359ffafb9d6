"""What is left of a company file without what is wrong with it, to be checked further."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from typing import Any

Key = tuple[str | int, ...]
LEFT_OUT = ...
"""What stands where a source was, so that the others keep their positions."""


def without(document: dict[str, Any], keys: Iterable[Key]) -> dict[str, Any]:
    """The document without the innermost entries that the keys lead to.

    What has no key of its own takes along what holds it: an inline row its entity. A source leaves
    LEFT_OUT.
    """
    left = deepcopy(document)
    entries = {_entry(document, key) for key in keys} - {()}
    for key in sorted(entries, key=len, reverse=True):
        holder: Any = left
        for step in key[:-1]:
            holder = holder.get(step, {}) if isinstance(holder, dict) else holder[step]
        if isinstance(holder, dict):
            holder.pop(key[-1], None)
        elif isinstance(holder, list):
            holder[int(key[-1])] = LEFT_OUT
    return left


def _entry(document: dict[str, Any], key: Key) -> Key:
    """The longest part of a key that leads to something which can be left out by itself."""
    node: Any = document
    entry: Key = ()
    for step in key:
        is_source = entry == ("sources",) and isinstance(node, list)
        if not is_source and (not isinstance(node, dict) or step not in node or step == "rows"):
            break
        entry, node = (*entry, step), node[step]
    return entry


def positions(document: dict[str, Any]) -> list[int]:
    """The positions of the sources that were not left out."""
    sources = document.get("sources")
    kept = enumerate(sources) if isinstance(sources, list) else ()
    return [position for position, source in kept if source is not LEFT_OUT]
