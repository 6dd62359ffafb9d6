"""Histories in raw that say what cannot be: every model is built, and a finding says so."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from tests.oracle.closing import Change
from tests.pipeline.closing_bench import MODELS, Bench
from tests.pipeline.closing_deals import NOW, TELLING, Case, Deal, Moment, Record

CREATED, FIRST, SECOND = (Moment(2024, month, 10, 10) for month in (1, 2, 3))
SEEN = Record(3, "Lead", None, None, None)
AMOUNTS: dict[str, list[tuple[str | None, str | None]]] = {
    "unreadable": [("60", "abc"), ("1,200.00", "100")],
    "emptied_and_set": [("60", None), (None, "100")],
    "emptied_and_there": [("60", "70"), ("70", None)],
    "starts_from_a_value_though_emptied": [("60", None), ("80", "100")],
    "tells_neither_value": [(None, None)],
}
RECORDED = {"emptied_and_there": "70", "tells_neither_value": "70"}
"""What records say where they do not follow their histories."""


class Recorded(Deal):
    """A deal whose record has an amount of its own."""

    @property
    def amount(self) -> str | None:
        return RECORDED.get(list(AMOUNTS)[int(self.id[1:])], super().amount)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """All of the deals, open since January 10; what is told is of February and March."""
    deals = []
    for n, told in enumerate(AMOUNTS.values()):
        moments = (FIRST, SECOND)
        changes = tuple(Change(at, *values) for at, values in zip(moments, told, strict=False))
        deals.append(Recorded(f"d{n}", TELLING, CREATED, (), (), (SEEN,), changes))
    folder = tmp_path_factory.mktemp("doubtful")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SALESOPS_DATA", str(folder / "data"))
        made, case = (
            Bench.made_in(folder),
            Case(ZoneInfo("America/Los_Angeles"), None, tuple(deals)),
        )
        made.load(case)
        made.build(case, NOW, (*MODELS, "mart_deal_inspection", "mart_pipeline_changes"))
        yield made


@pytest.mark.parametrize(
    ("name", "amounts", "emptied", "unreadable"),
    [
        ("unreadable", [60, None, 100], False, True),
        ("emptied_and_set", [60, None, 100], False, False),
        ("emptied_and_there", [60, 70, 70], True, False),
        ("starts_from_a_value_though_emptied", [60, None, 100], True, False),
        ("tells_neither_value", [70], True, False),
    ],
)
def test_doubts_are_found(
    bench: Bench, name: str, amounts: list[float | None], emptied: bool, unreadable: bool
) -> None:
    deal = f"d{list(AMOUNTS).index(name)}"
    states = bench.rows(
        "select states.amount_native from intermediate.int_opportunity_states as states "
        "inner join marts.fct_opportunities using (opportunity_key) "
        f"where opportunity_id = '{deal}' order by valid_from"
    )["amount_native"]
    assert [None if pd.isna(one) else float(one) for one in states] == amounts
    [found] = bench.rows(
        "select emptied_contradicted, history_unreadable from marts.fct_opportunity_hygiene "
        f"where source_id = '{deal}'"
    ).itertuples(index=False)
    assert tuple(found) == (emptied, unreadable)
