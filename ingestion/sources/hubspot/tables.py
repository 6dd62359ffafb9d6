"""The tables of the raw dataset: one per object, and what belongs to all of them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ingestion.contract.columns import META_COLUMNS, Column
from ingestion.contract.entities import ENTITIES, Entity
from ingestion.contract.raw_columns import EXPORT_COLUMNS, RECORD_COLUMNS, REJECTED_COLUMNS
from ingestion.sources.hubspot.objects import LINK_COLUMNS, CrmObject, objects_of


def _record(*columns: Column) -> tuple[Column, ...]:
    return (*RECORD_COLUMNS, *META_COLUMNS, *columns)


def columns_of(crm_object: CrmObject) -> tuple[Column, ...]:
    """The columns of an object's table."""
    links = tuple(
        Column(LINK_COLUMNS[name], "text", f"Id of the associated record of {name}.")
        for name in crm_object.links
    )
    everything = Column(
        "associations",
        "text",
        "Where an object has several associated records: all of them with labels, as JSON.",
    )
    return _record(
        *(
            Column(known.name, known.type, f"Property {known.name}.", required=known.required)
            for known in crm_object.properties
        ),
        *links,
        *((everything,) if links else ()),
    )


OWNERS = _record(
    Column("user_id", "text", "Id of the user behind the owner, as histories name it."),
    Column("first_name", "text", "Given name (personal data)."),
    Column("last_name", "text", "Family name (personal data)."),
    Column("email", "text", "Email address (personal data)."),
    Column("team_id", "text", "Id of the main team."),
    Column("team", "text", "Name of the main team."),
    Column("is_archived", "boolean", "Whether the user was deactivated."),
)
TEAMS = _record(Column("name", "text", "Name of the team.", required=True))
STAGES = _record(
    Column("object", "text", "Object that the pipeline is for: deals or leads.", required=True),
    Column("stage_id", "text", "Id of the stage.", required=True),
    Column("pipeline_id", "text", "Id of the pipeline.", required=True),
    Column("pipeline", "text", "Name of the pipeline.", required=True),
    Column("pipeline_order", "integer", "Position of the pipeline."),
    Column("label", "text", "Name of the stage.", required=True),
    Column("display_order", "integer", "Position in the pipeline.", required=True),
    Column("is_closed", "boolean", "Whether records in this stage are closed."),
    Column("probability", "number", "Probability of winning from this stage, 0 to 1."),
    Column("is_no_decision", "boolean", "Whether company.yml counts it as no decision."),
)
PROPERTY_HISTORY = _record(
    Column("object", "text", "Object of the record.", required=True),
    Column("object_id", "text", "Id of the record.", required=True),
    Column("property", "text", "The property.", required=True),
    Column("value", "text", "Value from this moment on; empty where it was cleared."),
    Column("changed_at", "timestamp", "When the value was set (UTC).", required=True),
    Column("source_type", "text", "What set it, as HubSpot names it."),
    Column("user_id", "text", "Id of the user who set it."),
)
EXPORTS = (
    *EXPORT_COLUMNS,
    Column("synced_to", "timestamp", "Changes up to this moment are loaded (UTC)."),
)


def tables_of(entities: Mapping[str, Entity]) -> Mapping[str, tuple[Column, ...]]:
    """Columns of every table of a company with these entities."""
    return {
        **{name: columns_of(found) for name, found in objects_of(entities).items()},
        "owners": OWNERS,
        "teams": TEAMS,
        "stages": STAGES,
        "property_history": PROPERTY_HISTORY,
        "rejected": REJECTED_COLUMNS,
        "exports": EXPORTS,
    }


TABLES = MappingProxyType(tables_of(ENTITIES))
"""Columns of every table of `raw_hubspot`. Rows are versions, and only ever appended."""

DESCRIPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "companies": "Companies.",
        "contacts": "Contacts.",
        "leads": "Leads.",
        "deals": "Deals.",
        "line_items": "Line items of deals.",
        "calls": "Calls.",
        "emails": "Emails.",
        "meetings": "Meetings.",
        "notes": "Notes.",
        "tasks": "Tasks.",
        "users": "User records: what the company notes of its people.",
        "owners": "Owners of records, with their main team.",
        "teams": "Teams.",
        "stages": "Stages of the pipelines of deals and leads.",
        "property_history": "Every value that tracked properties of deals took.",
        "rejected": "Rows that break the contract, kept whole, with the reason.",
        "exports": "One row per table and load: what was read, up to which moment.",
    }
)
