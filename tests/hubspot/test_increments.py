"""What changed arrives, all of it and nothing else; nothing is read twice."""

from __future__ import annotations

import copy
import datetime as dt

import numpy as np
import pytest
from portals import Portal

from ingestion.errors import SourceError
from ingestion.sandbox.systems.faults import Faults
from ingestion.sandbox.world import World
from ingestion.sandbox.world.calendar import DAY
from ingestion.sources.hubspot.objects import OBJECTS
from ingestion.sources.hubspot.plan import LAG

MINUTE = 60_000_000


def advanced(world: World, days: int = 1) -> World:
    later = copy.deepcopy(world)
    later.advance(days)
    return later


def open_deals(world: World) -> np.ndarray:
    return np.flatnonzero(world.state["opportunities"]["is_open"] == 1)


def test_a_second_load_of_the_same_portal_reads_no_record_and_appends_nothing(
    portal: Portal,
) -> None:
    first = portal.sync()
    assert not first.is_unchanged
    loaded = portal.read("select count(*) as n from raw_hubspot._dlt_loads")
    portal.forget()
    second = portal.sync()
    assert second.is_unchanged
    assert [table.rows for table in second.tables] == [table.rows for table in first.tables]
    assert portal.read("select count(*) as n from raw_hubspot._dlt_loads") == loaded
    assert not portal.asked("/batch/read")
    assert not [a for a in portal.asked("/objects/deals") if "archived=true" not in a.query]


def test_days_arrive_and_only_what_changed_in_them_is_read(portal: Portal) -> None:
    portal.sync()
    before = portal.world.now
    for days in (1, 3):
        portal.change(advanced(portal.world, days))
        portal.forget()
        report = portal.sync()
        portal.assert_like_full_reload()
        [deals] = [table for table in report.tables if table.entity == "deals"]
        changed = len(portal.world.rows_changed_since("opportunities", before))
        assert deals.rows_new + deals.rows_changed + deals.rows_deleted == changed > 0
        before = portal.world.now


def test_an_increment_asks_for_the_days_records_only(portal: Portal) -> None:
    portal.sync()
    since = portal.now_ms - int(LAG.total_seconds() * 1_000)
    portal.change(advanced(portal.world))
    portal.forget()
    portal.sync()
    for name in OBJECTS:
        live, archived = portal.modified_since(name, since)
        read = [a for a in portal.asked(f"/objects/{name}/batch/read") if "true" not in a.query]
        assert sum(asked.rows for asked in read) == live, name
        again = [a for a in portal.asked(f"/objects/{name}/batch/read") if "true" in a.query]
        assert sum(asked.rows for asked in again) <= archived, name
        listed = portal.asked(f"/objects/{name}")
        assert all("archived=true" in asked.query for asked in listed), name
    read = sum(asked.rows for asked in portal.asked("/batch/read") if "/objects/" in asked.path)
    assert 0 < read < 0.1 * sum(len(portal.versions(name)) for name in OBJECTS)


def test_deleted_deals_arrive_once_with_the_moment_of_their_deletion(portal: Portal) -> None:
    portal.sync()
    world = copy.deepcopy(portal.world)
    gone = open_deals(world)[:3]
    world.advance(1)
    world.state.change("opportunities", gone, "is_deleted", 1, world.state.now - MINUTE)
    portal.change(world)
    report = {table.entity: table for table in portal.sync().tables}
    assert report["deals"].rows_deleted == 3
    ids = set(world.table("opportunities", gone)["source_id"].to_pylist())
    deleted = [row for row in portal.versions("deals") if row["is_deleted"]]
    assert ids <= {row["source_id"] for row in deleted}
    moment = world.now.replace(tzinfo=None) - dt.timedelta(minutes=1)
    assert [r["source_updated_at"] for r in deleted if r["source_id"] in ids] == [moment] * 3
    portal.forget()
    assert portal.sync().is_unchanged
    assert not portal.asked("/batch/read")


def test_a_merge_names_the_deal_that_went_into_the_other(portal: Portal) -> None:
    portal.sync()
    world = advanced(portal.world)
    [away, into] = open_deals(world)[:2]
    moment = world.state.now - MINUTE
    world.state.change("opportunities", np.array([away]), "merged_into_id", into, moment)
    world.state.touch("opportunities", np.array([into]), moment)
    portal.change(world)
    portal.sync()
    portal.assert_like_full_reload()
    away_id, into_id = world.table("opportunities", np.array([away, into]))["source_id"].to_pylist()
    by_id = {row["source_id"]: row for row in portal.versions("deals")}
    assert by_id[away_id]["is_deleted"]
    assert away_id in by_id[into_id]["hs_merged_object_ids"].split(";")


def test_a_restored_deal_comes_back(portal: Portal) -> None:
    portal.sync()
    deleted = advanced(portal.world)
    [deal] = open_deals(deleted)[:1]
    deleted.state.change("opportunities", np.array([deal]), "is_deleted", 1, deleted.state.now - 9)
    portal.change(deleted)
    portal.sync()
    restored = copy.deepcopy(deleted)
    restored.state.day += 1
    moment = restored.state.now - MINUTE
    restored.state.change("opportunities", np.array([deal]), "is_deleted", 0, moment)
    portal.change(restored)
    portal.sync()
    portal.assert_like_full_reload()


def test_thousands_of_records_with_one_timestamp_all_arrive(portal: Portal) -> None:
    world, bulk = portal.world, 10_400
    at = world.state.now - DAY
    contacts = world.state.create(
        "contacts", bulk, at, account_id=0, title=0, created_at=at,
        person_number=np.arange(bulk), company_number=0,
    )  # fmt: skip
    portal.change(world)
    portal.sync("objects: [contacts]")
    edited = copy.deepcopy(world)
    edited.state.day += 1
    edited.state.touch("contacts", contacts, edited.state.now - 3 * MINUTE)
    portal.change(edited)
    portal.forget()
    [report] = [t for t in portal.sync("objects: [contacts]").tables if t.entity == "contacts"]
    assert report.rows_changed == bulk
    assert len(portal.asked("/contacts/search")) == bulk // 200
    moments = {row["source_updated_at"] for row in portal.versions("contacts")[-bulk:]}
    assert edited.now.replace(tzinfo=None) - dt.timedelta(minutes=3) in moments


def test_what_the_search_index_learns_late_arrives_with_the_next_load(portal: Portal) -> None:
    portal.sync()
    world = advanced(portal.world)
    late = open_deals(world)[:2]
    world.state.change("opportunities", late, "amount", 4_200_00, world.state.now - 5 * MINUTE)
    portal.change(world)
    portal.api.faults = Faults(index_lag_seconds=600)
    portal.sync()
    ids = set(world.table("opportunities", late)["source_id"].to_pylist())
    known = {r["source_id"]: r["amount"] for r in portal.versions("deals") if r["source_id"] in ids}
    assert 4_200 not in known.values()
    later = copy.deepcopy(world)
    later.state.day += 1
    portal.change(later)
    portal.sync()
    portal.assert_like_full_reload()


def test_a_listing_that_shrank_is_refused_unless_forced(portal: Portal) -> None:
    portal.sync("objects: [companies]")
    smaller = copy.deepcopy(portal.world)
    accounts = smaller.state["accounts"]
    before, kept = len(accounts), len(accounts) // 2
    accounts.load({name: accounts[name][:kept] for name in accounts.columns})
    accounts.count = kept
    portal.change(smaller)
    relisted = "mapping: {companies: {segment: industry}}\n    objects: [companies]"
    with pytest.raises(SourceError, match="FORCE=1"):
        portal.sync(relisted)
    assert len(portal.versions("companies")) == before
    assert not [row for row in portal.versions("companies") if row["is_deleted"]]
    portal.sync(relisted, force=True)
    vanished = [row for row in portal.versions("companies") if row["is_deleted"]]
    assert len(vanished) == before - kept
    assert {row["source_updated_at"] for row in vanished} == {None}
