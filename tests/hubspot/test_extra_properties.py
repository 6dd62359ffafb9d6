"""Columns that a company adds to entities: properties of a portal, typed and mapped as ours."""

from __future__ import annotations

import duckdb
import pytest
from portals import Portal

from dagster_project.run.clock import now
from ingestion.errors import CompanyError
from ingestion.warehouse.warehouse import Warehouse
from tests.compiled_models import CompiledModels
from tests.thorough import thorough

EXTRA = """mapping: {deals: {place: region}}
    no_decision: [No Decision]
extra:
  opportunities: {place: text, first_contact_at_day: {type: date}}
  users: {role_in_full: text}
  activities: {mood: text}
"""


def test_it_is_read_from_the_property_that_the_mapping_names(portal: Portal) -> None:
    portal.sync()
    before = portal.read("select count(*) as n from raw_hubspot.deals")
    portal.sync(EXTRA)
    [versions] = portal.read(
        "select count(*) as n, count(place) as n_placed, "
        "count(*) filter (place is distinct from region) as n_others, "
        "count(first_contact_at_day) as n_days "
        "from raw_hubspot.deals "
        "where _dlt_load_id = (select max(_dlt_load_id) from raw_hubspot.deals)"
    )
    assert {"n": versions["n"]} == before[0], "each deal has one more version"
    assert versions["n_placed"] > 0
    assert (versions["n_others"], versions["n_days"]) == (0, 0)
    assert portal.sync(EXTRA).is_unchanged


def test_only_a_column_that_there_is_can_be_mapped(portal: Portal) -> None:
    with pytest.raises(CompanyError, match="column 'place' of 'contacts' cannot be mapped"):
        portal.company(EXTRA.replace("deals:", "contacts:"))


@thorough
def test_it_is_staged(portal: Portal) -> None:
    portal.sync(EXTRA)
    company = portal.company(EXTRA)
    views = ["users", "opportunities", "activities", "pipeline_stages", "field_changes"]
    CompiledModels.of(company).build(now(), now(), [f"stg_hubspot__{it}" for it in views])
    with duckdb.connect(Warehouse.of(company).location) as connection:
        [staged] = connection.execute(
            "select count(*), count(place), count(*) filter (place is distinct from region) "
            "from staging.stg_hubspot__opportunities"
        ).fetchall()
        assert staged[0] >= staged[1] > 0 == staged[2]
        for view, column in (("users", "role_in_full"), ("activities", "mood")):
            query = f"select count({column}) from staging.stg_hubspot__{view}"
            assert connection.execute(query).fetchall() == [(0,)]
