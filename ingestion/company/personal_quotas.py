"""Whose quotas company.yml calls personal: people that the sources know."""

from __future__ import annotations

from ingestion.company.settings import Company
from ingestion.errors import CompanyError, one_of
from ingestion.sources.registry import SOURCE_TYPES
from ingestion.warehouse.warehouse import Warehouse


def check_personal_quotas(company: Company, warehouse: Warehouse) -> None:
    """Make sure that `personal_quotas` names people: a quota of nobody changes no number.

    The sources are loaded. Raises CompanyError naming file, key, value and remedy.
    """
    if not company.personal_quotas:
        return
    people = [
        person
        for source_type in company.source_types
        if (people_of := SOURCE_TYPES[source_type].people)
        for person in warehouse.read(people_of).to_pylist()
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
