"""Whatever a platform restates, and whenever it is read: what is known is what it said.

Two accounts, one of them on the far side of midnight, few campaigns and ads, windows of a few days.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st
from restating import COAST, DATASET, MAIN, Books, Platform

from tests.thorough import IS_THOROUGH

BEGIN = dt.datetime(2026, 3, 4, 20)
FIRST_DAY = dt.date(2026, 2, 20)
WINDOW, LONG_WINDOW = 3, 6
SETTINGS = {"since": FIRST_DAY, "restated_days": WINDOW, "restated_days_weekly": LONG_WINDOW}
EXAMPLES, STEPS = (150, 7) if IS_THOROUGH else (5, 5)

Change = tuple[int, str, str | None, int, int | None]
"""Account by number, campaign, ad if of one, days before today, spend or none: it vanishes."""
Known = dict[str, tuple[Decimal, bool]]
"""Spend, and whether the day was partial, by id."""

changes = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.sampled_from("78"),
        st.sampled_from((None, None, "70", "71")),
        st.integers(0, 12),
        st.one_of(st.none(), st.integers(-5, 9)),
    ),
    max_size=8,
)
steps = st.lists(st.tuples(st.integers(1, 130), changes, st.booleans()), min_size=2, max_size=STEPS)
"""Hours that pass, what changes then, and whether a load follows."""


@contextmanager
def _empty() -> Iterator[Books]:
    with tempfile.TemporaryDirectory() as folder:
        yield Books(Path(folder))


def _today(platform: Platform, account: str) -> dt.date:
    [zone] = [it.timezone for it in platform.accounts if it.id == account]
    return platform.now.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(zone)).date()


def _change(platform: Platform, change: Change, not_before: dict[str, dt.date]) -> None:
    """Restate a day, none from before the one that a load will read first."""
    which, campaign, ad, age, spend = change
    account = platform.accounts[which].id
    campaign = f"{account}{campaign}"
    day = max(_today(platform, account) - dt.timedelta(days=age), FIRST_DAY)
    if day < not_before.get(account, FIRST_DAY):
        return
    if spend is not None:
        figures = {"spend": str(spend), "clicks": spend % 3}
        if ad:
            platform.ads[account, campaign, f"{campaign}{ad}", str(day)] = figures
        else:
            platform.spend(campaign, account=account, day=str(day), **figures)
    elif ad:
        platform.ads.pop((account, campaign, f"{campaign}{ad}", str(day)), None)
    else:
        platform.days.pop((account, campaign, str(day)), None)


def _told(platform: Platform) -> dict[str, Known]:
    """What the platform says now, by table."""
    days = {
        f"{account}/{campaign}/{day}": (Decimal(it["spend"]), day == str(_today(platform, account)))
        for (account, campaign, day), it in platform.days.items()
    }
    ads = {
        f"{account}/{campaign}/{campaign}0/{ad}/{day}": (
            Decimal(it["spend"]), day == str(_today(platform, account))
        )
        for (account, campaign, ad, day), it in platform.ads.items()
    }  # fmt: skip
    return {"campaign_days": days, "ad_days": ads}


def _known(books: Books, table: str, load: str | None = None) -> Known:
    """What is known of the days of a table, as of a load."""
    if not Path(books.warehouse.location).exists():
        return {}
    upto = f"where _dlt_load_id <= '{load}'" if load else ""
    rows = books.read(
        f"select source_id, spend, is_partial, is_deleted from {DATASET}.{table} {upto} "
        "order by _dlt_load_id"
    )
    found = {row["source_id"]: row for row in rows}
    return {
        id: (row["spend"], row["is_partial"]) for id, row in found.items() if not row["is_deleted"]
    }


@settings(max_examples=EXAMPLES, deadline=None)
@given(steps)
def test_restated_inside_the_window_all_is_known_as_the_platform_says_it(
    story: list[tuple[int, list[Change], bool]],
) -> None:
    """Each load knows what it was told, later too; in the end one load of all gives the same."""
    platform = Platform([MAIN, COAST], now=BEGIN)
    told: dict[str, dict[str, Known]] = {}
    not_before: dict[str, dt.date] = {}
    with _empty() as books:
        for hours, changed, is_loaded in [*story, (1, [], True)]:
            platform.now += dt.timedelta(hours=hours)
            for change in changed:
                _change(platform, change, not_before)
            if is_loaded:
                books.load(platform, **SETTINGS, force=True)
                told[f"{books.loads:06}"] = _told(platform)
                not_before = {
                    it.id: _today(platform, it.id) - dt.timedelta(days=WINDOW)
                    for it in platform.accounts
                }
        for load, tables in told.items():
            for table, expected in tables.items():
                assert _known(books, table, load) == expected, load
        with _empty() as anew:
            anew.load(platform, **SETTINGS)
            for table in ("accounts", "campaigns", "ads", "campaign_days", "ad_days"):
                latest = books.latest(table)
                if table == "ads":
                    # Names of ads without days any more are kept: nothing vanishes from them.
                    latest = {id: row for id, row in latest.items() if id in anew.latest(table)}
                assert latest == anew.latest(table), table


@settings(max_examples=EXAMPLES, deadline=None)
@given(steps)
def test_what_is_outside_of_the_window_stays_as_it_was_known(
    story: list[tuple[int, list[Change], bool]],
) -> None:
    """Days that a load does not ask for are as the last one knew that did, whatever they became."""
    platform = Platform([MAIN, COAST], now=BEGIN)
    expected: dict[str, Known] = {"campaign_days": {}, "ad_days": {}}
    with _empty() as books:
        for hours, changed, is_loaded in [*story, (1, [], True)]:
            platform.now += dt.timedelta(hours=hours)
            for change in changed:
                _change(platform, change, {})
            if not is_loaded:
                continue
            platform.requests.clear()
            books.load(platform, **SETTINGS, force=True)
            windows = {account: window for _, account, window in platform.requests}
            for account, window in windows.items():
                assert window.until == _today(platform, account)
                assert window.days > WINDOW or window.since == FIRST_DAY
            for table, known in expected.items():
                for id in [id for id in known if _is_read(windows, id)]:
                    del known[id]
                read = {
                    id: it for id, it in _told(platform)[table].items() if _is_read(windows, id)
                }
                known |= read
                assert _known(books, table) == known


@settings(max_examples=EXAMPLES, deadline=None)
@given(steps)
def test_a_load_that_is_asked_for_twice_adds_nothing(
    story: list[tuple[int, list[Change], bool]],
) -> None:
    platform = Platform([MAIN, COAST], now=BEGIN)
    with _empty() as books:
        for hours, changed, _ in story:
            platform.now += dt.timedelta(hours=hours)
            for change in changed:
                _change(platform, change, {})
            books.load(platform, **SETTINGS, force=True)
            again = books.load(platform, **SETTINGS)
            assert all(table.is_unchanged for table in again.tables)


def _is_read(windows: dict[str, object], id: str) -> bool:
    account, day = id.split("/")[0], dt.date.fromisoformat(id.rsplit("/", 1)[1])
    window = windows[account]
    return window.since <= day <= window.until  # type: ignore[attr-defined]
