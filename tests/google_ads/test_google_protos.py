"""The referee of Google's messages finds each planted mistake, and nothing in what is right."""

from __future__ import annotations

import copy
from typing import Any

import pytest

pytest.importorskip(
    "google.ads.googleads", reason="the vendors' SDKs are not installed: make referees"
)
from google_protos import FAILURE, misfits, refusals

ANSWER: list[dict[str, Any]] = [
    {
        "results": [
            {
                "customer": {"resourceName": "customers/7301000001", "id": "7301000001"},
                "campaign": {
                    "resourceName": "customers/7301000001/campaigns/11",
                    "id": "11", "name": "Brand", "status": "ENABLED",
                    "advertisingChannelType": "PERFORMANCE_MAX",
                },
                "metrics": {"costMicros": "4500000", "clicks": "3", "impressions": "120",
                            "conversions": 1.5, "conversionsValue": 99.5},
                "segments": {"date": "2026-03-01"},
            }
        ],
        "fieldMask": "customer.id,campaign.id,campaign.name,campaign.status,"
        "campaign.advertisingChannelType,metrics.costMicros,metrics.clicks,metrics.impressions,"
        "metrics.conversions,metrics.conversionsValue,segments.date",
        "requestId": "abc",
        "queryResourceConsumption": "120",
    },
    {
        "results": [
            {
                "adGroup": {"resourceName": "customers/1/adGroups/5", "id": "5", "name": "All"},
                "adGroupAd": {
                    "resourceName": "customers/1/adGroupAds/5~6",
                    "ad": {"resourceName": "customers/1/ads/6", "id": "6"},
                },
            }
        ],
        "fieldMask": "adGroup.id,adGroup.name,adGroupAd.ad.id",
        "requestId": "abd",
    },
]  # fmt: skip
ERROR: dict[str, Any] = {
    "error": {
        "code": 403, "message": "The caller has no permission", "status": "PERMISSION_DENIED",
        "details": [
            {
                "@type": FAILURE,
                "errors": [
                    {"errorCode": {"authorizationError": "USER_PERMISSION_DENIED"},
                     "message": "User doesn't have permission."}
                ],
                "requestId": "abe",
            }
        ],
    }
}  # fmt: skip
QUERY = """
    SELECT campaign.id, campaign.name, segments.date, metrics.cost_micros, metrics.conversions
    FROM campaign
    WHERE segments.date BETWEEN '2026-03-01' AND '2026-03-31' AND campaign.status IN ('ENABLED')
      AND campaign.advertising_channel_type = PERFORMANCE_MAX AND campaign.id = 11
    ORDER BY segments.date DESC LIMIT 100 PARAMETERS omit_unselected_resource_names=true
"""
ROW = (0, "results", 0)


def test_nothing_is_found_in_what_is_right() -> None:
    assert misfits(ANSWER) == []
    assert misfits([*ANSWER, ERROR]) == []
    assert refusals(QUERY) == []


@pytest.mark.parametrize(
    ("way", "planted", "finding"),
    [
        ((*ROW, "metrics", "costMicros"), 4500000, "is told as '4500000'"),
        ((*ROW, "metrics", "costMicros"), "4.5", "costMicros"),
        ((*ROW, "metrics", "conversions"), "1.5", "is told as 1.5"),
        ((*ROW, "metrics", "cost_micros"), "1", "cost_micros"),
        ((*ROW, "metrics", "spend"), "1", "spend"),
        ((*ROW, "campaign", "status"), "ACTIVE", "ACTIVE"),
        ((*ROW, "campaign", "status"), 2, "is told as 'ENABLED'"),
        ((*ROW, "campaign", "startDate"), "2026-01-01", "startDate"),
        ((*ROW, "campaign", "id"), 11, "is told as '11'"),
        ((*ROW, "segments", "date"), None, "segments.date: None is told as"),
        ((*ROW, "segments", "week"), "2026-03-01", "is not in fieldMask"),
        ((0, "fieldMask"), "campaign.id,campaign.title", "campaign.title"),
        ((0, "requestId"), ..., "requestId"),
        ((0, "results"), {}, "results"),
        ((0, "totalResultsCount"), "1", "totalResultsCount"),
    ],
)  # fmt: skip
def test_a_mistake_in_an_answer_is_found(way: tuple[Any, ...], planted: Any, finding: str) -> None:
    assert finding in " ".join(misfits(spoiled(ANSWER, way, planted)))


@pytest.mark.parametrize(
    ("way", "planted", "finding"),
    [
        (("error", "status"), ..., "status"),
        (("error", "details", 0, "@type"), FAILURE.replace("v26", "v23"), "v23"),
        (("error", "details", 0, "errors"), [], "errors"),
        (("error", "details", 0, "errors", 0, "errorCode"), ..., "errorCode"),
        (
            ("error", "details", 0, "errors", 0, "errorCode"),
            {"queryError": "NO_SUCH_FIELD"},
            "NO_SUCH_FIELD",
        ),
        (("error", "details", 0, "errors", 0, "code"), "x", "code"),
    ],
)
def test_a_mistake_in_an_error_is_found(way: tuple[Any, ...], planted: Any, finding: str) -> None:
    assert finding in " ".join(misfits([spoiled(ERROR, way, planted)]))


@pytest.mark.parametrize("answer", [{"results": []}, [], None])
def test_what_is_no_array_of_batches_is_told(answer: object) -> None:
    assert misfits(answer)


def test_rows_after_an_error_are_told() -> None:
    assert misfits([ERROR, *ANSWER]) == ["an error is not the last"]


@pytest.mark.parametrize(
    ("right", "wrong", "finding"),
    [
        ("campaign.name,", "campaign.start_date,", "SELECT: campaign.start_date is unknown"),
        ("campaign.name,", "campaign.network_settings,", "campaign.network_settings is unknown"),
        ("campaign.name,", "campaign.id,", "SELECT: campaign.id stands twice"),
        ("campaign.name,", "campaignId,", "SELECT: campaignId is unknown"),
        ("FROM campaign", "FROM campaigns", "FROM: campaigns is unknown"),
        ("('ENABLED')", "('ENABLED', 'ACTIVE')", "'ACTIVE' is none of the words"),
        ("= PERFORMANCE_MAX", "= PMAX", "PMAX is none of the words"),
        ("'2026-03-31'", "'31.03.2026'", "is no day in quotes"),
        ("'2026-03-31'", "2026-03-31", "is no day in quotes"),
        ("campaign.id = 11", "campaign.id = 'eleven'", "is no number"),
        ("campaign.id = 11", "campaign.id == 11", "WHERE"),
        ("campaign.id = 11", "segments.device = MOBILE", "segments.device is not selected"),
        ("campaign.id = 11", "campaign.ids = 11", "WHERE: campaign.ids is unknown"),
        ("campaign.id = 11", "campaign.name = Brand", "is a text without quotes"),
        ("segments.date DESC", "segments.day DESC", "ORDER BY: segments.day is unknown"),
        ("segments.date DESC", "metrics.clicks", "ORDER BY: metrics.clicks is not selected"),
        ("LIMIT 100", "LIMIT all", "LIMIT"),
        ("SELECT", "GET", "has no SELECT"),
        (
            "segments.date BETWEEN '2026-03-01' AND '2026-03-31'",
            "segments.date >= '2026-03-01'",
            "segments.date is selected without a first and a last day",
        ),
    ],
)
def test_a_mistake_in_a_query_is_found(right: str, wrong: str, finding: str) -> None:
    assert right in QUERY
    assert finding in " ".join(refusals(QUERY.replace(right, wrong, 1)))


def spoiled(document: Any, way: tuple[Any, ...], planted: Any) -> Any:
    found = copy.deepcopy(document)
    place, last = found, way[-1]
    for step in way[:-1]:
        place = place[step]
    if planted is ...:
        del place[last]
    else:
        place[last] = planted
    return found
