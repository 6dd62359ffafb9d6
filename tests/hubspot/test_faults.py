"""Whatever goes wrong on the way: a load is complete, or fails saying why and changes nothing."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
from portals import PATIENCE, TOKEN, Portal, comparable

from ingestion.errors import SourceError
from ingestion.sandbox.systems.faults import Drift, Faults, Mishaps
from ingestion.sources.hubspot.client import HubSpotClient
from tests.sandbox.simulated_company import ALL_AT_ONCE
from tests.sandbox.traps import upset
from tests.thorough import thorough

FAULTS = {
    "rate_limited": Faults(rate_limited=0.2),
    "server_error": Faults(server_error=0.1, burst=3),
    "hang": Faults(hang=0.03, hang_seconds=3),
    "drop": Faults(drop=0.15),
    "cut": Faults(cut=0.15),
    "truncate": Faults(truncate=0.15),
    "duplicate": Faults(duplicate=0.3),
    "out_of_order": Faults(out_of_order=True),
    "index_lag": Faults(index_lag_seconds=600),
    "property_added": Faults(drift={"deals": Drift(added={"champion": "Ada"})}),
    "properties_removed": Faults(drift={"deals": Drift(removed=("segment", "amount"))}),
    "property_retyped": Faults(drift={"deals": Drift(retyped={"amount": "a lot"})}),
    "stage_removed": Faults(removed_stages=("Discovery",)),
    "down": Faults(server_error=1.0),
    "unreachable": Faults(drop=1.0),
}
EVERY_TIME = ("rate_limited", "truncate", "duplicate", "index_lag", "properties_removed", "down")
"""One of each kind; what they leave out, the test of all faults at once has."""
FATAL = {"down": "status 502: Bad gateway", "unreachable": "ConnectionError"}
"""Faults that no load gets over, and what it says then."""


@pytest.mark.parametrize(
    "fault", [name if name in EVERY_TIME else pytest.param(name, marks=thorough) for name in FAULTS]
)
def test_after_a_fault_one_more_load_gives_exactly_what_is_there(
    portal: Portal, fault: str
) -> None:
    portal.api.faults = FAULTS[fault]
    load(portal, FATAL.get(fault))
    show_next_day(portal)
    portal.api.faults = replace(FAULTS[fault], seed=1)
    load(portal, FATAL.get(fault))
    if fault in Mishaps.SHARES:
        assert [asked for asked in portal.asked() if asked.fault == fault]
    portal.api.faults = Faults()
    portal.sync()
    portal.assert_like_world()


def test_after_all_faults_at_once_one_more_load_gives_exactly_what_is_there(
    portal: Portal,
) -> None:
    for seed in range(3):
        portal.api.faults = replace(ALL_AT_ONCE, seed=seed)
        portal.sync()
        show_next_day(portal)
    portal.api.faults = Faults()
    portal.sync()
    portal.assert_like_world()
    portal.assert_like_full_reload()


def test_a_token_that_is_refused_for_a_while_leaves_no_gap(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    portal.sync()
    show_next_day(portal)
    with monkeypatch.context() as environment:
        environment.setenv("HUBSPOT_TOKEN", "pat-expired")
        with pytest.raises(SourceError, match="status 401"):
            portal.sync()
    portal.sync()
    portal.assert_like_world()


def load(portal: Portal, problem: str | None) -> None:
    """Load, which fails where there is a problem: it then says so and leaves raw as it was."""
    if problem is None:
        portal.sync()
        return
    before = portal.rows_by_table()
    with pytest.raises(SourceError, match=f"{problem}. Nothing of this source was loaded"):
        portal.sync()
    assert portal.rows_by_table() == before


def show_next_day(portal: Portal) -> None:
    """Serve the world a day later, with deals deleted, merged and re-assigned in the evening."""
    later = copy.deepcopy(portal.world)
    later.advance(1)
    upset(later)
    portal.change(later)


def test_a_load_that_fails_half_way_is_made_good_by_the_next(portal: Portal) -> None:
    portal.api.faults = Faults(server_error=0.5, burst=30, seed=3)
    with pytest.raises(SourceError, match="Nothing of this source was loaded"):
        portal.sync()
    portal.api.faults = Faults()
    portal.sync()
    portal.assert_like_full_reload()


@pytest.mark.usefixtures("at_the_vendors_pace")
def test_the_pace_follows_the_limit_that_the_server_tells(portal: Portal) -> None:
    portal.api.faults = Faults(requests_per_interval=60, interval_seconds=0.5)
    found = portal.full_reload()
    refused = [asked for asked in portal.asked() if asked.status == 429]
    assert len(portal.asked()) > 60
    assert len(refused) <= 0.1 * len(portal.asked())
    assert len(found["deals"]) == portal.world.count("opportunities")


@pytest.mark.parametrize("status", [401, 404])
def test_other_errors_fail_at_once_and_say_why(
    portal: Portal, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if status == 401:
        monkeypatch.setenv("HUBSPOT_TOKEN", "pat-wrong")
    client = HubSpotClient(portal.company().sources[0], PATIENCE)
    path = "/crm/v3/owners" if status == 401 else "/crm/v3/nothing"
    expected = {
        401: "Authentication credentials not found.*HUBSPOT_TOKEN",
        404: "/crm/v3/nothing: status 404",
    }
    with pytest.raises(SourceError, match=expected[status]):
        client.whole(path, {})
    assert len(portal.asked()) == 1


def test_a_missing_token_is_named(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HUBSPOT_TOKEN")
    with pytest.raises(SourceError, match="environment variable HUBSPOT_TOKEN is not set"):
        portal.sync()


@pytest.mark.usefixtures("through_dlt")
def test_the_token_is_in_no_message_log_or_table(
    portal: Portal, logs: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    portal.sync()
    portal.api.faults = Faults(drop=1.0)
    with pytest.raises(SourceError) as error:
        portal.sync()
    output = capfd.readouterr()
    told = [str(error.value), logs.text, output.out, output.err, *portal.messages]
    assert not [text for text in told if TOKEN in text]
    stored = [path for path in portal.folder.rglob("*") if path.is_file()]
    assert not [path for path in stored if TOKEN.encode() in path.read_bytes()]


def test_a_new_property_arrives_for_every_record_and_is_told(portal: Portal) -> None:
    portal.sync()
    portal.api.faults = Faults(drift={"deals": Drift(added={"champion": "Ada"})})
    assert portal.sync().warnings == ("deals.champion: new property",)
    extras = {row["source_extra"] for row in portal.versions("deals")}
    assert extras == {'{"champion":"Ada"}'}


def test_a_removed_property_is_told_and_comes_back(portal: Portal) -> None:
    portal.sync()
    portal.api.faults = Faults(drift={"deals": Drift(removed=("segment",))})
    assert portal.sync().warnings == ("deals.segment: the portal no longer has this property",)
    assert {row["segment"] for row in portal.versions("deals")} == {None}
    portal.api.faults = Faults()
    portal.sync()
    portal.assert_like_full_reload()


def test_a_retyped_property_is_told_and_what_does_not_fit_is_rejected(portal: Portal) -> None:
    portal.sync()
    before = comparable(portal.versions("deals"))
    portal.api.faults = Faults(drift={"deals": Drift(retyped={"amount": "a lot"})})
    loaded = portal.sync()
    assert loaded.warnings == ("deals.amount: its type was number and is now string",)
    report = {table.entity: table for table in loaded.tables}
    assert report["deals"].rows_rejected == portal.world.count("opportunities")
    rejected = portal.read("select distinct entity, reason from raw_hubspot.rejected")
    assert rejected == [{"entity": "deals", "reason": "amount = a lot: not a number"}]
    assert comparable(portal.versions("deals")) == before
    portal.api.faults = Faults()
    report = {table.entity: table for table in portal.sync().tables}
    assert report["deals"].rows_rejected == 0
    portal.assert_like_full_reload()
    assert portal.sync().is_unchanged
