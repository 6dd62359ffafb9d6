"""What a request asks for: the Graph API's parameters, of the address or of the body."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request

from ingestion.sandbox.systems.meta_ads.errors import ParameterError

PAGE_DEFAULT = 25
PAGE_LIMIT = 500
"""A page holds no more, whatever is asked for; nothing says so but the pages themselves."""
EVERYWHERE = ("limit", "after", "before", "fields", "access_token", "pretty", "summary")


@dataclass(frozen=True)
class Question:
    """Parameters by name: text, or what their JSON holds."""

    given: Mapping[str, Any]

    def text(self, name: str, allowed: Collection[str], default: str) -> str:
        """A parameter that is one of some words."""
        value = self.given.get(name, default)
        if value not in allowed:
            raise ParameterError(
                f"{name} must be one of the following values: {', '.join(allowed)}"
            )
        return str(value)

    def words(self, name: str) -> list[str] | None:
        """A parameter that is a list of words: JSON, or with commas. None where it is not given."""
        value = self.given.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, str) and value.startswith("["):
            value = _json(name, value)
        if isinstance(value, str):
            value = [word.strip() for word in value.split(",")]
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            raise ParameterError(f"Param {name} must be an array.")
        return value

    def documents(self, name: str) -> Any:
        """A parameter that is JSON. None where it is not given."""
        value = self.given.get(name)
        return _json(name, value) if isinstance(value, str) else value

    def fields(self) -> list[str] | None:
        """The fields that are asked for, without those that come twice."""
        found = self.words("fields")
        return None if found is None else list(dict.fromkeys(found))

    def limit(self) -> int:
        """How many rows a page holds at most."""
        value = self.given.get("limit", PAGE_DEFAULT)
        if not str(value).isdigit() or int(value) < 1:
            raise ParameterError("Param limit must be an integer greater than or equal to 1")
        return min(int(value), PAGE_LIMIT)

    def days(self) -> tuple[dt.date, dt.date] | None:
        """The first and the last day of `time_range`. None where it is not given."""
        found = self.documents("time_range")
        if found is None:
            return None
        if not isinstance(found, dict) or set(found) != {"since", "until"}:
            raise ParameterError("param time_range must have 'since' and 'until'.")
        since, until = (_day(str(found[name]), name) for name in ("since", "until"))
        if since > until:
            raise ParameterError(
                "time_range: the start date must be before or the same as the end date"
            )
        return since, until

    def offset(self) -> tuple[int, bool]:
        """Where a page begins; with True, where it ends (`before`)."""
        after, before = self.given.get("after"), self.given.get("before")
        if after and before:
            raise ParameterError("Cannot specify both before and after")
        if before:
            return _uncursor(before), True
        return (_uncursor(after) if after else 0), False

    def refuse_unknown(self, known: Collection[str]) -> None:
        """Meta passes over what it does not know; here a misspelt parameter is told."""
        unknown = self.given.keys() - {*known, *EVERYWHERE}
        if unknown:
            raise ParameterError(f"the sandbox serves no parameter '{sorted(unknown)[0]}' here")


async def read(request: Request) -> Question:
    """The parameters of a request: of its address, and of a form or a JSON document."""
    given: dict[str, Any] = dict(request.query_params)
    body = await request.body()
    if body:
        kind = request.headers.get("content-type", "").partition(";")[0]
        if kind == "application/json":
            document = _json("body", body.decode())
            if not isinstance(document, dict):
                raise ParameterError("the body must be a JSON object")
            given |= document
        elif kind == "application/x-www-form-urlencoded":
            given |= dict(parse_qsl(body.decode(), keep_blank_values=True))
        else:
            raise ParameterError(f"the sandbox reads no body of type '{kind}'")
    return Question(given)


def cursor(offset: int, salt: str = "") -> str:
    """The cursor of a place in a list. With another salt it looks like another one."""
    return base64.urlsafe_b64encode(f"{offset}:{salt}".encode()).decode()


def _uncursor(text: object) -> int:
    try:
        offset, _, _ = base64.urlsafe_b64decode(str(text)).decode().partition(":")
        return int(offset)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise ParameterError("Invalid cursor") from None


def _json(name: str, text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise ParameterError(f"param {name} must be valid JSON.") from None


def _day(text: str, name: str) -> dt.date:
    try:
        return dt.datetime.strptime(text, "%Y-%m-%d").date()
    except ValueError:
        raise ParameterError(
            f"time_range['{name}'] Must be a date representation in the format YYYY-MM-DD"
        ) from None
