"""What a request asks for. Raises BadRequestError where that cannot be answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import Request

from ingestion.sandbox.systems.hubspot.errors import BadRequestError

AGAIN = "-again"
"""Ends a cursor that leads to a page that was served before."""


def names(values: Any) -> tuple[str, ...]:
    """Property names from a list, or from texts of names with commas between them."""
    return tuple(dict.fromkeys(name for value in values for name in value.split(",") if name))


def is_archived(request: Request) -> bool:
    """Whether archived records are asked for, instead of live ones."""
    return request.query_params.get("archived", "").lower() == "true"


def limit(value: Any, most: int) -> int:
    """The size of a page."""
    if not str(value).isdigit() or not 1 <= int(value) <= most:
        raise BadRequestError(f"Invalid limit {value}: it must be between 1 and {most}")
    return int(value)


def position(after: Any) -> int:
    """Where the page begins that a cursor leads to; 0 without one."""
    digits = str(after or 0).removesuffix(AGAIN)
    if not digits.isdigit():
        raise BadRequestError(f"Invalid value for after: {after}")
    return int(digits)


async def body(request: Request) -> dict[str, Any]:
    """The JSON object that was sent."""
    try:
        sent = orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise BadRequestError(f"Invalid input JSON: {error}") from None
    if not isinstance(sent, dict):
        raise BadRequestError("Invalid input JSON: an object was expected")
    return sent


def inputs(sent: Mapping[str, Any], most: int) -> list[str]:
    """The ids of a batch, each once."""
    ids = [str(given.get("id")) for given in sent.get("inputs") or ()]
    if len(ids) > most:
        raise BadRequestError(f"The maximum number of inputs is {most}; {len(ids)} were given")
    if not all(record_id.isdigit() for record_id in ids):
        raise BadRequestError("Invalid input: every id must be a number")
    return list(dict.fromkeys(ids))
