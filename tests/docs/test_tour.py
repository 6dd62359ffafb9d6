"""The tour tells what is there."""

from __future__ import annotations

from tests.docs.tour import PAGE, tour


def test_the_tour_is_true() -> None:
    assert PAGE.read_text(encoding="utf-8") == tour(), "run `make tour`"
