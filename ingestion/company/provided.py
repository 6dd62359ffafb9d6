"""Which columns of the contract a company's sources give, as far as company.yml tells.

Where an export's own columns are taken by their names, and where a portal has properties of its
own, only the data tell: what is empty in all records of a source is not given by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ingestion.company.settings import Company
from ingestion.contract.entities import ENTITIES
from ingestion.sources.files.settings import EntityMapping
from ingestion.sources.hubspot.objects import LINK_COLUMNS
from ingestion.sources.hubspot.settings import OBJECTS_OF, HubSpotSource

JUDGED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "opportunities": (
            "owner_id", "account_id", "amount", "close_date", "created_at", "loss_reason",
        ),
        "leads": ("owner_id", "channel", "opportunity_id"),
        "accounts": ("owner_id", "domain"),
        "contacts": ("account_id", "email"),
        "activities": ("owner_id", "opportunity_id", "lead_id", "contact_id", "account_id"),
    }
)  # fmt: skip
"""The columns of which a rule of hygiene asks whether they are empty."""


def provided(company: Company) -> dict[str, dict[str, list[str]]]:
    """The names of the sources that give a column, by entity and column."""
    return {
        entity: {
            column: [
                source.name
                for source in company.sources
                if (
                    _is_of_hubspot(source, entity, column)
                    if isinstance(source, HubSpotSource)
                    else column in _written(source.entities.get(entity))
                )
            ]
            for column in columns
        }
        for entity, columns in JUDGED.items()
    }


def _is_of_hubspot(source: HubSpotSource, entity: str, column: str) -> bool:
    """Whether every portal has it; `channel` is a property that a company makes itself.

    An object that is not read is not referred to; who owns a record is told without one.
    """
    target = ENTITIES[entity].by_name[column].references
    linked = [name for name in OBJECTS_OF.get(target, ()) if name in LINK_COLUMNS]
    return column != "channel" and all(name in source.objects for name in linked)


def _written(mapping: EntityMapping | None) -> set[str]:
    """The columns that company.yml itself names for an entity."""
    if mapping is None:
        return set()
    written = [columns for one in (mapping, *mapping.also) if (columns := one.columns)]
    written += mapping.rows or ()
    return {name for columns in written for name, value in columns.items() if value is not None}
