"""Which columns of the contract a company's sources give, as far as company.yml tells.

Where an export's own columns are taken by their names, and where a portal has properties of its
own, only the data tell: what is empty in all records of a source is not given by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ingestion.company.settings import Company

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
            column: [source.name for source in company.sources if source.gives(entity, column)]
            for column in columns
        }
        for entity, columns in JUDGED.items()
    }
