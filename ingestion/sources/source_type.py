"""What a type of source says of itself: all that other places must know of it, in one object."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from ingestion.contract.columns import Column, Entity
from ingestion.contract.entities import ENTITIES
from ingestion.errors import Problem
from ingestion.settings import Provides, Settings, SourceName

if TYPE_CHECKING:
    from ingestion.loading.reports import ExtractContext, Extraction, SourceCheck


class SourceSettings(Settings, ABC):
    """What company.yml says of a source, whatever its type.

    `provides` says which part of an entity (say, a region) the source gives, where another source
    gives the rest.
    """

    name: SourceName
    type: str
    provides: Provides

    @property
    @abstractmethod
    def entities_given(self) -> tuple[str, ...]:
        """The entities that the source gives rows of."""

    @property
    def full_exports(self) -> tuple[str, ...]:
        """The entities of which company.yml says that each load has all records."""
        return ()

    @abstractmethod
    def without(self, entities: Sequence[str]) -> str:
        """How to leave entities out, in words of the company file."""

    @abstractmethod
    def gives(self, entity: str, column: str) -> bool:
        """Whether the source gives a column of an entity, as far as company.yml tells."""

    def pointed_to(self, url: str, secret: str) -> tuple[Self, Mapping[str, str]]:
        """The same source at another address, and what its environment variables must then hold.

        A simulated company's sources are pointed to its systems so. A source that is read from no
        system stays as it is.
        """
        return self, {}

    def problems(self, timezone: str, entities: Mapping[str, Entity]) -> Iterator[Problem]:
        """What is wrong beyond the form of the settings; zone and entities are the company's."""
        return iter(())


@dataclass(frozen=True)
class Freshness:
    """New records are expected in a raw table within `days`; `column` dates them."""

    table: str
    column: str
    days: int


@dataclass(frozen=True)
class RawDeals:
    """The raw table whose rows are versions of deals, and what its columns are called."""

    table: str
    stage: str
    created_at: str


@dataclass(frozen=True)
class RawStages:
    """The raw table whose rows are versions of pipeline stages, and the column of their names.

    `only` is SQL that holds of the stages of deals, where the table has others, too.
    """

    table: str
    name: str
    only: str | None = None


@dataclass(frozen=True)
class SourceType:
    """A type of source: the one registration of all that is asked of it elsewhere.

    Reading:
      `settings`: the model of its sources in company.yml, whose `type` is `name`.
      `tables_of`: the tables of its dataset `raw_<name>`, `rejected` and `exports` among them, for
      a company with these entities, which may add columns to the contract's; `descriptions` has
      words for each.
      `extract` reads a source: the batches can be taken until the context is left. Raises
      SourceError. `check` tells whether it can be loaded; nothing is raised for it.
      `is_remote`: it takes minutes to read, so it is asked only once all else is right.

    What is known of it:
      `entities`: the entities of the contract of which there is `stg_<name>__<entity>`.
      `is_canonical`: its raw tables are the entities, in the contract's columns: their staging
      models are written by `make contract`, and raw itself is audited.
      `histories`: the fields of deals of which it loads every past value.
      `deals`, `stages`: where versions of them are, if anywhere.
      `people`: SQL of `id`, `name`, `email` of everyone it tells of, if anyone.
      `freshness`: where new records are expected, by when.
    """

    name: str
    label: str
    settings: type[SourceSettings]
    tables_of: Callable[[Mapping[str, Entity]], Mapping[str, tuple[Column, ...]]]
    descriptions: Mapping[str, str]
    extract: Callable[[ExtractContext, Any], AbstractContextManager[Extraction]]
    check: Callable[[ExtractContext, Any], SourceCheck]
    is_remote: bool
    entities: tuple[str, ...]
    is_canonical: bool
    histories: tuple[str, ...]
    deals: RawDeals | None
    stages: RawStages | None
    people: str | None
    freshness: tuple[Freshness, ...]

    @property
    def tables(self) -> Mapping[str, tuple[Column, ...]]:
        """The tables of a company that adds no columns."""
        return self.tables_of(ENTITIES)

    @property
    def dataset(self) -> str:
        """The dataset of its raw tables, and the name of its dbt source."""
        return f"raw_{self.name}"
