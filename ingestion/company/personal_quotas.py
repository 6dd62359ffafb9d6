"""Whose quotas company.yml calls personal: people that the sources know."""

from __future__ import annotations

from collections.abc import Mapping

from ingestion.company.settings import Company
from ingestion.errors import CompanyError, one_of
from ingestion.warehouse.warehouse import Warehouse

PEOPLE: Mapping[str, str] = {
    "files": """
        select source_id as id, name, email from raw_files.users
        union
        select owner_id as id, null as name, null as email from raw_files.quotas
        where owner_id is not null""",
    "hubspot": """
        select source_id as id, email,
            trim(coalesce(first_name, '') || ' ' || coalesce(last_name, '')) as name
        from raw_hubspot.owners""",
}
"""By type of source: everyone that a load has told of, and owners of quotas, who may be others."""


def check_personal_quotas(company: Company, warehouse: Warehouse) -> None:
    """Make sure that `personal_quotas` names people: a quota of nobody changes no number.

    The sources are loaded. Raises CompanyError naming file, key, value and remedy.
    """
    if not company.personal_quotas:
        return
    people = [
        person
        for source_type in company.source_types
        for person in warehouse.read(PEOPLE[source_type]).to_pylist()
    ]
    ids = {person["id"] for person in people}
    for index, owner in enumerate(company.personal_quotas):
        if owner not in ids:
            meant = sorted(p["id"] for p in people if owner in (p["name"], p["email"]))
            remedy = (
                f"the user of this name has the id {' or '.join(map(repr, meant))}: write that"
                if meant
                else f"no user has this id; {one_of(owner, ids)}"
            )
            raise CompanyError(f"{company.path}: personal_quotas.{index} = {owner!r}: {remedy}")
