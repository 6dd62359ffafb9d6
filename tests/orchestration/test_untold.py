"""Costs and ad spend that are not told as yet: which numbers are not what they seem."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence

import duckdb
import pytest
import yaml

from dagster_project.commands.console import PlainConsole
from dagster_project.commands.summary.kpis import print_kpis, too_little
from dagster_project.commands.summary.most_changed import most_changed
from dagster_project.dashboard.figures import read_figures
from dagster_project.defs.headlines import figures as figures_of_a_month
from dagster_project.defs.headlines import not_told
from dagster_project.numbers.headlines import Figure, Figures, published
from dagster_project.numbers.untold import (
    ADS,
    LAG_MONTHS,
    NAMES,
    RESTS_ON,
    TOO_HIGH,
    Untold,
    caution,
    published_untold,
    read_untold,
)
from ingestion.company.reading import load_company
from ingestion.paths import PROJECT, CompanyPaths
from tests.dashboard.shell import empty, insert
from tests.orchestration.test_summary_first import months, run_at
from tests.people.company import DEFAULT, default_company

NEW_YEAR = dt.date(2026, 1, 1)
OCT, NOV, DEC = (dt.date(2025, month, 1) for month in (10, 11, 12))


def days(first: dt.date, last: dt.date, step: int = 1) -> list[dt.date]:
    count = (last - first).days
    return [first + dt.timedelta(days=place) for place in range(0, count + 1, step)]


def starts(first: dt.date, count: int, step: int = 1) -> list[dt.date]:
    first_place = 12 * first.year + first.month - 1
    places = range(first_place, first_place + count * step, step)
    return [dt.date(place // 12, place % 12 + 1, 1) for place in places]


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with empty() as made:
        yield made


def told(
    connection: duckdb.DuckDBPyConnection,
    today: dt.date = NEW_YEAR,
    spend: Sequence[dt.date] = (),
    **costs: Sequence[dt.date],
) -> Untold:
    """What is known of a company with spend on these days, and costs by function and month."""
    insert(connection, "fct_spend_daily", *({"day": day} for day in spend))
    for function, of in costs.items():
        named = None if function == "nobody" else function
        insert(connection, "fct_costs", *({"month": it, "function": named} for it in of))
    return read_untold(connection, today)


def short(untold: Untold, grain: str, start: dt.date) -> set[tuple[str, str]]:
    return {
        (metric, variant)
        for metric, variant in RESTS_ON
        if untold.of(metric, grain, start, variant)
    }


COSTLY = {
    ("marketing_spend", "default"),
    ("cost_per_lead", "default"),
    ("customer_acquisition_cost", "default"),
    ("cac_payback_months", "default"),
}
"""What rests on costs of the period itself."""
LAGGED = ("customer_acquisition_cost", "lagged")


def test_december_is_short_where_costs_are_told_to_november(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    """Spend of the last day is told on the next, as each month: that is little."""
    untold = told(
        connection,
        spend=days(dt.date(2025, 1, 1), dt.date(2025, 12, 30)),
        marketing=starts(dt.date(2025, 1, 1), 11),
        sales=starts(dt.date(2025, 1, 1), 11),
        other=starts(dt.date(2025, 1, 1), 12),
    )
    assert short(untold, "month", DEC) == COSTLY
    assert short(untold, "month", NOV) == set()
    assert short(untold, "quarter", OCT) == COSTLY
    assert short(untold, "quarter", dt.date(2025, 7, 1)) == set()
    assert short(untold, "year", dt.date(2025, 1, 1)) == COSTLY
    assert untold.sentences(
        (metric, "month", DEC, "Dec 2025") for metric in [*NAMES, "revenue_won"]
    ) == [
        "Costs are told to November 2025: marketing spend, cost per lead, cost per new customer "
        "and the time in which that is earned back of Dec 2025 are too low."
    ]


def test_costs_that_count_three_months_later_lack_three_months_later(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    until_august = starts(dt.date(2025, 1, 1), 8)
    untold = told(connection, marketing=until_august, sales=until_august)
    assert LAGGED not in short(untold, "month", NOV)
    assert LAGGED in short(untold, "month", DEC)
    assert short(untold, "month", dt.date(2025, 8, 1)) == set()
    assert short(untold, "month", dt.date(2025, 9, 1)) == COSTLY


def test_spend_that_lacks_makes_a_return_too_high(connection: duckdb.DuckDBPyConnection) -> None:
    """Told to December 20: eleven days of December lack, of 92 of the quarter as well."""
    untold = told(
        connection,
        spend=days(dt.date(2025, 1, 1), dt.date(2025, 12, 20)),
        marketing=starts(dt.date(2025, 1, 1), 12),
    )
    of_spend = {key for key, parts in RESTS_ON.items() if ADS in parts} - {LAGGED}
    assert short(untold, "month", DEC) == of_spend
    assert short(untold, "quarter", OCT) == of_spend
    assert short(untold, "year", dt.date(2025, 1, 1)) == set()
    assert untold.sentences(
        (metric, "month", DEC, "Dec 2025") for metric in ("cost_per_lead", "return_on_ad_spend")
    ) == [
        "Ad spend is told to 20 December 2025: cost per lead of Dec 2025 is too low; return on ad "
        "spend of Dec 2025 is too high."
    ]


@pytest.mark.parametrize(("last", "is_short"), [(30, False), (29, True)])
def test_a_day_of_a_month_is_little_and_two_are_not(
    connection: duckdb.DuckDBPyConnection, last: int, is_short: bool
) -> None:
    untold = told(connection, spend=days(dt.date(2025, 1, 1), dt.date(2025, 12, last)))
    assert bool(untold.of("marketing_spend", "month", DEC)) == is_short
    assert untold.of("marketing_spend", "week", dt.date(2025, 12, 29))


def test_what_comes_seldom_lacks_only_beyond_its_rhythm(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    """Spend of working days ends on a Friday; costs of quarters with their first month."""
    working = [it for it in days(dt.date(2025, 1, 1), dt.date(2025, 5, 30)) if it.weekday() < 5]
    untold = told(
        connection,
        today=dt.date(2025, 6, 1),
        spend=working,
        sales=starts(dt.date(2024, 1, 1), 6, step=3),
    )
    assert short(untold, "month", dt.date(2025, 5, 1)) == set()
    later = Untold(dt.date(2025, 8, 1), untold.told)
    assert untold.told["acquisition"].until == dt.date(2025, 7, 1)
    assert later.of("cac_payback_months", "month", dt.date(2025, 7, 1))


def test_one_long_break_is_not_the_rhythm(connection: duckdb.DuckDBPyConnection) -> None:
    spend = [
        *days(dt.date(2025, 9, 1), dt.date(2025, 10, 10)),
        *days(dt.date(2025, 11, 10), dt.date(2025, 12, 10)),
    ]
    assert told(connection, spend=spend).told[ADS].until == dt.date(2025, 12, 11)


def test_who_stopped_advertising_is_told_since_when(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    untold = told(
        connection,
        spend=days(dt.date(2025, 1, 1), dt.date(2025, 3, 31)),
        marketing=starts(dt.date(2025, 1, 1), 12),
    )
    assert untold.sentences([("marketing_spend", "month", DEC, "Dec 2025")]) == [
        "No ad spend since 31 March 2025: if there was any, marketing spend of Dec 2025 is too low."
    ]
    [lacking] = untold.of("marketing_spend", "month", DEC)
    assert caution("marketing_spend", lacking) == (
        "too low if there was any: no ad spend since 31 March 2025"
    )


def test_what_was_never_told_does_not_lack(connection: duckdb.DuckDBPyConnection) -> None:
    nothing = read_untold(connection, NEW_YEAR)
    assert short(nothing, "month", DEC) == set()
    only_ads = told(connection, spend=days(dt.date(2025, 1, 1), dt.date(2025, 12, 31)))
    assert short(only_ads, "month", DEC) == set()


def test_costs_of_one_function_that_lack_are_named(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    """Costs without a team are of nobody's marketing; what is of the future tells nothing."""
    untold = told(
        connection,
        marketing=starts(dt.date(2025, 1, 1), 12),
        sales=[*starts(dt.date(2025, 1, 1), 10), dt.date(2026, 6, 1)],
        nobody=starts(dt.date(2025, 1, 1), 11),
    )
    assert short(untold, "month", DEC) == COSTLY - {
        ("marketing_spend", "default"),
        ("cost_per_lead", "default"),
    }
    [lacking] = untold.of("customer_acquisition_cost", "month", DEC)
    assert lacking.said == "costs of sales are told to November 2025"


def test_of_what_goes_on_nothing_lacks_that_is_still_to_come(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    """Half a January: its spend is told to yesterday, its costs are not."""
    middle = dt.date(2026, 1, 16)
    untold = told(
        connection,
        today=middle,
        spend=days(dt.date(2025, 1, 1), dt.date(2026, 1, 15)),
        marketing=starts(dt.date(2025, 1, 1), 12),
    )
    assert short(untold, "month", NEW_YEAR) == COSTLY
    assert not untold.of("return_on_ad_spend", "month", NEW_YEAR)
    assert short(untold, "month", DEC) == set()


def test_what_rests_on_spend_is_what_the_metrics_are_made_of() -> None:
    kpis = PROJECT / "dbt" / "models" / "kpis"
    sql = {path.stem: path.read_text(encoding="utf-8") for path in kpis.glob("*/*.sql")}
    resting = {"fct_costs", "fct_spend_daily"}
    while True:
        words = re.compile(rf"spent_by_variant\(|ref\(\"({'|'.join(sorted(resting))})\"\)")
        more = {name for name, text in sql.items() if words.search(text)} - resting
        if not more:
            break
        resting |= more
    variants = {}
    for name in resting & sql.keys():
        [path] = kpis.glob(f"*/{name}.yml")
        [model] = yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
        variants[name] = model["config"]["meta"]["variants"]
    assert {(name, variant) for name, of in variants.items() for variant in of} == RESTS_ON.keys()
    assert NAMES.keys() == variants.keys()
    assert {name for name in variants if name.startswith("return_")} == TOO_HIGH
    lag = re.search(r"lag_months = (\d+)", sql["customer_acquisition_cost"])
    assert lag
    assert {LAGGED: int(lag[1])} == LAG_MONTHS


SPENT = [41_000.0, 40_000, 41_500, 40_500, 41_000, 40_200, 41_300, 40_700, 41_600, 15_750]


def test_a_fall_for_what_is_not_told_is_no_news(connection: duckdb.DuckDBPyConnection) -> None:
    first = starts(dt.date(2025, 3, 1), 10)
    figures: Figures = {
        **months("marketing_spend", SPENT, first=first[0]),
        **months("lead_conversion_rate", [0.1] * 10, "ratio", first=first[0]),
    }
    moment = dt.datetime(2026, 1, 1)
    [news] = most_changed(figures, moment)[1]
    assert news.startswith("Marketing spend 15,750 in Dec 2025, -62.1% on Nov 2025")
    untold = told(connection, marketing=first[:-1])
    assert most_changed(figures, moment, untold)[1] == []
    console = PlainConsole(width=100)
    with console.capture() as before:
        print_kpis(console, run_at(moment), figures)
    with console.capture() as after:
        print_kpis(console, run_at(moment), figures, untold)
    assert "15,750 50 -62.1%" in " ".join(before.get().split())
    assert "15,750* 50 –" in " ".join(after.get().split())
    assert "* What it rests on is not all told" in after.get()
    assert "*" not in before.get()


def test_nothing_is_said_of_what_has_no_value(connection: duckdb.DuckDBPyConnection) -> None:
    """Without a margin nobody knows when costs are earned back, whether they are told or not."""
    untold = told(connection, sales=starts(dt.date(2025, 1, 1), 11))
    figures: Figures = {
        ("cac_payback_months", "month", DEC): Figure(None, "months", 0, 5),
        ("mrr", "month", DEC): Figure(1.0, "money", 9, 0),
    }
    assert too_little(figures, untold, dt.datetime(2026, 1, 1), 1) == []


def test_the_default_company_tells_costs_when_a_month_has_ended() -> None:
    """Its last month rests on ad spend alone: no change is told, the numbers stay."""
    paths = CompanyPaths(default_company())
    company = load_company(DEFAULT)
    edition = published(paths)
    assert edition
    moment = company.local(edition.as_of)
    assert moment.date() == NEW_YEAR
    untold = published_untold(paths, moment)
    year_start = company.fiscal_year_start_month
    assert too_little(edition.figures, untold, moment, year_start) == [
        "Costs are told to November 2025: marketing spend, cost per lead, cost per new customer "
        "and the time in which that is earned back of Dec 2025 and Nov–Jan so far are too low."
    ]
    now, before = (edition.figures["marketing_spend", "month", it] for it in (DEC, NOV))
    assert now.value
    assert before.value
    assert now.value < before.value / 2
    news = " ".join(most_changed(edition.figures, moment, untold)[1])
    assert not re.search("Marketing spend|Cost per|Cost earned", news)
    assert not_told(figures_of_a_month(paths.marts), untold).split("\n\n") == [
        "Costs are told to November 2025: marketing spend, cost per lead, cost per new customer "
        "and the time in which that is earned back of December 2025 are too low.",
        "The lead conversion rate of a young month still grows: it is no fall.",
    ]
    with duckdb.connect(paths.marts, read_only=True) as marts:
        figures = read_figures(marts, NEW_YEAR)
    places = {
        grain: [it.start for it in of if it.start is not None]
        for grain, of in figures.periods.items()
    }
    for metric, variant in COSTLY & figures.metrics.keys():
        [found] = figures.metrics[metric, variant]["cautions"]
        assert found["said"] == "too low: costs are told to November 2025"
        assert not found["of_channels"]
        assert found["from"]["month"] == places["month"].index(DEC)
        assert found["from"]["quarter"] == places["quarter"].index(NOV)
    assert figures.metrics["return_on_ad_spend", "default"]["cautions"] == []
