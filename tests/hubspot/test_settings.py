"""What company.yml may say of a portal, and what the portal then has to have."""

from __future__ import annotations

import copy
import datetime as dt
import json
import re
import traceback
from urllib.parse import parse_qs

import duckdb
import numpy as np
import pytest
from portals import TOKEN, Portal

from ingestion.errors import CompanyError, SourceError
from ingestion.http import Patience
from ingestion.loading.reports import SourceCheck
from ingestion.sandbox.systems.faults import Drift, Faults
from ingestion.sandbox.systems.hubspot.portal import first_id
from ingestion.sandbox.world.schema import NONE
from ingestion.sources.hubspot.checking import check
from ingestion.sources.hubspot.objects import OBJECTS
from ingestion.sources.hubspot.rows import Reading
from ingestion.sources.hubspot.scopes import MissingScopeError
from ingestion.sources.hubspot.settings import HubSpotSource
from ingestion.warehouse.warehouse import Warehouse


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("objecs: x", "sources.0 (crm).objecs = 'x': unknown key; did you mean 'objects'"),
        ("objects: [deal]", "unknown object 'deal'; did you mean 'deals'"),
        ("mapping: {deals: {amuont: x}}", "column 'amuont' of 'deals' cannot be mapped"),
        ("mapping: {deal: {amount: x}}", "unknown object 'deal'"),
    ],
)
def test_a_wrong_key_is_named(portal: Portal, keys: str, message: str) -> None:
    with pytest.raises(CompanyError) as error:
        portal.company(keys)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (f"token_env: {TOKEN}", "(crm).token_env = ***: not the name of an environment variable"),
        ("token_env: CJLu9ZwdEhQAAQ", "(crm).token_env = ***: not the name of an environment"),
        (f"token: {TOKEN}", "(crm).token = ***: unknown key; did you mean 'token_env'"),
        (f"access_token: {TOKEN}", "(crm).access_token = ***: unknown key"),
        (f"auth: {{bearer: {TOKEN}}}", "(crm).auth: unknown key"),
    ],
)
def test_a_token_that_was_pasted_into_the_file_is_not_shown(
    portal: Portal, keys: str, message: str
) -> None:
    with pytest.raises(CompanyError) as error:
        portal.company(keys)
    told = "".join(traceback.format_exception(error.value))
    assert message in told
    assert TOKEN not in told
    assert "CJLu9ZwdEhQAAQ" not in told


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("mapping: {deals: {region: territory}}", r"mapping\.deals\.region = 'territory': the"),
        ("no_decision: [No Desicion]", "there is no stage 'No Desicion'; did you mean 'No Dec"),
    ],
)
def test_what_the_portal_lacks_is_named(portal: Portal, keys: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        portal.sync(keys)


def checked(portal: Portal, keys: str) -> SourceCheck:
    company = portal.company(keys)
    context = portal.context(company, Warehouse.of(company))
    return check(context, company.sources[0], Patience(attempts=1, timeout=(1, 5)))


def test_a_check_asks_for_the_properties_that_are_mapped_and_no_records(portal: Portal) -> None:
    wrong = "mapping: {deals: {region: territory, amount: worth}, leads: {channel: way}}"
    found = checked(portal, wrong)
    assert [told.split(":")[1].strip() for told in found.problems] == [
        "mapping.leads.channel = 'way'",
        "mapping.deals.region = 'territory'",
        "mapping.deals.amount = 'worth'",
    ]
    asked = [request.path for request in portal.asked()]
    assert asked == ["/crm/v3/properties/leads", "/crm/v3/properties/deals"]
    right = checked(portal, "no_decision: []")
    assert (right.problems, right.remarks) == ((), ())


def test_a_check_says_what_it_could_not_check(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portal, "url", "http://127.0.0.1:9")
    found = checked(portal, "objects: [deals]")
    assert found.problems == ()
    assert found.remarks[0].startswith("not checked, since it cannot be reached: source crm: GET")
    monkeypatch.delenv("HUBSPOT_TOKEN")
    assert "HUBSPOT_TOKEN is not set" in checked(portal, "objects: [deals]").problems[0]


def test_a_mapped_property_fills_the_canonical_column(portal: Portal) -> None:
    portal.sync("mapping: {deals: {region: segment}}\n    objects: [deals]")
    rows = portal.versions("deals")
    assert {row["region"] for row in rows} == {row["segment"] for row in rows} != {None}


def test_the_history_is_that_of_the_mapped_property(portal: Portal) -> None:
    portal.sync("mapping: {deals: {close_date: first_contact_at}}\n    objects: [deals]")
    first = next(asked for asked in portal.asked("/objects/deals") if "History" in asked.query)
    history = parse_qs(first.query)["propertiesWithHistory"][0].split(",")
    assert "first_contact_at" in history
    assert "closedate" not in history
    properties = {row["property"] for row in portal.versions("property_history")}
    assert "amount" in properties
    assert "first_contact_at" not in properties


def test_a_day_that_a_property_holds_as_a_moment_is_the_companys(portal: Portal) -> None:
    berlin = Reading(OBJECTS["users"], "crm", {"hired_on": "h"}, ("h",), (), "Europe/Berlin")
    [hired_on] = [text for text in berlin.columns() if text.endswith('as "hired_on"')]
    values = ["2024-03-01", "2024-03-01T00:00:00Z", "2024-02-29T23:00:00Z", "soon"]
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        days = [
            connection.execute(
                f"select {hired_on} from (select {{'h': ?}} as properties)", [value]
            ).fetchall()[0][0]
            for value in values
        ]
    assert days == [dt.date(2024, 3, 1)] * 3 + [None]


def test_only_the_named_objects_are_read(portal: Portal) -> None:
    report = portal.sync("objects: [companies]")
    assert "deals" not in {table.entity for table in report.tables}
    assert not portal.asked("/pipelines/deals")
    assert portal.versions("companies")
    assert portal.versions("deals") == []


def live_in_discovery(portal: Portal) -> np.ndarray:
    """Serve the world a day later with all deals in Discovery edited, and give the live ones."""
    edited = copy.deepcopy(portal.world)
    edited.state.day += 1
    deals = edited.state["opportunities"]
    discovery = np.flatnonzero(deals["stage"] == 0)
    edited.state.touch("opportunities", discovery, edited.state.now - 1_000_000)
    portal.change(edited)
    gone = (deals["is_deleted"] == 1) | (deals["merged_into_id"] != NONE)
    return discovery[~gone[discovery]]


def test_a_deal_in_an_unknown_stage_is_rejected_until_it_is_known(portal: Portal) -> None:
    portal.sync("objects: [deals]")
    discovery = live_in_discovery(portal)
    portal.api.faults = Faults(removed_stages=("Discovery",))
    [report] = [t for t in portal.sync("objects: [deals]").tables if t.entity == "deals"]
    assert report.rows_rejected == len(discovery) > 0
    rejected = portal.read("select source_file, source_id, reason from raw_hubspot.rejected")
    assert all(str(row["reason"]).endswith("not a stage of any pipeline") for row in rejected)
    assert all(row["source_file"] == f"deals/{row['source_id']}" for row in rejected)
    assert portal.sync("objects: [deals]").is_unchanged
    portal.api.faults = Faults()
    [report] = [t for t in portal.sync("objects: [deals]").tables if t.entity == "deals"]
    assert (report.rows_rejected, report.rows_changed) == (0, len(discovery))
    assert portal.sync("objects: [deals]").is_unchanged


def test_an_archived_deal_whose_stage_is_gone_is_deleted_not_rejected(portal: Portal) -> None:
    portal.sync("objects: [deals]")
    deals = portal.world.state["opportunities"]
    archived = copy.deepcopy(portal.world)
    live = np.flatnonzero((deals["is_deleted"] == 0) & (deals["merged_into_id"] == NONE))
    row = int(live[deals["stage"][live] == 0][0])
    archived.state.day += 1
    archived.state["opportunities"]["is_deleted"][row] = 1
    archived.state.touch("opportunities", np.array([row]), archived.state.now - 1_000_000)
    portal.change(archived)
    portal.api.faults = Faults(removed_stages=("Discovery",))
    [report] = [t for t in portal.sync("objects: [deals]").tables if t.entity == "deals"]
    assert (report.rows_deleted, report.rows_rejected) == (1, 0)
    [gone] = [r for r in portal.versions("deals") if r["source_id"] == str(row + first_id("deals"))]
    assert gone["is_deleted"]
    assert portal.sync("objects: [deals]").is_unchanged


def test_what_a_token_may_not_read_is_said_at_once_with_the_key_that_leaves_it_out(
    portal: Portal,
) -> None:
    portal.api.faults = Faults(forbidden=("leads", "line_items"))
    with pytest.raises(SourceError) as error:
        portal.sync()
    told = str(error.value)
    assert "GET /crm/v3/properties/leads: status 403" in told
    assert "lacks the scope crm.objects.leads.read, crm.objects.line_items.read" in told
    key = re.search(r"write `(objects: \[.*?\])` under the source crm", told)
    assert key
    report = portal.sync(key[1])
    assert {"leads", "line_items"}.isdisjoint(table.entity for table in report.tables)
    assert {row["lead_id"] for row in portal.versions("calls")} == {None}
    assert {row["deal_id"] for row in portal.versions("calls")} != {None}


def test_a_scope_that_only_associations_need_names_what_to_leave_out(portal: Portal) -> None:
    source = portal.company().sources[0]
    assert isinstance(source, HubSpotSource)
    answer = b"""{"category": "MISSING_SCOPES", "errors": [{"message": "One or more are required.",
        "context": {"requiredGranularScopes": ["crm.objects.leads.read"]}}]}"""
    path = "/crm/v4/associations/calls/leads/batch/read"
    told = str(MissingScopeError.of(source, path, "status 403: no", answer))
    assert "lacks the scope crm.objects.leads.read: grant it in HubSpot, or leave leads out" in told
    assert "leads" not in told.partition("write ")[2]


@pytest.mark.parametrize(
    ("path", "scope"),
    [("/crm/v3/owners", "crm.objects.owners.read"),
     ("/settings/v3/users/teams", "settings.users.teams.read")],
)  # fmt: skip
def test_what_cannot_be_left_out_names_its_scope(portal: Portal, path: str, scope: str) -> None:
    source = portal.company().sources[0]
    assert isinstance(source, HubSpotSource)
    told = str(MissingScopeError.of(source, path, "status 403: no", b"<html>"))
    assert told.endswith(f"lacks the scope {scope}: grant it in HubSpot")


def test_a_portal_with_900_properties_of_its_own_loads_and_only_changes_are_read_again(
    portal: Portal,
) -> None:
    added = {f"custom_reporting_field_number_{number:04d}": str(number) for number in range(900)}
    portal.api.faults = Faults(drift={"deals": Drift(added=added)})
    portal.sync()
    portal.assert_like_world()
    extras = {str(row["source_extra"]) for row in portal.versions("deals")}
    assert [json.loads(extra) for extra in extras] == [added]
    assert max(len(asked.path) + len(asked.query) for asked in portal.asked()) < 8_000
    assert portal.sync().is_unchanged
