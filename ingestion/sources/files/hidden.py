"""Names of columns that are the loader's own, not the user's."""

from __future__ import annotations

HIDDEN = "§salesops "
"""Prefix of the columns that are not the user's."""

TEXT_OF = f"{HIDDEN}text "
"""Prefix of the columns that keep the text of values that their column's type would rewrite."""
