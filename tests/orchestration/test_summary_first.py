"""What a summary says first: what changed most and what to fix; and how wide it is."""

from __future__ import annotations

import datetime as dt
import math
import random
import statistics
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest
import yaml

from dagster_project.commands.console import PlainConsole
from dagster_project.commands.summary.kpis import print_kpis, shown
from dagster_project.commands.summary.most_changed import most_changed
from dagster_project.commands.summary.printing import WIDTH_OF_A_FILE
from dagster_project.numbers.headlines import (
    BLOCKS,
    HEADLINES,
    Figure,
    Figures,
    add_months,
)
from ingestion.paths import PROJECT

JAN = dt.date(2024, 1, 1)
MID_MARCH = dt.datetime(2025, 3, 15, 12)
"""Fourteen months after January 2024 have ended by then."""
STEADY = [100.0, 104, 98, 103, 101, 97, 102, 99, 104, 100, 98, 103, 101]


def months(
    metric: str, values: Sequence[float], unit: str = "money", n: int = 50, first: dt.date = JAN
) -> Figures:
    return {
        (metric, "month", add_months(first, place)): Figure(value, unit, n, 0)
        for place, value in enumerate(values)
    }


def dated(count: int = 14) -> Figures:
    """Closed deals in each month: the numbers of sales are dated by them."""
    return months("win_rate", [0.5] * count, "ratio", n=40)


def test_a_jump_is_told_in_multiples_of_the_usual_scatter() -> None:
    """By hand: logarithms of thirteen changes, the last beside mean and scatter of the others."""
    said, [told] = most_changed({**dated(), **months("revenue_won", [*STEADY, 160])}, MID_MARCH)
    steps = [math.log(now / before) for before, now in zip(STEADY, [*STEADY[1:], 160], strict=True)]
    *usual, last = steps
    scatter = statistics.stdev(usual) * math.sqrt(13 / 12)
    times = abs(last - sum(usual) / 12) / scatter
    assert said.startswith("Changed most, in multiples of the usual scatter")
    assert told == (
        f"Revenue won 160 in Feb 2025, +58.4% on Jan 2025, usually +0.1%: {times:.1f} × the "
        "usual scatter (50 and 50 records)"
    )
    assert times > 10


def test_what_grows_as_ever_is_no_news_and_what_stops_growing_is() -> None:
    """It grows by 10% a month, give or take a percent."""
    values = [100.0]
    for place in range(12):
        values.append(values[-1] * (1.09 if place % 2 else 1.11))
    grew = {**dated(), **months("mrr", [*values, values[-1] * 1.1])}
    assert most_changed({**grew, **finance_is_dated()}, MID_MARCH)[1] == []
    stopped = {**dated(), **months("mrr", [*values, values[-1]])}
    [told] = most_changed({**stopped, **finance_is_dated()}, MID_MARCH)[1]
    assert told.startswith("MRR 314 in Feb 2025, +0.0% on Jan 2025, usually +10.0%: ")


def finance_is_dated() -> Figures:
    return months("cash_collected", [1.0] * 14, n=10)


@pytest.mark.parametrize(
    ("n_now", "n_before", "is_told"), [(10, 10, True), (9, 50, False), (50, 9, False)]
)
def test_of_fewer_than_ten_records_on_either_side_nothing_is_said(
    n_now: int, n_before: int, is_told: bool
) -> None:
    figures = {**dated(), **months("revenue_won", [*STEADY, 160])}
    for start, n in ((add_months(JAN, 13), n_now), (add_months(JAN, 12), n_before)):
        value = figures["revenue_won", "month", start].value
        figures["revenue_won", "month", start] = Figure(value, "money", n, 0)
    assert bool(most_changed(figures, MID_MARCH)[1]) == is_told


def test_of_fewer_than_six_changes_before_nobody_knows_what_is_usual() -> None:
    def first(count: int) -> tuple[str, list[str]]:
        values = [*STEADY[: count - 1], 200]
        since = add_months(JAN, 14 - count)
        return most_changed({**dated(), **months("revenue_won", values, first=since)}, MID_MARCH)

    assert len(first(8)[1]) == 1
    assert first(7)[1] == []


def test_a_young_company_is_told_that_nobody_can_say() -> None:
    said, told = most_changed(dated(3), MID_MARCH)
    assert said.startswith("What changed most nobody can say: it takes 10 records a month")
    assert told == []
    assert most_changed({}, MID_MARCH) == (said, [])


def test_where_all_is_as_usual_that_is_said() -> None:
    figures = {**dated(), **months("revenue_won", [*STEADY, 100])}
    said, told = most_changed(figures, MID_MARCH)
    assert said == (
        "No headline changed by over 2 × its usual scatter: 2 had enough records to judge."
    )
    assert told == []


def test_the_three_furthest_from_usual_are_told_furthest_first() -> None:
    figures = dict(dated())
    for metric, last in {
        "revenue_won": 130,
        "deals_won": 180,
        "pipeline_created": 50,
        "average_deal_size": 140,
        "sales_cycle_days": 101,
    }.items():
        figures |= months(metric, [*STEADY, last])
    told = most_changed(figures, MID_MARCH)[1]
    assert [line.split(" in ")[0] for line in told] == [
        "Pipeline created 50",
        "Deals won 180",
        "Average deal size 140",
    ]


def test_what_never_moves_makes_no_news_of_a_trifle() -> None:
    constant = [0.5] * 13
    for last, is_told in ((0.505, False), (0.6, True)):
        figures = months("win_rate", [*constant, last], "ratio", n=1000)
        assert bool(most_changed(figures, MID_MARCH)[1]) == is_told


def test_where_months_have_too_few_records_quarters_speak() -> None:
    figures: dict[tuple[str, str, dt.date | None], Figure] = {}
    for place, value in enumerate([100.0, 104, 98, 103, 101, 97, 102, 160]):
        start = add_months(dt.date(2023, 1, 1), 3 * place)
        figures["win_rate", "quarter", start] = Figure(0.5, "ratio", 15, 0)
        figures["revenue_won", "quarter", start] = Figure(value, "money", 15, 0)
        figures["win_rate", "month", start] = Figure(0.5, "ratio", 5, 0)
        figures["revenue_won", "month", start] = Figure(value, "money", 5, 0)
    [told] = most_changed(figures, MID_MARCH)[1]
    assert told.startswith(
        "Revenue won 160 in Oct–Dec 2024, +56.9% on Jul–Sep 2024, usually +0.3%: "
    )


def test_young_leads_that_have_yet_to_convert_are_no_slump() -> None:
    leads = {
        **months("marketing_spend", STEADY[:1] * 14),
        **months("lead_conversion_rate", [*[0.4, 0.41] * 6, 0.4, 0.0], "ratio"),
    }
    assert most_changed(leads, MID_MARCH)[1] == []


def test_a_period_that_goes_on_is_never_what_changed_most() -> None:
    """Half of March is half as much."""
    figures = {**dated(15), **months("revenue_won", [*STEADY, 100, 40])}
    assert most_changed(figures, MID_MARCH)[1] == []


MOST = {"ratio": 1e4, "days": 1e5, "months": 1e5, "money per day of cycle": 1e11}
"""The largest figures by unit; money and deals go up to 10¹²."""


def units() -> dict[str, str]:
    """The unit of each headline, as its YAML says."""
    found = {}
    for path in (PROJECT / "dbt" / "models" / "kpis").glob("*/*.yml"):
        if path.stem in HEADLINES:
            [model] = yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
            found[path.stem] = model["config"]["meta"]["unit"]
    return found


@pytest.mark.parametrize("seed", range(20))
def test_the_tables_fit_and_cut_no_number(seed: int) -> None:
    """March and the quarter go on; each is there with the ones before, however large."""
    chance = random.Random(seed)
    dated_by = {metric for block in BLOCKS for metric in block.dated_by}
    starts = {
        "month": [dt.date(2025, month, 1) for month in (1, 2, 3)],
        "quarter": [dt.date(2024, 8, 1), dt.date(2024, 11, 1), dt.date(2025, 2, 1)],
    }
    figures: dict[tuple[str, str, dt.date | None], Figure] = {}
    for metric, unit in units().items():
        for grain, days in starts.items():
            for start in days:
                share = chance.choice([1, 1, 1, 0.5, 1e-3, 1e-9, 0, -0.09, None])
                value = None if share is None else share * MOST.get(unit, 1e12)
                included = 10**6 if metric in dated_by else chance.choice([0, 1, 1234, 10**6])
                figures[metric, grain, start] = Figure(
                    value, unit, included, chance.choice([0, 1, 10**6])
                )
    console = PlainConsole(width=WIDTH_OF_A_FILE)
    with console.capture() as told:
        print_kpis(console, run_at(MID_MARCH), figures)
    lines = told.get().splitlines()
    assert [line for line in lines if len(line) > WIDTH_OF_A_FILE or "…" in line] == []
    words = set(told.get().split())
    for start in (*starts["month"][1:], *starts["quarter"][1:]):
        of_start = [it for (_, _, its_start), it in figures.items() if its_start == start]
        assert {shown(it).split()[0] for it in of_start} <= words
        assert {f"{it.n_included:,}" for it in of_start} <= words
    assert any("Mar so far" in line and "Feb 2025" in line for line in lines)
    assert any("Feb–Apr so far" in line and "Nov 2024–Jan 2025" in line for line in lines)


def run_at(as_of: dt.datetime) -> Any:
    company = SimpleNamespace(
        name="Acme",
        timezone="UTC",
        currency="USD",
        fiscal_year_start_month=2,
        local=lambda moment: moment,
    )
    return cast("Any", SimpleNamespace(company=company, as_of=as_of))


def test_the_period_so_far_stands_beside_the_complete_one() -> None:
    figures: dict[tuple[str, str, dt.date | None], Figure] = {
        ("win_rate", "month", dt.date(2025, 1, 1)): Figure(0.5, "ratio", 20, 0),
        ("win_rate", "month", dt.date(2025, 2, 1)): Figure(0.4, "ratio", 25, 3),
        ("win_rate", "month", dt.date(2025, 3, 1)): Figure(1.0, "ratio", 2, 1),
        ("deals_won", "month", dt.date(2025, 1, 1)): Figure(1.0, "deals", 1, 0),
        ("deals_won", "month", dt.date(2025, 2, 1)): Figure(12.0, "deals", 12, 0),
    }
    console = PlainConsole(width=WIDTH_OF_A_FILE)
    with console.capture() as told:
        print_kpis(console, run_at(MID_MARCH), figures)
    rows = [line.split() for line in told.get().splitlines()]
    head = "sales by month Mar so far records Feb 2025 records change"
    assert rows[0] == head.split()
    assert ["Win", "rate", "100.0%", "2", "40.0%", "25", "(3)", "-10.0", "pt"] in rows
    assert ["Deals", "won", "0", "0", "12", "12", "over", "+1000%"] in rows


def test_a_table_that_is_too_wide_breaks_its_names_and_no_number() -> None:
    console = PlainConsole(width=60)
    table = console.table("loaded", *(f"column {place}" for place in range(4)))
    table.add_row("exports.experiment_assignments", *["123,456,789"] * 4)
    with console.capture() as told:
        console.print(table)
    lines = told.get().splitlines()
    assert told.get().count("123,456,789") == 4
    assert max(map(len, lines)) <= 60
    assert "".join(line.split()[0] for line in lines[1:]) == "exports.experiment_assignments"


def test_where_nothing_has_changed_little_is_told() -> None:
    """About six of a hundred months beyond twice, one beyond three times: see decision 0063."""
    chance = random.Random(1)
    told = []
    for _ in range(500):
        values = [100 * chance.lognormvariate(0, 0.2) for _ in range(14)]
        told += most_changed({**dated(), **months("revenue_won", values)}, MID_MARCH)[1]
    beyond = [float(line.split(": ")[1].split(" ×")[0]) > 3 for line in told]
    assert 0.03 < len(told) / 500 < 0.1
    assert 0 < sum(beyond) / 500 < 0.02
