"""Rest.li 2.0: how a query string says lists and records.

https://linkedin.github.io/rest.li/spec/protocol
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

Value = str | int | list["Value"] | Mapping[str, "Value"]
PROJECTION = "fields"
"""The parameter whose commas stand as they are, for it is no list."""


def query_of(parameters: Mapping[str, Value]) -> str:
    """The query string that asks with parameters, as LinkedIn's own SDK writes it.

    >>> query_of({"q": "analytics", "fields": "clicks,impressions"})
    'q=analytics&fields=clicks,impressions'
    >>> query_of({"dateRange": {"start": {"year": 2026}}, "accounts": ["urn:li:a:1", "x"]})
    'accounts=List(urn%3Ali%3Aa%3A1,x)&dateRange=(start:(year:2026))'
    """
    parts = [
        f"{name}={_text(value)}" for name, value in sorted(parameters.items()) if name != PROJECTION
    ]
    if PROJECTION in parameters:
        parts.append(f"{PROJECTION}={parameters[PROJECTION]}")
    return "&".join(parts)


def _text(value: Value) -> str:
    if isinstance(value, list):
        return f"List({','.join(map(_text, value))})"
    if isinstance(value, Mapping):
        members = (f"{name}:{_text(of)}" for name, of in sorted(value.items()))
        return f"({','.join(members)})"
    return quote(str(value), safe="")
