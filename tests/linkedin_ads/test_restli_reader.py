"""The reader of Rest.li finds each mistake that is planted, and nothing in what the SDK sent."""

from __future__ import annotations

import pytest
from restli_reader import LONGEST_QUERY, RECORDED, RECORDED_HEADERS, QueryError, read, refusals


def test_what_the_sdk_sent_is_read() -> None:
    day = {"day": "1", "month": "3", "year": "2026"}
    assert read(RECORDED.partition("?")[2]) == {
        "accounts": ["urn:li:sponsoredAccount:1"],
        "dateRange": {"start": day, "end": day | {"day": "2"}},
        "pivot": "CAMPAIGN",
        "q": "analytics",
        "timeGranularity": "DAILY",
        "fields": [
            "dateRange", "pivotValues", "costInLocalCurrency", "impressions", "clicks",
            "externalWebsiteConversions",
        ],
    }  # fmt: skip
    assert refusals("GET", RECORDED, RECORDED_HEADERS) == []


def test_a_query_in_a_form_is_read() -> None:
    path, _, query = RECORDED.partition("?")
    form = {"X-HTTP-Method-Override": "GET", "Content-Type": "application/x-www-form-urlencoded"}
    assert refusals("POST", path, RECORDED_HEADERS | form, query) == []
    assert refusals("POST", path, RECORDED_HEADERS, query)
    assert refusals("POST", path, RECORDED_HEADERS | form, f"{query})")


@pytest.mark.parametrize(
    ("right", "wrong", "finding"),
    [
        ("urn%3Ali%3AsponsoredAccount%3A1", "urn:li:sponsoredAccount:1", "is expected"),
        ("urn%3Ali%3AsponsoredAccount%3A1", "urn%3ali%3AsponsoredAccount%3A1", "is expected"),
        ("sponsoredAccount%3A1", "sponsoredCampaign%3A1", "is no sponsoredAccount"),
        ("List(", "List%28", "is left over"),
        ("List(", "list(", "is left over"),
        ("accounts=", "accounts[0]=", "is no parameter"),
        ("(end:(", "(end=(", "':' is expected"),
        ("month:3,year:2026))", "month:3,year:2026)", "is expected"),
        ("dateRange=(", "dateRange.start=(", "dateRange.start: is unknown"),
        ("pivot=CAMPAIGN", "pivot=MEMBER_COUNTRY", "pivot: 'MEMBER_COUNTRY' is unknown"),
        ("&pivot=CAMPAIGN", "", "pivot: is missing"),
        ("q=analytics", "q=statistics", "q: 'statistics' is not 'analytics'"),
        ("impressions", "views", "fields: views is unknown"),
        ("pivotValues,", "", "fields: pivotValues is not asked for"),
        ("fields=dateRange,", "fields=List(dateRange),", "is no projection"),
        ("q=analytics", "q=analytics&q=analytics", "a second one of its name"),
        ("q=analytics", "q=analytics&count=100", "count: is unknown"),
        ("/rest/adAnalytics", "/rest/adReports", "adReports: is unknown"),
        (
            "clicks,",
            "clicks,likes,comments,shares,follows,reactions,opens,sends,videoViews,videoStarts,"
            "videoCompletions,totalEngagements,costInUsd,oneClickLeads,textUrlClicks,adUnitClicks,"
            "viralClicks,viralImpressions,cardClicks,",
            "22 metrics are more than 20",
        ),
    ],
)
def test_a_mistake_in_a_query_is_found(right: str, wrong: str, finding: str) -> None:
    assert right in RECORDED
    found = refusals("GET", RECORDED.replace(right, wrong, 1), RECORDED_HEADERS)
    assert finding in " ".join(found)


@pytest.mark.parametrize("name", ["LinkedIn-Version", "X-RestLi-Protocol-Version"])
def test_a_header_that_is_missing_is_found(name: str) -> None:
    headers = {key: value for key, value in RECORDED_HEADERS.items() if key != name}
    [found] = refusals("GET", RECORDED, headers)
    assert name in found


def test_a_query_that_is_too_long_is_found() -> None:
    longer = RECORDED.replace("accounts=", f"campaigns=List({'1' * LONGEST_QUERY})&accounts=")
    assert any("too long" in it for it in refusals("GET", longer, RECORDED_HEADERS))


@pytest.mark.parametrize("query", ["", "q", "q=", "a=(b:)", "a=List(1", "a=(b:1,b:2)", "a=b,c"])
def test_what_is_no_query_is_told(query: str) -> None:
    with pytest.raises(QueryError):
        read(query)
