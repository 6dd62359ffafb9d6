"""Macros of dbt, without dbt."""

from __future__ import annotations

from collections.abc import Mapping

import jinja2

from ingestion.paths import PROJECT


def made_by_macro(
    macro: str, *arguments: object, variables: Mapping[str, object] | None = None, **known: object
) -> str:
    """What a macro makes of arguments and variables; `known` is what else it calls."""
    (file,) = (
        f
        for f in (PROJECT / "dbt" / "macros").glob("*.sql")
        if f"macro {macro}(" in f.read_text(encoding="utf-8")
    )
    environment = jinja2.Environment(extensions=["jinja2.ext.do"])
    module = environment.from_string(
        file.read_text(encoding="utf-8"), globals={"var": (variables or {}).__getitem__, **known}
    ).module
    return str(getattr(module, macro)(*arguments))
