"""What a private app may read: the scopes of each object, and what to do where one is missing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import orjson

from ingestion.errors import SourceError
from ingestion.sources.hubspot.objects import OBJECTS
from ingestion.sources.hubspot.settings import OBJECTS_OF, HubSpotSource

SCOPES: Mapping[str, str] = MappingProxyType(
    {name: f"crm.objects.{name}.read" for name in OBJECTS}
    | dict.fromkeys(OBJECTS_OF["activities"], "crm.objects.contacts.read")
    | {"owners": "crm.objects.owners.read", "teams": "settings.users.teams.read"}
)
"""The scope that lets a private app read each object, the owners and the teams."""
_PLACE = re.compile(r"/(?:objects|properties|pipelines|users)/([a-z_]+)|/(owners)\b")
_LINKED = re.compile(r"/associations/[a-z_]+/([a-z_]+)/")


class MissingScopeError(SourceError):
    """The private app may not read something.

    `problem` is what HubSpot answered to which request, `objects` what cannot be read, `scopes`
    what the private app lacks.
    """

    def __init__(
        self, source: HubSpotSource, problem: str, objects: Sequence[str], scopes: Sequence[str]
    ) -> None:
        self.problem, self.objects, self.scopes = problem, tuple(objects), tuple(scopes)
        named, way_out = ", ".join(scopes) or "of this request", without(source, objects)
        super().__init__(
            f"{problem}; the private app whose token is in {source.token_env} lacks the scope "
            f"{named}: grant it in HubSpot{f', or {way_out}' if way_out else ''}"
        )

    @classmethod
    def of(
        cls, source: HubSpotSource, path: str, problem: str, content: bytes
    ) -> MissingScopeError:
        """The error that an answer of status 403 to a request of this path is."""
        objects = objects_of(path)
        scopes = _told(content) or [SCOPES[name] for name in objects if name in SCOPES]
        return cls(source, problem, objects, list(dict.fromkeys(scopes)))

    @classmethod
    def together(
        cls, source: HubSpotSource, errors: Sequence[MissingScopeError]
    ) -> MissingScopeError:
        """One error that tells of all."""
        objects = dict.fromkeys(name for error in errors for name in error.objects)
        scopes = dict.fromkeys(name for error in errors for name in error.scopes)
        return cls(source, errors[0].problem, list(objects), list(scopes))


def objects_of(path: str) -> list[str]:
    """What a request of this path reads: an object, owners, teams; of associations their target."""
    place = _LINKED.search(path) or _PLACE.search(path)
    return [name for name in place.groups() if name] if place else []


def without(source: HubSpotSource, objects: Sequence[str]) -> str:
    """The words that tell how to leave objects out; none where that would leave nothing."""
    left_out = [name for name in objects if name in source.objects]
    rest = [name for name in source.objects if name not in left_out]
    if not left_out or not rest:
        return ""
    return (
        f"leave {' and '.join(left_out)} out: write `objects: [{', '.join(rest)}]` under the "
        f"source {source.name} in company.yml"
    )


def _told(content: bytes) -> list[str]:
    """The scopes that HubSpot's answer names."""
    try:
        errors = orjson.loads(content).get("errors") or ()
        contexts = [error.get("context") or {} for error in errors]
    except (orjson.JSONDecodeError, AttributeError):
        return []
    return [
        str(scope)
        for context in contexts
        for key in ("requiredGranularScopes", "requiredScopes")
        for scope in context.get(key) or ()
    ]
