"""What HubSpot's answers must hold for us to go on."""

from __future__ import annotations

from types import MappingProxyType

from ingestion.http import Shape

ENTRY: Shape = MappingProxyType({"id": (str, int)})
RECORD: Shape = MappingProxyType({"id": str, "properties": dict})
ARCHIVED: Shape = MappingProxyType({"id": str, "archivedAt": str})
TEAM: Shape = MappingProxyType({"id": (str, int), "name": str})
PROPERTY: Shape = MappingProxyType({"name": str, "type": str, "hubspotDefined": bool})
STAGE: Shape = MappingProxyType({"id": str, "label": str})
PIPELINE: Shape = MappingProxyType({"id": str, "label": str, "stages": list})
LINK: Shape = MappingProxyType({"toObjectId": (str, int)})
LINKS: Shape = MappingProxyType({"from": dict, "to": list})
