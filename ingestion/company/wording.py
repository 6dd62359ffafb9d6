"""What is wrong with a company file, in its own words: keys, values, and what is allowed."""

from __future__ import annotations

import re
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from ingestion.company.settings import Company, Source
from ingestion.errors import Problem, one_of, shorten

SECRET = re.compile("token|secret|passw|credential|api_?key|key_env|address|^auth", re.IGNORECASE)
"""Keys beside which somebody may have written a secret: their values are not shown."""

SECRETS = re.compile(r"://.*@|[rs]k_(live|test)_|\bEAA[0-9A-Za-z]{8}", re.DOTALL)
"""An address with a user, and so perhaps with a password; a key of Stripe's, a token of Meta's."""


def explain(document: dict[str, Any], problem: Problem) -> str:
    """What is wrong, in one line."""
    key, value, message = problem
    steps = [str(step) for step in key]
    if len(key) > 1 and key[0] == "sources":
        source = document["sources"][key[1]]
        name = source.get("name") if isinstance(source, dict) else None
        steps[1] += f" ({name})" if name else ""
    given = "" if value is None or isinstance(value, dict | list) else f" = {shorten(value)}"
    if given and (SECRET.search(str(key[-1] if key else "")) or SECRETS.search(str(value))):
        given = " = ***"
    return f"{'.'.join(steps) or 'the whole file'}{given}: {message}"


def as_problem(details: ErrorDetails) -> Problem:
    """What pydantic found, in words of the company file."""
    key, value, message = details["loc"], details["input"], details["msg"]
    is_in_source = key[:1] == ("sources",) and len(key) > 2
    shown = (*key[:2], *key[3:]) if is_in_source else key  # without the type that pydantic inserts
    if details["type"] == "extra_forbidden":
        return Problem(shown, value, f"unknown key; {one_of(str(key[-1]), _keys_beside(key))}")
    if details["type"] == "missing":
        return Problem(shown, None, "missing: this key is required")
    # The message repeats no value, for it may be a secret that is in the wrong place.
    if details["type"] in ("list_type", "tuple_type"):
        return Problem(shown, value, "not a list: put it into brackets, as in [a, b]")
    if details["type"] == "string_type" and isinstance(value, int | float):
        return Problem(shown, value, "not a text: put it into quotes, as in '7'")
    if details["type"].startswith("date_"):
        return Problem(shown, value, "not a day: write it as in 2024-03-31")
    if details["type"].startswith("union_tag"):
        types = [str(type_) for model in _models_in(Source) for type_ in _types(model)]
        given = value.get("type") if isinstance(value, dict) else value
        return Problem((*shown, "type"), given, f"no type of source; {one_of(str(given), types)}")
    return Problem(shown, value, message.removeprefix("Value error, "))


def _keys_beside(location: tuple[str | int, ...]) -> list[str]:
    """The keys that are allowed where an unknown one was found."""
    models: list[type[BaseModel]] = [Company]
    for step in location[:-1]:
        fields = {f.alias or n: f for model in models for n, f in model.model_fields.items()}
        if step in fields:
            models = _models_in(fields[str(step)].annotation)
        elif any(step in _types(model) for model in models):
            models = [model for model in models if step in _types(model)]
    names = (f.alias or n for model in models for n, f in model.model_fields.items())
    return [name for name in names if models != [Company] or name != "path"]


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    """The settings that an annotation is made of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]


def _types(model: type[BaseModel]) -> tuple[Any, ...]:
    """The values of a source's `type`."""
    field = model.model_fields.get("type")
    return get_args(field.annotation) if field else ()
