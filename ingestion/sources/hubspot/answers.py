"""What HubSpot's answers must hold for us to go on: anything else is told with its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from ingestion.errors import SourceError, first_line

Shape = Mapping[str, type | tuple[type, ...]]
"""Members that each result has, with their types."""

ENTRY: Shape = MappingProxyType({"id": (str, int)})
RECORD: Shape = MappingProxyType({"id": str, "properties": dict})
ARCHIVED: Shape = MappingProxyType({"id": str, "archivedAt": str})
TEAM: Shape = MappingProxyType({"id": (str, int), "name": str})
PROPERTY: Shape = MappingProxyType({"name": str, "type": str, "hubspotDefined": bool})
STAGE: Shape = MappingProxyType({"id": str, "label": str})
PIPELINE: Shape = MappingProxyType({"id": str, "label": str, "stages": list})
LINK: Shape = MappingProxyType({"toObjectId": (str, int)})
LINKS: Shape = MappingProxyType({"from": dict, "to": list})

SHOWN = 60


class MalformedAnswerError(SourceError):
    """The portal's answer is not as HubSpot documents it."""

    def __init__(self, place: str, what: str) -> None:
        super().__init__(
            f"{place}: the answer is not as HubSpot documents it: {what}. Nothing of this source "
            "was loaded; see whether the url is HubSpot's and whether HubSpot reports an incident, "
            "and run again later"
        )


def well_formed(place: str, results: Iterable[Any], shape: Shape) -> list[dict[str, Any]]:
    """The results, each of which has the members of a shape. Raises MalformedAnswerError."""
    checked = list(results)
    for result in checked:
        if not isinstance(result, dict):
            raise MalformedAnswerError(place, f"a result is {_shown(result)}")
        for name, types in shape.items():
            if not isinstance(result.get(name), types):
                raise MalformedAnswerError(
                    place, f"the {name} of a result is {_shown(result, name)}"
                )
    return checked


@contextmanager
def understood(source: str) -> Iterator[None]:
    """Raise as MalformedAnswerError what comes of answers that nobody can read."""
    import duckdb

    try:
        yield
    except (
        *(ArithmeticError, AttributeError, LookupError, TypeError, ValueError),
        *(duckdb.DataError, duckdb.InvalidInputException),
    ) as error:
        what = f"{type(error).__name__}: {first_line(error)}"
        raise MalformedAnswerError(f"source {source}", what) from error


def _shown(value: Any, name: str | None = None) -> str:
    if name is not None and name not in value:
        return "missing"
    text = repr(value if name is None else value[name])
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
