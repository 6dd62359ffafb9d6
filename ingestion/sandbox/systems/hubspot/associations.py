"""HubSpot's associations (v4) over the world's references, in both directions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from ingestion.sandbox.systems.hubspot.portal import Portal, first_id
from ingestion.sandbox.systems.hubspot.schema import (
    DEAL_CONTACTS,
    LINKS,
    OBJECTS,
    PRIMARY_CONTACT_LABEL,
    Link,
)
from ingestion.sandbox.world.calendar import Ints
from ingestion.sandbox.world.schema import NONE

Label = dict[str, Any]


@dataclass(frozen=True)
class Pairs:
    """Associations of one object type with another, in order of the first one's id.

    `from_ids`, `to_ids` are HubSpot's; `labels` are the types of an ordinary association and
    `primary_labels` those of one where `is_primary`.
    """

    from_ids: Ints
    to_ids: Ints
    is_primary: Ints
    labels: list[Label]
    primary_labels: list[Label]

    def of(self, record_ids: Sequence[str]) -> Iterator[bytes | None]:
        """What each record is associated with, as a JSON object; none where there is nothing."""
        wanted = np.array(record_ids, np.int64)
        starts = np.searchsorted(self.from_ids, wanted, "left").tolist()
        stops = np.searchsorted(self.from_ids, wanted, "right").tolist()
        types = [orjson.Fragment(orjson.dumps(self._types(primary))) for primary in (False, True)]
        for record_id, start, stop in zip(record_ids, starts, stops, strict=True):
            linked = [
                {"toObjectId": to_id, "associationTypes": types[primary]}
                for to_id, primary in zip(
                    self.to_ids[start:stop].tolist(),
                    self.is_primary[start:stop].tolist(),
                    strict=True,
                )
            ]
            yield orjson.dumps({"from": {"id": record_id}, "to": linked}) if linked else None

    def _types(self, primary: bool) -> list[Label]:
        return [*self.labels, *(self.primary_labels if primary else ())]


class Associations:
    """All associations of a portal, looked up as they are asked for."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._pairs: dict[tuple[str, str], Pairs | None] = {}

    def pairs(self, from_object: str, to_object: str) -> Pairs | None:
        """The associations between two object types; none where they have none."""
        key = (from_object, to_object)
        if key not in self._pairs:
            self._pairs[key] = self._build(*key)
        return self._pairs[key]

    def _build(self, from_object: str, to_object: str) -> Pairs | None:
        for link in (*LINKS, DEAL_CONTACTS):
            if (link.from_object, link.to_object) == (from_object, to_object):
                return _sorted(*self._references(link), *_labels(link, link.type_id))
            if (link.to_object, link.from_object) == (from_object, to_object):
                from_ids, to_ids, primary = self._references(link)
                return _sorted(to_ids, from_ids, primary, *_labels(link, link.reverse_type_id))
        return None

    def _references(self, link: Link) -> tuple[Ints, Ints, Ints]:
        """Ids of both sides of a link, archived records included, and whether it is primary."""
        state = self._portal.world.state
        if link is DEAL_CONTACTS:
            links = state["deal_contacts"]
            rows, to_rows = links["opportunity_id"], links["contact_id"]
            primary = links["is_primary"]
        else:
            rows = self._portal.all_rows(link.from_object)
            to_rows = state[OBJECTS[link.from_object].entity][link.column][rows]
            primary = np.full(len(rows), link.primary_type_id is not None)
        linked = to_rows != NONE
        return (
            rows[linked].astype(np.int64) + first_id(link.from_object),
            to_rows[linked].astype(np.int64) + first_id(link.to_object),
            primary[linked],
        )


def _sorted(
    from_ids: Ints, to_ids: Ints, primary: Ints, labels: list[Label], primary_labels: list[Label]
) -> Pairs:
    order = np.lexsort((to_ids, from_ids))
    return Pairs(from_ids[order], to_ids[order], primary[order], labels, primary_labels)


def _labels(link: Link, type_id: int) -> tuple[list[Label], list[Label]]:
    plain = [_label("HUBSPOT_DEFINED", type_id, None)]
    if link is DEAL_CONTACTS:
        return plain, [_label(*PRIMARY_CONTACT_LABEL)]
    if link.primary_type_id is None:
        return plain, []
    return plain, [_label("HUBSPOT_DEFINED", link.primary_type_id, "Primary")]


def _label(category: str, type_id: int, label: str | None) -> Label:
    return {"category": category, "typeId": type_id, "label": label}
