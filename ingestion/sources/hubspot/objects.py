"""HubSpot's objects: which properties are read, as which types, and what they are associated with.

Raw columns bear the names of HubSpot's own properties. A company that keeps a canonical value in
another property says so in company.yml (`mapping`); its values are then in the same raw column.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from ingestion.contract.columns import ExtraColumn
from ingestion.contract.entities import Entity
from ingestion.contract.types import ColumnType


@dataclass(frozen=True)
class Property:
    """A property that has a typed raw column of its name.

    `canonical` is the column of the contract that it feeds, by which company.yml may name another
    property in its place. Without a value in a `required` one the record is rejected.
    """

    name: str
    type: ColumnType
    canonical: str | None = None
    required: bool = False


@dataclass(frozen=True)
class CrmObject:
    """An object type of HubSpot's CRM. The name is that of its paths and of its raw table.

    `history` names the properties of which every past value is read; `links` the object types
    whose associations are. `modified` is the property by which searches find what changed.
    """

    name: str
    properties: tuple[Property, ...]
    history: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    modified: str = "hs_lastmodifieddate"

    @property
    def canonical(self) -> dict[str, Property]:
        """The properties that company.yml may replace, by the canonical column that they feed."""
        return {found.canonical: found for found in self.properties if found.canonical}


LINK_COLUMNS: Mapping[str, str] = MappingProxyType(
    {"companies": "company_id", "contacts": "contact_id", "deals": "deal_id", "leads": "lead_id"}
)
"""The raw column that holds the id of the associated record, by its object type."""


def _properties(type_: ColumnType, *names: str) -> tuple[Property, ...]:
    """Properties written `name`, `name=canonical column` or `name!` (required)."""
    found = []
    for text in names:
        name, _, canonical = text.rstrip("!").partition("=")
        found.append(Property(name, type_, canonical or None, required=text.endswith("!")))
    return tuple(found)


_ENGAGEMENT = (
    *_properties("timestamp", "hs_createdate", "hs_timestamp!"),
    *_properties("text", "hubspot_owner_id"),
)
_ENGAGEMENT_LINKS = ("deals", "leads", "contacts", "companies")

_OBJECTS = (
    CrmObject(
        "companies",
        (
            *_properties(
                "text", "name=name", "domain=domain", "industry=industry", "segment=segment",
                "region=region", "hs_parent_company_id=parent_id", "hubspot_owner_id",
            ),
            *_properties("integer", "numberofemployees=employees"),
            *_properties("timestamp", "createdate"),
        ),
    ),
    CrmObject(
        "contacts",
        (
            *_properties("text", "email=email", "firstname", "lastname", "jobtitle=title"),
            *_properties("timestamp", "createdate"),
        ),
        links=("companies",),
        modified="lastmodifieddate",
    ),
    CrmObject(
        "leads",
        (
            *_properties(
                "text", "hs_lead_name=name", "hs_associated_contact_email=email", "hs_pipeline",
                "hs_pipeline_stage", "hubspot_owner_id", "channel=channel",
                "campaign_id=campaign_id",
            ),
            *_properties(
                "timestamp", "hs_createdate!", "qualified_at=qualified_at",
                "accepted_at=accepted_at", "first_response_at=first_response_at",
                "converted_at=converted_at",
            ),
        ),
        links=("companies", "contacts", "deals"),
    ),
    CrmObject(
        "deals",
        (
            *_properties("text", "dealstage!", "dealname=name", "pipeline", "hubspot_owner_id"),
            *_properties("money", "amount=amount"),
            *_properties(
                "text", "deal_currency_code", "dealtype=deal_type",
                "hs_manual_forecast_category=forecast_category", "hs_analytics_source=lead_source",
                "closed_lost_reason=loss_reason", "product=product", "region=region",
                "segment=segment", "campaign_id=campaign_id", "hs_merged_object_ids",
            ),
            *_properties(
                "timestamp", "createdate", "closedate=close_date",
                "first_contact_at=first_contact_at",
            ),
        ),
        history=(
            "dealstage", "amount", "closedate", "hubspot_owner_id", "hs_manual_forecast_category",
            "deal_currency_code", "pipeline",
        ),
        links=("companies", "contacts"),
    ),
    CrmObject(
        "line_items",
        (
            *_properties("text", "name", "hs_line_item_currency_code"),
            *_properties("number", "quantity"),
            *_properties("money", "price", "amount"),
            *_properties("timestamp", "createdate"),
        ),
        links=("deals",),
    ),
    CrmObject(
        "calls",
        (
            *_ENGAGEMENT,
            *_properties("text", "hs_call_direction", "hs_call_disposition=outcome"),
            *_properties("integer", "hs_call_duration"),
        ),
        links=_ENGAGEMENT_LINKS,
    ),
    CrmObject(
        "emails",
        (*_ENGAGEMENT, *_properties("text", "hs_email_direction", "content_id=content_id")),
        links=_ENGAGEMENT_LINKS,
    ),
    CrmObject(
        "meetings",
        (
            *_ENGAGEMENT,
            *_properties("timestamp", "hs_meeting_start_time", "hs_meeting_end_time"),
            *_properties(
                "text", "hs_meeting_outcome=outcome", "hs_activity_type", "content_id=content_id"
            ),
        ),
        links=_ENGAGEMENT_LINKS,
    ),
    CrmObject("notes", _ENGAGEMENT, links=_ENGAGEMENT_LINKS),
    CrmObject(
        "tasks",
        (
            *_ENGAGEMENT,
            *_properties("timestamp", "hs_task_completion_date"),
            *_properties("text", "hs_task_status=outcome"),
        ),
        links=_ENGAGEMENT_LINKS,
    ),
    CrmObject(
        "users",
        (
            *_properties(
                "text", "hubspot_owner_id", "hs_internal_user_id", "role=role",
                "manager_id=manager_id", "region=region", "segment=segment",
            ),
            *_properties("date", "hired_on=hired_on", "left_on=left_on"),
        ),
    ),
)  # fmt: skip

OBJECTS: Mapping[str, CrmObject] = MappingProxyType({found.name: found for found in _OBJECTS})

OBJECTS_OF: Mapping[str, tuple[str, ...]] = {
    "users": ("users",),
    "accounts": ("companies",),
    "contacts": ("contacts",),
    "leads": ("leads",),
    "opportunities": ("deals",),
    "activities": ("calls", "emails", "meetings", "notes", "tasks"),
}
"""The objects whose records an entity of the contract is made of."""


def objects_of(entities: Mapping[str, Entity]) -> Mapping[str, CrmObject]:
    """The objects, with a property for each column that a company adds to what they make."""
    added: dict[str, list[Property]] = {name: [] for name in OBJECTS}
    for entity, names in OBJECTS_OF.items():
        extra = [it for it in entities[entity].columns if isinstance(it, ExtraColumn)]
        for name in names:
            added[name] += (Property(it.name, it.type, canonical=it.name) for it in extra)
    return {
        name: replace(found, properties=(*found.properties, *added[name]))
        for name, found in OBJECTS.items()
    }
