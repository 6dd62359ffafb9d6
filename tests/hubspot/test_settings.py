"""What company.yml may say of a portal, and what the portal then has to have."""

from __future__ import annotations

import copy
import traceback

import numpy as np
import pytest
from portals import TOKEN, Portal

from ingestion.errors import CompanyError, SourceError
from ingestion.pipeline import SourceCheck
from ingestion.sandbox.api.faults import Faults
from ingestion.sources.hubspot.checking import check
from ingestion.sources.hubspot.client import Patience
from ingestion.warehouse import Warehouse


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


def test_only_the_named_objects_are_read(portal: Portal) -> None:
    report = portal.sync("objects: [companies]")
    assert "deals" not in {table.entity for table in report.tables}
    assert not portal.asked("/pipelines/deals")
    assert portal.versions("companies")
    assert portal.versions("deals") == []


def test_a_deal_in_an_unknown_stage_is_rejected_until_it_is_known(portal: Portal) -> None:
    portal.sync("objects: [deals]")
    edited = copy.deepcopy(portal.world)
    edited.state.day += 1
    discovery = np.flatnonzero(edited.state["opportunities"]["stage"] == 0)
    edited.state.touch("opportunities", discovery, edited.state.now - 1_000_000)
    portal.change(edited)
    portal.api.faults = Faults(removed_stages=("Discovery",))
    [report] = [t for t in portal.sync("objects: [deals]").tables if t.entity == "deals"]
    assert report.rows_rejected == len(discovery) > 0
    [reason] = portal.read("select distinct reason from raw_hubspot.rejected")
    assert str(reason["reason"]).endswith("not a stage of any pipeline")
    assert portal.sync("objects: [deals]").is_unchanged
    portal.api.faults = Faults()
    [report] = [t for t in portal.sync("objects: [deals]").tables if t.entity == "deals"]
    assert (report.rows_rejected, report.rows_changed) == (0, len(discovery))
    assert portal.sync("objects: [deals]").is_unchanged
