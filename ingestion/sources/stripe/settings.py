"""What company.yml says about a Stripe account."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from ingestion.contract.entities import ENTITIES
from ingestion.errors import one_of
from ingestion.settings import variable_of
from ingestion.sources.source_type import SourceSettings

LABEL = "Stripe"
API = "https://api.stripe.com"

NEEDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "customers": (),
        "subscriptions": ("customers",),
        "invoices": ("customers",),
        "invoice_lines": ("invoices",),
        "payments": ("invoices",),
        "credit_notes": ("invoices", "payments"),
    }
)
"""The entities that a source gives, and those that each of them points to."""
MAPPED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"customers": ("account_id", "domain"), "invoices": ("opportunity_id",)}
)
"""The columns that Stripe has no field for: a key of the metadata may hold them."""

Digits = Annotated[int, Field(ge=0, le=4)]


class StripeSource(SourceSettings):
    """A Stripe account, read through its API.

    `key_env` names the environment variable that holds a key: a restricted one that may read is
    enough. `entities` are those to read, all by default. `mapping` names, by entity and column, the
    key of the objects' metadata that holds the value. `minor_units` tells how many digits the
    amounts of a currency have behind the point where that is in doubt, or the currency is no more.
    """

    type: Literal["stripe"]
    url: Annotated[str, Field(pattern=r"^https?://[^/@?#\s]+$")] = API
    key_env: Annotated[str, variable_of("key", "STRIPE_API_KEY")] = "STRIPE_API_KEY"
    entities: tuple[str, ...] = tuple(NEEDS)
    mapping: dict[str, dict[str, str]] = Field(default_factory=dict)
    minor_units: dict[str, Digits] = Field(default_factory=dict)

    @field_validator("entities")
    @classmethod
    def _known_entities(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in NEEDS:
                raise ValueError(f"Stripe gives no '{name}'; {one_of(name, NEEDS)}")
            for needed in NEEDS[name]:
                if needed not in names:
                    raise ValueError(
                        f"'{name}' are told by what '{needed}' hold: add '{needed}', or leave "
                        f"'{name}' out, too"
                    )
        if not names:
            raise ValueError(f"name what to read: {', '.join(NEEDS)}")
        return names

    @field_validator("mapping")
    @classmethod
    def _known_columns(cls, mapping: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
        for entity, columns in mapping.items():
            if entity not in MAPPED:
                raise ValueError(
                    f"nothing of '{entity}' is read from metadata; {one_of(entity, MAPPED)}"
                )
            for column in columns:
                if column not in MAPPED[entity]:
                    raise ValueError(
                        f"column '{column}' of '{entity}' cannot be mapped; "
                        f"{one_of(column, MAPPED[entity])}"
                    )
        return mapping

    @field_validator("minor_units")
    @classmethod
    def _codes(cls, digits: dict[str, int]) -> dict[str, int]:
        for code in digits:
            if not re.fullmatch(r"[A-Z]{3}", code):
                raise ValueError(f"'{code}' is not a currency code, in capitals, such as UGX")
        return digits

    @model_validator(mode="after")
    def _read_what_is_mapped(self) -> StripeSource:
        for entity in self.mapping:
            if entity not in self.entities:
                raise ValueError(f"mapping.{entity}: '{entity}' are not among `entities`")
        return self

    @property
    def entities_given(self) -> tuple[str, ...]:
        """The entities that are read."""
        return tuple(name for name in NEEDS if name in self.entities)

    def without(self, entities: Sequence[str]) -> str:
        """How to leave entities out, and those that are told by them."""
        dropped = set(entities)
        for name, needed in NEEDS.items():
            if dropped.intersection(needed):
                dropped.add(name)
        kept = [name for name in self.entities_given if name not in dropped]
        return f"write entities: [{', '.join(kept)}]" if kept else f"remove the source {self.name}"

    def gives(self, entity: str, column: str) -> bool:
        """Whether the account has a column: what `mapping` could name it has only where it does.

        What is not read is not referred to.
        """
        if column in MAPPED.get(entity, ()):
            return column in self.mapping.get(entity, {})
        target = ENTITIES[entity].by_name[column].references
        return target not in NEEDS or target in self.entities

    def pointed_to(self, url: str, secret: str) -> tuple[Self, Mapping[str, str]]:
        """The same source at another account's address."""
        return self.model_copy(update={"url": url}), {self.key_env: secret}
