"""Whatever goes wrong on the way: a load is complete, or fails saying why and changes nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from worlds import Company
from worlds import account as account
from worlds import grown_world as grown_world

from ingestion.errors import SourceError
from ingestion.sandbox.systems.faults import Faults, Mishaps
from ingestion.warehouse.warehouse import Warehouse
from tests.sandbox.simulated_company import ALL_AT_ONCE
from tests.thorough import thorough

FAULTS = {
    "rate_limited": Faults(rate_limited=0.2, retry_after_seconds=0),
    "server_error": Faults(server_error=0.1, burst=3),
    "hang": Faults(hang=0.02, hang_seconds=3),
    "drop": Faults(drop=0.15),
    "cut": Faults(cut=0.15),
    "truncate": Faults(truncate=0.15),
    "duplicate": Faults(duplicate=0.3),
    "out_of_order": Faults(out_of_order=True),
    "down": Faults(server_error=1.0),
    "unreachable": Faults(drop=1.0),
}
EVERY_TIME = ("truncate", "duplicate", "out_of_order", "down")
"""One of each kind; what they leave out, the test of all faults at once has."""
FATAL = {"down": "status 500: An unknown error", "unreachable": r"ConnectionError \(127\.0\.0\.1:"}
"""Faults that no load gets over, and what it says then."""


@pytest.mark.parametrize(
    "fault", [name if name in EVERY_TIME else pytest.param(name, marks=thorough) for name in FAULTS]
)
def test_after_a_fault_one_more_load_gives_exactly_what_is_there(
    account: Company, fault: str
) -> None:
    account.api.faults = FAULTS[fault]
    load(account, FATAL.get(fault))
    account.pass_days()
    account.api.faults = replace(FAULTS[fault], seed=1)
    load(account, FATAL.get(fault))
    if fault in Mishaps.SHARES:
        assert [asked for asked in account.asked() if asked.fault == fault]
    account.api.faults = Faults()
    account.sync()
    account.assert_like_first_load()


def test_after_all_faults_at_once_one_more_load_gives_exactly_what_is_there(
    account: Company,
) -> None:
    for seed in range(3):
        account.api.faults = replace(ALL_AT_ONCE, seed=seed, retry_after_seconds=0)
        account.sync()
        account.pass_days()
    account.api.faults = Faults()
    account.sync()
    account.assert_like_first_load()


def test_a_load_that_fails_half_way_is_made_good_by_the_next(account: Company) -> None:
    account.sync()
    account.pass_days()
    account.api.faults = Faults(server_error=0.3, burst=30, seed=3)
    load(account, "status 500")
    account.api.faults = Faults()
    account.sync()
    account.assert_like_first_load()


def load(account: Company, problem: str | None) -> None:
    """Load, which fails where there is a problem: it then says so and leaves raw as it was."""
    if problem is None:
        account.sync()
        return
    before = counted(account)
    with pytest.raises(SourceError, match=f"{problem}.*Nothing of this source was loaded"):
        account.sync()
    assert counted(account) == before


def counted(account: Company) -> dict[str, int]:
    """How many versions each table has; none before the first load."""
    is_there = Path(Warehouse.of(account.company()).location).exists()
    return account.count() if is_there else {}
