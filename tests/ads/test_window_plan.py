"""Which days a load reads again, worked out by hand."""

from __future__ import annotations

import datetime as dt

import pytest

from ingestion.loading.restated import Restated, Scope, Seen, Window

MARCH = Restated(30, 90)


def _day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def _seen(since: str, until: str, long_on: str) -> Seen:
    return Seen(_day(since), _day(until), _day(long_on))


def _window(since: str, until: str) -> Window:
    return Window(_day(since), _day(until))


def test_a_first_load_reads_three_years() -> None:
    window, seen = MARCH.plan(_day("2026-03-01"), None)
    assert window == _window("2023-03-02", "2026-03-01")
    assert seen == _seen("2023-03-02", "2026-03-01", "2026-03-01")


@pytest.mark.parametrize(
    ("case", "today", "before", "window", "after"),
    [
        (
            "the_next_day_reads_thirty_days",
            "2026-03-02", ("2025-01-01", "2026-03-01", "2026-03-01"),
            ("2026-01-30", "2026-03-02"), ("2025-01-01", "2026-03-02", "2026-03-01"),
        ),
        (
            "six_days_after_a_long_reading_it_is_not_due",
            "2026-03-07", ("2025-01-01", "2026-03-06", "2026-03-01"),
            ("2026-02-04", "2026-03-07"), ("2025-01-01", "2026-03-07", "2026-03-01"),
        ),
        (
            "seven_days_after_a_long_reading_it_is",
            "2026-03-08", ("2025-01-01", "2026-03-07", "2026-03-01"),
            ("2025-12-07", "2026-03-08"), ("2025-01-01", "2026-03-08", "2026-03-08"),
        ),
        (
            "a_gap_of_months_loses_no_day",
            "2026-09-01", ("2025-01-01", "2026-03-01", "2026-03-01"),
            ("2025-12-01", "2026-09-01"), ("2025-01-01", "2026-09-01", "2026-09-01"),
        ),
        (
            "nothing_is_read_before_the_first_day",
            "2026-03-08", ("2026-02-20", "2026-03-07", "2026-03-01"),
            ("2026-02-20", "2026-03-08"), ("2026-02-20", "2026-03-08", "2026-03-08"),
        ),
        (
            "a_clock_that_was_put_back_reads_no_less",
            "2026-02-27", ("2025-01-01", "2026-03-01", "2026-03-01"),
            ("2026-01-28", "2026-02-27"), ("2025-01-01", "2026-02-27", "2026-03-01"),
        ),
    ],
)  # fmt: skip
def test_what_is_read_again(
    case: str, today: str, before: tuple[str, ...], window: tuple[str, ...], after: tuple[str, ...]
) -> None:
    assert MARCH.plan(_day(today), _seen(*before)) == (_window(*window), _seen(*after))


def test_days_before_those_known_are_read_once_they_are_wanted() -> None:
    wanted = Restated(30, 90, _day("2024-01-01"))
    window, seen = wanted.plan(_day("2026-03-02"), _seen("2025-01-01", "2026-03-01", "2026-03-01"))
    assert window == _window("2024-01-01", "2026-03-02")
    assert wanted.plan(_day("2026-03-03"), seen)[0] == _window("2026-01-31", "2026-03-03")


def test_a_later_beginning_reads_no_more_and_forgets_nothing() -> None:
    wanted = Restated(30, 90, _day("2026-02-20"))
    before = _seen("2025-01-01", "2026-03-01", "2026-03-01")
    window, seen = wanted.plan(_day("2026-03-02"), before)
    assert window == _window("2026-02-20", "2026-03-02")
    assert seen.since == _day("2025-01-01")


def test_what_a_platform_forgets_is_not_asked_for() -> None:
    first = _day("2025-06-01")
    window, seen = MARCH.plan(_day("2026-03-01"), None, first)
    assert window.since == first
    # The platform forgets a day more by the next one: nothing is to be read anew for that.
    again, _ = MARCH.plan(_day("2026-03-02"), seen, _day("2025-06-02"))
    assert again.since == _day("2026-01-30")


def test_slices_and_halves_have_all_days_once() -> None:
    window = _window("2026-02-26", "2026-03-06")
    assert list(window.slices(4)) == [
        _window("2026-02-26", "2026-03-01"),
        _window("2026-03-02", "2026-03-05"),
        _window("2026-03-06", "2026-03-06"),
    ]
    assert window.halves() == (
        _window("2026-02-26", "2026-03-01"),
        _window("2026-03-02", "2026-03-06"),
    )
    with pytest.raises(ValueError, match="cannot be halved"):
        _window("2026-03-06", "2026-03-06").halves()


def test_a_scope_of_no_account_holds_of_nothing() -> None:
    assert Scope({}).sql() == "false"
