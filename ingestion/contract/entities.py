"""The contract: the canonical entities that every source is mapped to.

An entity's columns, types, allowed values and keys are said once, in the modules of this package.
The sources validate rows against them, raw tables are declared from them, and the dbt staging and
union models are generated from them (`make contract`; a test keeps them in step).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ingestion.contract.columns import Entity
from ingestion.contract.crm import CRM
from ingestion.contract.enablement import ENABLEMENT
from ingestion.contract.finance import FINANCE
from ingestion.contract.marketing import MARKETING
from ingestion.contract.planning import PLANNING

ENTITIES: Mapping[str, Entity] = MappingProxyType(
    {entity.name: entity for entity in (*CRM, *MARKETING, *FINANCE, *PLANNING, *ENABLEMENT)}
)
