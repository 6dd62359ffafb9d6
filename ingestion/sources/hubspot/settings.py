"""What company.yml says about a HubSpot portal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationInfo, field_validator

from ingestion.contract.columns import Entity
from ingestion.contract.entities import ENTITIES
from ingestion.errors import Problem, one_of
from ingestion.settings import variable_of
from ingestion.sources.hubspot.objects import LINK_COLUMNS, OBJECTS, OBJECTS_OF, objects_of
from ingestion.sources.source_type import SourceSettings

LABEL = "HubSpot"
API = "https://api.hubapi.com"


class HubSpotSource(SourceSettings):
    """A HubSpot portal, read through its API.

    `mapping` names, by object and canonical column, the property that holds the value where it is
    not the default one. `no_decision` lists stages (names or ids) whose deals ended without a
    decision: HubSpot itself knows only won and lost. `objects` are those to read, all by default;
    a portal may not have all of them, or the token's app not the scopes. `token_env` names the
    environment variable that holds the token.
    """

    type: Literal["hubspot"]
    url: Annotated[str, Field(pattern=r"^https?://[^/@?#\s]+$")] = API
    token_env: Annotated[str, variable_of("token", "HUBSPOT_TOKEN")] = "HUBSPOT_TOKEN"
    objects: tuple[str, ...] = tuple(OBJECTS)
    mapping: dict[str, dict[str, str]] = Field(default_factory=dict)
    no_decision: tuple[str, ...] = ()

    @field_validator("objects")
    @classmethod
    def _known_objects(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in OBJECTS:
                raise ValueError(f"unknown object '{name}'; {one_of(name, OBJECTS)}")
        return names

    @field_validator("mapping")
    @classmethod
    def _known_names(
        cls, mapping: dict[str, dict[str, str]], info: ValidationInfo
    ) -> dict[str, dict[str, str]]:
        extra = (info.context or {}).get("extra", {})
        for name, columns in mapping.items():
            if name not in OBJECTS:
                raise ValueError(f"unknown object '{name}'; {one_of(name, OBJECTS)}")
            added = (extra.get(entity) for entity, of in OBJECTS_OF.items() if name in of)
            known = {*OBJECTS[name].canonical}.union(*filter(None, added))
            for column in columns:
                if column not in known:
                    raise ValueError(
                        f"column '{column}' of '{name}' cannot be mapped; {one_of(column, known)}"
                    )
        return mapping

    @property
    def entities_given(self) -> tuple[str, ...]:
        """The entities that the portal gives rows of."""
        return tuple(
            entity
            for entity, names in OBJECTS_OF.items()
            if any(name in self.objects for name in names)
        )

    def without(self, entities: Sequence[str]) -> str:
        """How to leave entities out."""
        dropped = {name for entity in entities for name in OBJECTS_OF[entity]}
        if "opportunities" in entities:
            dropped.add("line_items")
        kept = [name for name in self.objects if name not in dropped]
        return f"write objects: [{', '.join(kept)}]"

    def gives(self, entity: str, column: str) -> bool:
        """Whether every portal has a column; `channel` is a property that a company makes itself.

        An object that is not read is not referred to; who owns a record is told without one.
        """
        target = ENTITIES[entity].by_name[column].references
        linked = [name for name in OBJECTS_OF.get(target, ()) if name in LINK_COLUMNS]
        return column != "channel" and all(name in self.objects for name in linked)

    def pointed_to(self, url: str, secret: str) -> tuple[Self, Mapping[str, str]]:
        """The same source at another portal's address."""
        return self.model_copy(update={"url": url}), {self.token_env: secret}

    def problems(self, timezone: str, entities: Mapping[str, Entity]) -> Iterator[Problem]:
        """Columns that a company adds under the names of properties that raw has already."""
        for name, found in objects_of(entities).items():
            own = [it.name for it in OBJECTS[name].properties]
            for column in found.properties[len(own) :]:
                if column.name in own:
                    message = "raw has a property of that name; rename the column under 'extra'"
                    yield Problem(("mapping", name, column.name), None, message)
