"""Pieces of SQL text, and the names that are the loader's own."""

from __future__ import annotations

HIDDEN = "§"
"""Prefix of tables and columns that are not the user's."""

TEXT_OF = f"{HIDDEN}text "
"""Prefix of the columns that keep the text of values that their column's type would rewrite."""


def quote(name: str) -> str:
    """The name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: object) -> str:
    """The text as an SQL string."""
    return "'" + str(text).replace("'", "''") + "'"
