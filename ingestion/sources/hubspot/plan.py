"""What is read of an object: which properties, and since when."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ingestion.loading.api_load import Asked
from ingestion.loading.state import LastExport
from ingestion.sources.hubspot.checking import refuse_unknown
from ingestion.sources.hubspot.client import HISTORY_PAGE, PAGE
from ingestion.sources.hubspot.objects import CrmObject
from ingestion.sources.hubspot.rows import Reading
from ingestion.sources.hubspot.settings import HubSpotSource
from ingestion.sources.hubspot.tables import columns_of

LAG = dt.timedelta(minutes=15)
"""How late HubSpot's search may learn of a change; windows overlap by as much."""
ARCHIVE_KEPT = dt.timedelta(days=85)
"""HubSpot forgets archived records after 90 days."""
TYPES: Mapping[str, tuple[str, ...]] = {
    "money": ("number",), "number": ("number",), "integer": ("number",), "boolean": ("bool",),
    "timestamp": ("datetime", "date"), "date": ("date", "datetime"),
}  # fmt: skip
"""HubSpot's property types that a column's type expects; a text column takes any."""


@dataclass(frozen=True)
class Plan:
    """What is read of an object: `since` is None for all of it, else the window's beginning.

    `types` are HubSpot's types of the properties that are asked for.
    """

    reading: Reading
    types: Mapping[str, str]
    fingerprint: str
    since: dt.datetime | None
    until: dt.datetime

    @classmethod
    def of(
        cls,
        source: HubSpotSource,
        crm_object: CrmObject,
        definitions: Iterable[Mapping[str, Any]],
        timezone: str,
        now: dt.datetime,
        last: LastExport | None,
    ) -> Plan:
        """The plan for an object whose portal has these property definitions.

        Raises SourceError when company.yml maps a column to a property that was never there.
        """
        defined = {found["name"]: found for found in definitions}
        mapped = source.mapping.get(crm_object.name, {})
        refuse_unknown(source, crm_object.name, {*defined, *_properties(last)})
        value_of = {
            known.name: holder
            for known in crm_object.properties
            for holder in [mapped.get(known.canonical or "", known.name)]
            if holder in defined
        }
        custom = sorted(name for name, found in defined.items() if not found["hubspotDefined"])
        always = (crm_object.modified, *value_of.values(), *custom)
        properties = tuple(dict.fromkeys(name for name in always if name in defined))
        types = {name: defined[name]["type"] for name in properties}
        links = tuple(name for name in crm_object.links if name in source.objects)
        fingerprint = _hash(
            types, value_of, links, timezone, source.no_decision, columns_of(crm_object)
        )
        return cls(
            Reading(crm_object, source.name, value_of, properties, links, timezone),
            types,
            fingerprint,
            _window_start(last, fingerprint, now),
            now,
        )

    @property
    def name(self) -> str:
        """The object's name."""
        return self.reading.name

    @property
    def path(self) -> str:
        """Where the object's records are listed."""
        return f"/crm/v3/objects/{self.name}"

    @property
    def page(self) -> int:
        """How many records HubSpot gives at a time."""
        return HISTORY_PAGE if self.reading.history_asked else PAGE

    @property
    def wanted(self) -> dict[str, object]:
        """The parameters that ask for records with all that is read of them."""
        history = ",".join(self.reading.history_asked)
        return {
            "limit": self.page,
            "properties": ",".join(self.reading.properties),
            **({"propertiesWithHistory": history} if history else {}),
        }

    def warnings(self, last: LastExport | None) -> Iterator[str]:
        """What changed about the properties since the last load, or does not fit their columns."""
        before = _properties(last)
        for name, type_ in before.items():
            if name not in self.types:
                yield f"{self.name}.{name}: the portal no longer has this property"
            elif self.types[name] != type_:
                yield f"{self.name}.{name}: its type was {type_} and is now {self.types[name]}"
        for name in self.types.keys() - before.keys() if last else ():
            yield f"{self.name}.{name}: new property"
        for known in self.reading.crm_object.properties:
            holder = self.reading.value_of.get(known.name)
            expected = TYPES.get(known.type, ())
            if holder and not last and expected and self.types[holder] not in expected:
                yield (
                    f"{self.name}.{holder}: its type is {self.types[holder]}, expected "
                    f"{expected[0]}; values that do not fit will be rejected"
                )

    def asked(self) -> Asked:
        """What the record of the load says: properties by type, and the window."""
        return Asked(
            self.fingerprint,
            {
                "properties": dict(self.types),
                "modified_since": self.since.isoformat() if self.since else None,
                "modified_before": self.until.isoformat(),
            },
            {"synced_to": self.until},
        )


def _properties(last: LastExport | None) -> dict[str, str]:
    """The property types by name, as HubSpot names them, that the last load asked for."""
    found: dict[str, str] = json.loads(last.row["files"])["properties"] if last else {}
    return found


def _window_start(
    last: LastExport | None, fingerprint: str, now: dt.datetime
) -> dt.datetime | None:
    """The moment from which on changes are searched; None when all is to be listed."""
    if last is None or last.fingerprint != fingerprint:
        return None
    synced_to: dt.datetime = last.row["synced_to"]
    return None if now - synced_to > ARCHIVE_KEPT else synced_to - LAG


def _hash(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()
