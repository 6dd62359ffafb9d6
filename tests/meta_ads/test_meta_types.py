"""The referee of Meta's types and parameters finds each planted mistake, and nothing else."""

from __future__ import annotations

import copy
from typing import Any

import pytest

pytest.importorskip(
    "facebook_business", reason="the vendors' SDKs are not installed: make referees"
)
from facebook_business.adobjects.adaccount import AdAccount
from facebook_business.adobjects.adreportrun import AdReportRun
from facebook_business.adobjects.adsinsights import AdsInsights
from facebook_business.adobjects.campaign import Campaign
from meta_types import error_misfits, misfits, page_misfits, refusals

ROW: dict[str, Any] = {
    "account_id": "2301000001", "account_currency": "USD", "campaign_id": "11", "adset_id": "12",
    "ad_id": "13", "ad_name": "Blue", "spend": "4.50", "impressions": "120", "clicks": "3",
    "actions": [{"action_type": "lead", "value": "2", "7d_click": "1", "1d_view": "1"}],
    "action_values": [{"action_type": "lead", "value": "99.5", "7d_click": "99.5"}],
    "date_start": "2026-03-01", "date_stop": "2026-03-01",
}  # fmt: skip
PAGE: dict[str, Any] = {
    "data": [ROW],
    "paging": {
        "cursors": {"before": "MAZD", "after": "MQZD"},
        "next": "https://graph.facebook.com/v26.0/9/insights?access_token=t&limit=1&after=MQZD",
    },
}
ACCOUNT: dict[str, Any] = {
    "id": "act_1", "account_id": "1", "name": "Main", "currency": "EUR", "account_status": 1,
    "timezone_name": "Europe/Berlin", "timezone_offset_hours_utc": 1,
}  # fmt: skip
CAMPAIGN: dict[str, Any] = {
    "id": "11", "name": "Spring", "status": "ACTIVE", "effective_status": "ARCHIVED",
    "objective": "OUTCOME_LEADS", "lifetime_budget": "100000",
    "start_time": "2026-03-01T00:00:00+0100",
}  # fmt: skip
RUN: dict[str, Any] = {
    "id": "9", "account_id": "1", "async_status": "Job Running", "async_percent_completion": 40,
}  # fmt: skip
ERROR: dict[str, Any] = {
    "error": {"message": "Invalid OAuth access token.", "type": "OAuthException", "code": 190,
              "error_subcode": 463, "fbtrace_id": "A1"}
}  # fmt: skip
ASKED: dict[str, str] = {
    "level": "ad", "time_increment": "1", "fields": '["campaign_id", "spend", "actions"]',
    "time_range": '{"since": "2026-03-01", "until": "2026-03-02"}',
    "action_attribution_windows": '["1d_click", "7d_click", "28d_click", "1d_view"]',
    "filtering": '[{"field": "ad.effective_status", "operator": "IN", "value": ["DELETED"]}]',
}  # fmt: skip


def test_nothing_is_found_in_what_is_right() -> None:
    assert page_misfits(PAGE, AdsInsights) == []
    assert misfits(ACCOUNT, AdAccount) == []
    assert misfits(CAMPAIGN, Campaign) == []
    assert misfits(RUN, AdReportRun) == []
    assert error_misfits(ERROR) == []
    assert refusals("POST", "act_1/insights", ASKED) == []
    assert refusals("GET", "9/insights", {"limit": "100", "after": "MQZD"}) == []
    assert refusals("GET", "act_1", {"fields": "currency,timezone_name"}) == []
    assert refusals("GET", "9", {"fields": "async_status,async_percent_completion"}) == []


@pytest.mark.parametrize(
    ("cls", "right", "way", "planted", "finding"),
    [
        (AdsInsights, ROW, ("spend",), 4.5, "spend: 4.5 is no string"),
        (AdsInsights, ROW, ("spend",), "4,50", "spend: '4,50' is no number"),
        (AdsInsights, ROW, ("impressions",), 120, "impressions: 120 is no string"),
        (AdsInsights, ROW, ("clicks",), None, "clicks: is null"),
        (AdsInsights, ROW, ("cost",), "1", "cost: AdsInsights has no such key"),
        (AdsInsights, ROW, ("actions",), ROW["actions"][0], "actions: "),
        (AdsInsights, ROW, ("actions", 0, "value"), 2, "actions[0].value: 2 is no string"),
        (AdsInsights, ROW, ("actions", 0, "14d_click"), "1", "14d_click: AdsActionStats has no"),
        (AdsInsights, ROW, ("date_start",), "03/01/2026", "date_start: "),
        (AdAccount, ACCOUNT, ("account_status",), "ACTIVE", "account_status: "),
        (AdAccount, ACCOUNT, ("timezone",), "Europe/Berlin", "timezone: AdAccount has no"),
        (AdAccount, ACCOUNT, ("timezone_offset_hours_utc",), "1", "is no float"),
        (Campaign, CAMPAIGN, ("status",), "Active", "status: 'Active' is none of the words"),
        (Campaign, CAMPAIGN, ("effective_status",), "REMOVED", "is none of the words"),
        (Campaign, CAMPAIGN, ("start_time",), "2026-03-01", "start_time: "),
        (Campaign, CAMPAIGN, ("lifetime_budget",), 1000, "lifetime_budget: 1000 is no string"),
        (AdReportRun, RUN, ("async_percent_completion",), "40", "is no unsigned int"),
        (AdReportRun, RUN, ("async_percent_completion",), -1, "is no unsigned int"),
        (AdReportRun, RUN, ("report_run_id",), "9", "report_run_id: AdReportRun has no"),
    ],
)
def test_a_mistake_in_an_object_is_found(
    cls: Any, right: dict[str, Any], way: tuple[Any, ...], planted: Any, finding: str
) -> None:
    [found] = misfits(spoiled(right, way, planted), cls)
    assert finding in found


@pytest.mark.parametrize(
    ("way", "planted", "finding"),
    [
        (("data",), {}, "data: is no list"),
        (("paging", "cursors", "after"), 7, "paging.cursors.after: 7 is no text"),
        (
            ("paging", "next"),
            "https://meta.test/9/insights?after=x",
            "lead to after",
        ),
        (("paging", "token"), "t", "paging.token: is unknown"),
        (("has_more",), True, "has_more: is unknown"),
    ],
)
def test_a_mistake_in_a_page_is_found(way: tuple[Any, ...], planted: Any, finding: str) -> None:
    assert finding in " ".join(page_misfits(spoiled(PAGE, way, planted), AdsInsights))


@pytest.mark.parametrize(
    ("way", "planted", "finding"),
    [
        (("error", "code"), "190", "error.code: '190' is no int"),
        (("error", "fbtrace_id"), None, "error.fbtrace_id: None is no str"),
        (("error", "status"), 400, "error.status: is unknown"),
        (("error",), "no", "error: is missing"),
    ],
)
def test_a_mistake_in_an_error_is_found(way: tuple[Any, ...], planted: Any, finding: str) -> None:
    assert error_misfits(spoiled(ERROR, way, planted)) == [finding]


@pytest.mark.parametrize(
    ("name", "given", "finding"),
    [
        ("level", "adgroup", "level: 'adgroup' is no level_enum"),
        ("fields", '["campaign_id", "cost"]', "fields: cost is unknown"),
        ("fields", "campaign_id,reach_per_day", "fields: reach_per_day is unknown"),
        ("action_attribution_windows", '["14d_click"]', "is no list<action_attribution_windows"),
        ("action_attribution_windows", '["7d_view"]', "7d_view is refused"),
        ("time_range", '{"since": "2026-03-01"}', "has no since and until"),
        ("time_range", '{"since": "2026-03-02", "until": "2026-03-01"}', "ends before it begins"),
        ("time_range", "2026-03-01", "time_range: "),
        ("date_preset", "last_31d", "date_preset: 'last_31d' is no date_preset_enum"),
        ("attribution_windows", "7d_click", "attribution_windows: is unknown"),
        ("action_breakdowns", '["device"]', "action_breakdowns: "),
    ],
)
def test_a_mistake_in_a_request_is_found(name: str, given: str, finding: str) -> None:
    assert finding in " ".join(refusals("POST", "act_1/insights", ASKED | {name: given}))


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "act_1/reports"), ("POST", "act_1"), ("GET", "x/insights")]
)
def test_an_address_that_nobody_knows_is_told(method: str, path: str) -> None:
    assert refusals(method, path, {}) == [f"{method} {path}: is unknown"]


def spoiled(document: Any, way: tuple[Any, ...], planted: Any) -> Any:
    found = copy.deepcopy(document)
    place = found
    for step in way[:-1]:
        place = place[step]
    place[way[-1]] = planted
    return found
