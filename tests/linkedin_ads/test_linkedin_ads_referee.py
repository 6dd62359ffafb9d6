"""What the connector asks of LinkedIn is what LinkedIn's own SDK asks, and no report is cut."""

from __future__ import annotations

import copy
import datetime as dt
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from restli_reader import METRICS, RECORDED, RECORDED_HEADERS, read, refusals

from ingestion.sandbox.server import serving
from ingestion.sandbox.systems.faults import Faults
from ingestion.sandbox.systems.linkedin_ads import restli as of_the_sandbox
from ingestion.sandbox.systems.linkedin_ads.api import LinkedInAdsApi
from ingestion.sandbox.world import World
from ingestion.sandbox.world.ad_accounts import AD_ACCOUNTS
from ingestion.sandbox.world.calendar import START
from ingestion.sources.linkedin_ads import reader
from ingestion.sources.linkedin_ads.restli import query_of
from tests.advertiser import Advertiser, Row
from tests.sandbox.simulated_company import ALL_AT_ONCE
from tests.thorough import thorough
from tests.wire import Exchange, overheard

TOKEN = "AQXsecretofthetest"
[ACCOUNT] = [account for account in AD_ACCOUNTS if account.platform == "linkedin_ads"]
CUT = 60
"""Elements after which the sandbox cuts a report without a word, as LinkedIn does at 15,000."""
SINCE = f"    since: {START}\n"
SEEDS = [1, *(pytest.param(seed, marks=thorough) for seed in (2, 3))]
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1)
NAMES = st.from_regex(r"[a-z][A-Za-z]{0,8}", fullmatch=True)
VALUES = st.recursive(
    TEXTS, lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner), max_leaves=8
)


@pytest.fixture(scope="module", params=SEEDS)
def grown_world(request: pytest.FixtureRequest) -> World:
    """A third of a year of a small company."""
    world = World.found(seed=request.param, scale=0.1)
    world.advance(110)
    return world


@pytest.fixture
def account(
    grown_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Advertiser]:
    """A company that reads the world's account behind a server that behaves."""
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("LINKEDIN_ADS_ACCESS_TOKEN", TOKEN)
    api = LinkedInAdsApi(copy.deepcopy(grown_world), TOKEN)
    with serving(api) as url:
        yield Advertiser("linkedin_ads", url, TOKEN, api, tmp_path, SINCE)


def test_the_encoder_writes_what_the_sdk_sent() -> None:
    _, _, query = RECORDED.partition("?")
    told = read(query)
    assert query_of({**told, "fields": ",".join(told["fields"])}) == query


@settings(deadline=None)
@given(st.dictionaries(NAMES.filter(lambda it: it != "fields"), VALUES, min_size=1))
def test_whatever_is_encoded_is_read_again(parameters: dict[str, Any]) -> None:
    query = query_of(parameters)
    assert quote(query, safe="%(),:&=") == query
    assert read(query) == parameters


def test_sandbox_and_referee_read_the_same() -> None:
    query = RECORDED.partition("?")[2]
    assert of_the_sandbox.read(query) == {**read(query), "fields": ",".join(read(query)["fields"])}


def asked(it: Exchange, url: str) -> list[str]:
    return refusals(it.method, it.url.removeprefix(url), it.headers, it.body.decode())


def test_the_connector_asks_for_nothing_that_linkedin_refuses(account: Advertiser) -> None:
    with overheard() as heard:
        account.sync()
        account.pass_days()
        account.sync()
    wrong = Counter(problem for it in heard for problem in asked(it, account.url))
    assert not wrong, wrong.most_common(20)
    assert all(
        it.headers["LinkedIn-Version"] == RECORDED_HEADERS["LinkedIn-Version"] for it in heard
    )
    resources = {it.path.rpartition("/")[2] for it in heard}
    assert resources >= {"adAccounts", "adCampaigns", "adAnalytics"}


def test_the_token_is_in_no_address(account: Advertiser) -> None:
    with overheard() as heard:
        account.sync()
    assert not [it.url for it in heard if TOKEN in it.url]


def test_accounts_are_asked_for_before_any_report(account: Advertiser) -> None:
    with overheard() as heard:
        account.sync()
    paths = [it.path.rpartition("/")[2] for it in heard]
    assert paths.index("adAccounts") < paths.index("adAnalytics")


def test_every_element_is_as_linkedin_documents_it(account: Advertiser) -> None:
    with overheard() as heard:
        account.sync()
    told = [
        element
        for it in heard
        if it.path.endswith("adAnalytics")
        for element in it.told["elements"]
    ]
    assert len(told) > 100
    wrong = Counter(problem for element in told for problem in misfits(element))
    assert not wrong, wrong.most_common(10)


def misfits(element: Row) -> Iterator[str]:
    """What is not as the documentation of adAnalytics has an element."""
    for name, value in element.items():
        if name == "dateRange":
            days = [value.get(end, {}) for end in ("start", "end")]
            if not all(it.keys() == {"year", "month", "day"} for it in days):
                yield f"{name}: {value!r} has no start and end"
        elif name == "pivotValues":
            if not all(str(urn).startswith("urn:li:sponsored") for urn in value):
                yield f"{name}: {value!r} are no names"
        elif name not in METRICS:
            yield f"{name}: is unknown"
        elif name.startswith(("cost", "conversionValue")):
            if not isinstance(value, str):
                yield f"{name}: money is text"
        elif not isinstance(value, int) or isinstance(value, bool):
            yield f"{name}: {value!r} is no count"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("costInLocalCurrency", 4.5),
        ("clicks", "3"),
        ("cost", "4.5"),
        ("pivotValues", ["111"]),
        ("dateRange", {"start": {"year": 2026, "month": 3, "day": 1}}),
    ],
)
def test_a_mistake_in_an_element_is_found(name: str, value: Any) -> None:
    day = {"year": 2026, "month": 3, "day": 1}
    right: Row = {
        "dateRange": {"start": day, "end": day},
        "pivotValues": ["urn:li:sponsoredCampaign:111"],
        "costInLocalCurrency": "4.5",
        "impressions": 120,
        "clicks": 3,
    }
    assert not list(misfits(right))
    assert list(misfits({**right, name: value}))


def day_by_day(account: Advertiser, pivot: str) -> dict[tuple[str, dt.date], Row]:
    """Figures by what a pivot names and day, asked for one day at a time: nothing can be cut."""
    found: dict[tuple[str, dt.date], Row] = {}
    day, until = START, account.api.world.now.date()
    while day <= until:
        at = f"(year:{day.year},month:{day.month},day:{day.day})"
        answer = requests.get(
            f"{account.url}/rest/adAnalytics?q=analytics&pivot={pivot}&timeGranularity=DAILY"
            f"&dateRange=(start:{at},end:{at})"
            f"&accounts=List(urn%3Ali%3AsponsoredAccount%3A{ACCOUNT.id})"
            "&fields=dateRange,pivotValues,costInLocalCurrency,impressions,clicks,"
            "externalWebsiteConversions,conversionValueInLocalCurrency",
            headers={**RECORDED_HEADERS, "Authorization": f"Bearer {TOKEN}"},
            timeout=20,
        )
        assert answer.status_code == 200, answer.text
        for it in answer.json()["elements"]:
            id = it["pivotValues"][0].rpartition(":")[2]
            assert (id, day) not in found
            found[id, day] = {
                "spend": cents(it["costInLocalCurrency"]), "impressions": it["impressions"],
                "clicks": it["clicks"], "conversions": it["externalWebsiteConversions"],
                "conversion_value": cents(it["conversionValueInLocalCurrency"]),
            }  # fmt: skip
        day += dt.timedelta(days=1)
    return found


def cents(text: str) -> Decimal:
    """Money without the noise of sums of fractions."""
    return Decimal(text).quantize(Decimal("0.01"), ROUND_HALF_UP)


def assert_same_records(account: Advertiser) -> None:
    """Raw has what the platform tells day by day, and nothing else that is not deleted."""
    for table, pivot, of in (
        ("campaign_days", "CAMPAIGN", "campaign"), ("ad_days", "CREATIVE", "ad"),
    ):  # fmt: skip
        expected = {key: it for key, it in day_by_day(account, pivot).items() if any(it.values())}
        rows = account.raw(table).values()
        found = {
            (row[of], row["day"]): {name: row[name] for name in next(iter(expected.values()))}
            for row in rows
        }
        found = {key: it for key, it in found.items() if any(it.values())}
        assert found.keys() == expected.keys(), table
        assert not {key for key, it in expected.items() if found[key] != it}, table
        assert len(expected) > CUT


def test_a_report_is_never_cut(account: Advertiser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MOST", CUT)
    account.api.faults = Faults(elements=CUT)
    account.sync()
    for days in (1, 6):
        account.pass_days(days)
        account.sync()
    assert_same_records(account)
    longest = max(it.rows for it in account.api.requests if it.path.endswith("adAnalytics"))
    assert longest <= CUT


def test_faults_that_pass_change_nothing(
    account: Advertiser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "MOST", CUT)
    for seed in range(2):
        account.api.faults = replace(ALL_AT_ONCE, drift={}, seed=seed, elements=CUT)
        account.sync()
        account.pass_days()
    account.api.faults = Faults(elements=CUT)
    account.sync()
    assert_same_records(account)
