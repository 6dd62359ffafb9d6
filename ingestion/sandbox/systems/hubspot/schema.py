"""HubSpot's object types over the world: properties, associations, pipelines, and their ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

ACTIVITY_OBJECTS: Mapping[str, tuple[str, ...]] = {
    "calls": ("call",),
    "emails": ("email",),
    "meetings": ("meeting", "demo"),
    "notes": ("note",),
    "tasks": ("task",),
}
"""The world's types of activity by the object that holds them."""

DEAL_TYPES = {"new": "newbusiness", "expansion": "existingbusiness", "renewal": "renewal"}
FORECAST_CATEGORIES = {
    "omitted": "OMIT", "pipeline": "PIPELINE", "best_case": "BEST_CASE", "commit": "COMMIT",
    "closed": "CLOSED",
}  # fmt: skip
CALL_DISPOSITIONS = {
    "connected": "f240bbac-87c9-4f6e-bf70-924b57d47db7",
    "no_answer": "73a0d17f-1163-4015-bdd5-ec830791da20",
}
MEETING_OUTCOMES = {"completed": "COMPLETED", "no_show": "NO_SHOW", "scheduled": "SCHEDULED"}
TASK_STATUSES = {"true": "COMPLETED", "false": "NOT_STARTED"}
CALL_DIRECTIONS = {"in": "INBOUND", "out": "OUTBOUND"}
EMAIL_DIRECTIONS = {"in": "INCOMING_EMAIL", "out": "EMAIL"}
LEAD_PIPELINE = "lead-pipeline-id"


@dataclass(frozen=True)
class Property:
    """One property: HubSpot's name and type, and the portal's column that it shows.

    `values` translates the column's values where HubSpot has others.
    """

    name: str
    type: str
    column: str
    values: Mapping[str, str] | None = None
    is_custom: bool = False


@dataclass(frozen=True)
class ObjectType:
    """One CRM object type over one of the world's entities."""

    name: str
    type_id: str
    entity: str
    created: str
    modified: str
    properties: tuple[Property, ...]
    defaults: tuple[str, ...] = ()

    @property
    def always(self) -> tuple[str, ...]:
        """Properties that every answer holds, asked for or not."""
        return (self.created, self.modified, "hs_object_id")

    @property
    def by_name(self) -> dict[str, Property]:
        """The properties by name."""
        return {found.name: found for found in self.properties}


def _properties(type_: str, *columns: str, custom: bool = False) -> tuple[Property, ...]:
    """Properties written `name` or `name=column`."""
    pairs = [column.partition("=") for column in columns]
    return tuple(
        Property(name, type_, column or name, is_custom=custom) for name, _, column in pairs
    )


def _object(
    name: str,
    type_id: str,
    entity: str,
    *properties: tuple[Property, ...],
    created: str = "hs_createdate",
    modified: str = "hs_lastmodifieddate",
    defaults: tuple[str, ...] = (),
) -> ObjectType:
    common = (
        Property("hs_object_id", "number", "record_id"),
        Property(created, "datetime", "created_at"),
        Property(modified, "datetime", "source_updated_at"),
    )
    flat = (*common, *(found for group in properties for found in group))
    return ObjectType(name, type_id, entity, created, modified, flat, defaults)


_OWNER = _properties("enumeration", "hubspot_owner_id=owner_id")
_HAPPENED = _properties("datetime", "hs_timestamp=dated_at")

OBJECTS: Mapping[str, ObjectType] = {
    found.name: found
    for found in (
        _object(
            "companies", "0-2", "accounts", _OWNER,
            _properties("string", "name", "domain"), _properties("enumeration", "industry"),
            _properties("number", "numberofemployees=employees", "hs_parent_company_id=parent_id"),
            _properties("enumeration", "segment", "region", custom=True),
            created="createdate", defaults=("domain", "name"),
        ),
        _object(
            "contacts", "0-1", "contacts",
            _properties("string", "email", "firstname", "lastname", "jobtitle=title"),
            _properties("number", "associatedcompanyid=account_id"),
            created="createdate", modified="lastmodifieddate",
            defaults=("email", "firstname", "lastname"),
        ),
        _object(
            "leads", "0-136", "leads", _OWNER,
            _properties("string", "hs_lead_name=name", "hs_associated_contact_email=email"),
            _properties("enumeration", "hs_pipeline", "hs_pipeline_stage"),
            _properties("string", "channel", "campaign_id", custom=True),
            _properties(
                "datetime", "qualified_at", "accepted_at", "first_response_at", "converted_at",
                custom=True,
            ),
        ),
        _object(
            "deals", "0-3", "opportunities", _OWNER,
            _properties("string", "dealname=name", "hs_merged_object_ids"),
            _properties("number", "amount"),
            _properties(
                "enumeration", "dealstage=stage_id", "pipeline=pipeline_id",
                "deal_currency_code=currency", "closed_lost_reason=loss_reason",
            ),
            _properties("datetime", "closedate"),
            _properties("bool", "hs_is_closed=is_closed", "hs_is_closed_won=is_won"),
            (
                Property("dealtype", "enumeration", "deal_type", DEAL_TYPES),
                Property(
                    "hs_manual_forecast_category", "enumeration", "forecast_category",
                    FORECAST_CATEGORIES,
                ),
            ),
            _properties("enumeration", "hs_analytics_source=lead_source"),
            _properties("string", "product", "region", "segment", "campaign_id", custom=True),
            _properties("datetime", "first_contact_at", custom=True),
            created="createdate",
            defaults=("amount", "closedate", "dealname", "dealstage", "pipeline"),
        ),
        _object(
            "line_items", "0-8", "line_items",
            _properties("string", "name=product"),
            _properties("number", "quantity", "price=unit_price", "amount"),
            _properties("enumeration", "hs_line_item_currency_code=currency"),
            created="createdate", defaults=("amount", "name", "price", "quantity"),
        ),
        _object(
            "calls", "0-48", "activities", _OWNER, _HAPPENED,
            (
                Property("hs_call_direction", "enumeration", "direction", CALL_DIRECTIONS),
                Property("hs_call_disposition", "enumeration", "outcome", CALL_DISPOSITIONS),
            ),
            _properties("number", "hs_call_duration=duration_ms"),
        ),
        _object(
            "emails", "0-49", "activities", _OWNER, _HAPPENED,
            (Property("hs_email_direction", "enumeration", "direction", EMAIL_DIRECTIONS),),
            _properties("string", "content_id", custom=True),
        ),
        _object(
            "meetings", "0-47", "activities", _OWNER, _HAPPENED,
            _properties(
                "datetime", "hs_meeting_start_time=dated_at", "hs_meeting_end_time=ended_at"
            ),
            (
                Property("hs_meeting_outcome", "enumeration", "outcome", MEETING_OUTCOMES),
                Property(
                    "hs_activity_type", "enumeration", "type",
                    {"demo": "Demo", "meeting": "Meeting"},
                ),
            ),
            _properties("string", "content_id", custom=True),
        ),
        _object("notes", "0-46", "activities", _OWNER, _HAPPENED),
        _object(
            "tasks", "0-27", "activities", _OWNER, _HAPPENED,
            _properties("datetime", "hs_task_completion_date=completed_at"),
            (Property("hs_task_status", "enumeration", "is_done", TASK_STATUSES),),
        ),
        _object(
            "users", "0-115", "users",
            _properties("string", "hs_given_name", "hs_family_name", "hs_email=email"),
            _properties(
                "number", "hs_internal_user_id=user_id", "hubspot_owner_id=source_id"
            ),
            _properties("bool", "hs_deactivated=is_gone"),
            _properties("string", "role", "manager_id", "region", "segment", custom=True),
            _properties("date", "hired_on", "left_on", custom=True),
        ),
    )
}  # fmt: skip

HISTORY = {
    "dealstage": "stage",
    "amount": "amount",
    "closedate": "close_date",
    "hubspot_owner_id": "owner_id",
    "hs_manual_forecast_category": "forecast_category",
    "deal_currency_code": "currency",
}
"""Deal properties with a history, and the world's tracked column behind each."""


@dataclass(frozen=True)
class Link:
    """Associations of one object type with another that a reference in the world gives."""

    from_object: str
    to_object: str
    column: str
    type_id: int
    reverse_type_id: int
    primary_type_id: int | None = None


def _activity_links() -> list[Link]:
    types = {
        "calls": (206, 194, 182, 596), "emails": (210, 198, 186, 598),
        "meetings": (212, 200, 188, 600), "notes": (214, 202, 190, 855),
        "tasks": (216, 204, 192, 602),
    }  # fmt: skip
    targets = (
        ("deals", "opportunity_id"),
        ("contacts", "contact_id"),
        ("companies", "account_id"),
        ("leads", "lead_id"),
    )
    return [
        Link(name, to_object, column, type_id, type_id - 1)
        for name, type_ids in types.items()
        for (to_object, column), type_id in zip(targets, type_ids, strict=True)
    ]


LINKS = (
    Link("contacts", "companies", "account_id", 279, 280, primary_type_id=1),
    Link("deals", "companies", "account_id", 341, 342, primary_type_id=5),
    Link("leads", "companies", "account_id", 610, 609),
    Link("leads", "contacts", "contact_id", 608, 607, primary_type_id=578),
    Link("leads", "deals", "opportunity_id", 584, 583),
    Link("line_items", "deals", "opportunity_id", 20, 19),
    *_activity_links(),
)
DEAL_CONTACTS = Link("deals", "contacts", "contact_id", 3, 4)
PRIMARY_CONTACT_LABEL = ("USER_DEFINED", 1, "Primary contact")
