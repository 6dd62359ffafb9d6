"""The summary's periods and changes."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from dagster_project.commands.summary.kpis import other_definitions
from dagster_project.commands.summary.people import talks
from dagster_project.numbers.findings import FINDINGS, findings, words
from dagster_project.numbers.headlines import (
    ADDITIVE,
    BLOCKS,
    HEADLINES,
    MATURING,
    Edition,
    Figure,
    Figures,
    Period,
    blocks,
    going_on,
    headline,
    headlines,
    latest_complete,
    published,
)
from ingestion.paths import PROJECT, CompanyPaths

JAN, FEB, MAR = (dt.date(2024, month, 1) for month in (1, 2, 3))
SALES, MARKETING, FINANCE = BLOCKS


def win_rates(*starts: dt.date, grain: str = "month", n: int = 5) -> Figures:
    return {("win_rate", grain, start): Figure(0.5, "ratio", n, 0) for start in starts}


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (dt.date(2024, 3, 15), FEB),
        (dt.date(2024, 3, 31), FEB),
        (dt.date(2024, 4, 1), MAR),
        (dt.date(2031, 7, 7), MAR),
        (dt.date(2024, 1, 31), None),
    ],
)
def test_the_latest_complete_month_with_deals(today: dt.date, expected: dt.date | None) -> None:
    found = latest_complete(win_rates(JAN, FEB, MAR), SALES.dated_by, "month", today)
    assert (found.start if found else None) == expected


def test_a_month_without_deals_is_passed_over() -> None:
    figures = {**win_rates(JAN), **win_rates(FEB, n=0)}
    assert latest_complete(figures, SALES.dated_by, "month", MAR) == Period("month", JAN)


def test_a_state_does_not_make_a_month_one_with_deals() -> None:
    figures = {**win_rates(JAN), ("pipeline_value", "month", FEB): Figure(1.0, "money", 9, 0)}
    assert latest_complete(figures, SALES.dated_by, "month", MAR) == Period("month", JAN)


def test_quarters_follow_the_fiscal_year() -> None:
    quarter = Period("quarter", dt.date(2023, 11, 1))
    assert quarter.end == dt.date(2024, 2, 1)
    assert quarter.previous == Period("quarter", dt.date(2023, 8, 1))
    assert quarter.label == "Nov 2023–Jan 2024"
    assert quarter.previous.label == "Aug–Oct 2023"
    assert Period("month", FEB).label == "Feb 2024"


@pytest.mark.parametrize(
    ("grain", "day", "year_start", "start", "label"),
    [
        ("month", dt.date(2024, 2, 29), 2, FEB, "Feb so far"),
        ("quarter", dt.date(2024, 1, 31), 2, dt.date(2023, 11, 1), "Nov–Jan so far"),
        ("quarter", dt.date(2024, 2, 1), 2, FEB, "Feb–Apr so far"),
        ("quarter", dt.date(2024, 12, 31), 1, dt.date(2024, 10, 1), "Oct–Dec so far"),
        ("quarter", dt.date(2024, 1, 1), 12, dt.date(2023, 12, 1), "Dec–Feb so far"),
    ],
)
def test_the_period_of_a_day_follows_the_fiscal_year(
    grain: str, day: dt.date, year_start: int, start: dt.date, label: str
) -> None:
    period = Period.of(grain, day, year_start)
    assert (period.start, period.label_so_far) == (start, label)


@pytest.mark.parametrize(
    ("moment", "data", "expected"),
    [
        # Its first microsecond makes a period one that goes on, its last one ends it.
        (dt.datetime(2024, 3, 1), (FEB,), None),
        (dt.datetime(2024, 3, 1, 0, 0, 0, 1), (FEB,), MAR),
        (dt.datetime(2024, 3, 15, 12), (FEB,), MAR),
        (dt.datetime(2024, 3, 31, 23, 59, 59, 999998), (FEB,), MAR),
        (dt.datetime(2024, 3, 31, 23, 59, 59, 999999), (FEB,), None),
        # Data that ended long ago is no slump; what has just come again is told.
        (dt.datetime(2024, 3, 15), (JAN,), None),
        (dt.datetime(2024, 3, 15), (JAN, MAR), MAR),
    ],
)
def test_the_period_that_goes_on_stands_beside_the_complete_one_before_it(
    moment: dt.datetime, data: tuple[dt.date, ...], expected: dt.date | None
) -> None:
    complete = Period("month", data[0])
    found = going_on(win_rates(*data), SALES, complete, moment, year_start=1)
    assert (found.start if found else None) == expected


def test_a_period_without_a_win_shows_0_where_wins_are_added_up_and_nothing_where_not() -> None:
    figures = {
        **win_rates(FEB),
        ("deals_won", "month", JAN): Figure(2.0, "deals", 2, 0),
        ("deals_won", "month", MAR): Figure(None, "deals", 0, 3),
    }
    assert headline(figures, "deals_won", "month", FEB) == Figure(0.0, "deals", 0, 0)
    assert headline(figures, "deals_won", "month", JAN) == Figure(2.0, "deals", 2, 0)
    assert headline(figures, "deals_won", "month", MAR) == Figure(None, "deals", 0, 3)
    assert headline(figures, "revenue_won", "all", None) == Figure(0.0, "money", 0, 0)
    assert headline(figures, "average_deal_size", "month", FEB) is None


def test_headlines_without_a_win_stay_and_those_of_quotas_go_where_there_are_none() -> None:
    shown = headlines(win_rates(FEB), SALES)
    assert {"revenue_won", "deals_won", "average_deal_size", "sales_velocity"} < shown.keys()
    assert "quota_attainment" not in shown
    with_quotas: Figures = {("quota_attainment", "month", JAN): Figure(1.0, "ratio", 1, 0)}
    assert "quota_attainment" in headlines(with_quotas, SALES)


def test_a_block_is_there_where_it_has_records_and_says_when_by_its_own() -> None:
    paid: Figures = {
        ("cash_collected", "month", FEB): Figure(7.0, "money", 1, 0),
        ("mrr", "month", MAR): Figure(0.0, "money", 0, 0),
    }
    spent: Figures = {("marketing_spend", "all", None): Figure(None, "money", 0, 3)}
    assert blocks({}) == [SALES]
    assert blocks(win_rates(JAN)) == [SALES]
    assert blocks({**spent, **paid}) == [MARKETING, FINANCE]
    assert headlines({**win_rates(JAN), **paid}, FINANCE) == {
        "mrr": "MRR",
        "cash_collected": "Cash collected",
    }
    figures = {**win_rates(JAN), **paid}
    april = dt.date(2024, 4, 1)
    assert latest_complete(figures, SALES.dated_by, "month", april) == Period("month", JAN)
    assert latest_complete(figures, FINANCE.dated_by, "month", april) == Period("month", FEB)
    assert headline(figures, "cash_collected", "month", JAN) == Figure(0.0, "money", 0, 0)


def test_definitions_that_have_changed_are_told_once(tmp_path: Path) -> None:
    def edition(name: str, **hashes: str) -> Edition:
        paths = CompanyPaths(tmp_path / name)
        paths.published.mkdir(parents=True)
        listed = ", ".join(f"('{metric}', '{hash_}')" for metric, hash_ in hashes.items())
        with duckdb.connect() as connection:
            connection.execute(
                f"""attach '{paths.marts}' as published;
                create schema published.marts;
                create table published.marts.kpi_values as
                select timestamp '2024-04-01' as as_of, 'deals_won' as metric, 'deals' as unit,
                    'all' as period_grain, null::date as period_start, 'company' as dimension,
                    'default' as variant, 2.0 as value, 2 as n_included, 0 as n_excluded;
                create table published.marts.kpi_definitions as
                select * from (values {listed}) as definitions (metric, definition_hash)"""
            )
        found = published(paths)
        assert found
        return found

    before = edition("before", deals_won="a", win_rate="b")
    after = edition("after", deals_won="a", win_rate="c", push_count="d")
    anew = edition("anew", deals_won="e", win_rate="f")
    changed = "Definitions have changed since the last publication: "
    assert other_definitions(before, after).startswith(f"{changed}win_rate. ")
    assert other_definitions(before, anew).startswith(f"{changed}all 2 metrics. ")
    assert other_definitions(after, after) == ""


def with_findings(folder: Path, rows: str) -> CompanyPaths:
    """The paths of a company whose published `mart_data_hygiene` has these rows, in SQL."""
    paths = CompanyPaths(folder)
    paths.published.mkdir()
    with duckdb.connect() as connection:
        connection.execute(
            f"""attach '{paths.marts}' as published;
            create schema published.marts;
            create table published.marts.mart_data_hygiene as
            select * from (values {rows}) as findings (
                rep_id, entity, rule, severity, fix_rank, failing, records, money_at_stake,
                failing_without_amount, money_kind, money_share, example_keys)"""
        )
    return paths


def test_what_is_in_no_period_is_told_with_its_share_of_what_was_won(tmp_path: Path) -> None:
    paths = with_findings(
        tmp_path,
        """
        ('all', 'opportunities', 'no_close_date', 'high', 3, 12, 40, 2800, 0, 'won', 0.28, 'd1'),
        ('all', 'opportunities', 'a_new_finding', 'high', 2, 1, 40, 5000, 0, 'won', 0.5, 'd2'),
        ('all', 'opportunities', 'close_date_past', 'low', 1, 9, 40, 9000, 0, 'open', 0.9, 'd3'),
        ('all', 'accounts', 'data_after_as_of', 'high', 4, 2, 40, null, 2, 'open', null, 'd4'),
        ('all', 'opportunities', 'closed_in_future', 'high', null, 0, 40, 0, 0, 'won', 0, null),
        ('ann', 'opportunities', 'no_close_date', 'high', 1, 12, 40, 2800, 0, 'won', 0.28, 'd1')
        """,
    )
    assert findings(paths) == [
        "9 of 40 opportunities open past their close date, so due in no period, with 9,000 or 90% "
        "of the open amount (close_date_past, such as d3)",
        "1 of 40 opportunities a new finding, with 5,000 or 50% of the won amount "
        "(a_new_finding, such as d2)",
        "12 of 40 opportunities closed without any date, so are in no period, or in that in which "
        "they were first seen closed, with 2,800 or 28% of the won amount "
        "(no_close_date, such as d1)",
    ]


def test_every_rule_that_may_be_shown_has_words() -> None:
    sql = (PROJECT / "dbt/macros/hygiene.sql").read_text(encoding="utf-8")
    lists = re.findall(r"(?:of_\w+ = |\"rules\": (?:\w+ \+ )?)\[(.*?)\]", sql, re.DOTALL)
    rules = {rule for names in lists for rule in re.findall(r"\"(\w+)\"", names)}
    assert {"no_close_date", "amount_missing", "about_nothing"} <= rules
    assert rules == FINDINGS.keys()


def test_the_headlines_are_those_of_the_mart() -> None:
    sql = (PROJECT / "dbt/macros/headlines.sql").read_text(encoding="utf-8")
    listed = re.findall(r"\[(.*?)\]", sql, re.DOTALL)[0]
    assert re.findall(r"\"(\w+)\"", listed) == list(HEADLINES)


def test_what_is_known_of_headlines_is_what_the_metrics_say() -> None:
    kpis = PROJECT / "dbt" / "models" / "kpis"
    meta = {path.stem: _meta(path) for path in kpis.glob("*/*.yml") if path.stem in HEADLINES}
    assert meta.keys() == HEADLINES.keys()

    def said(name: str, key: str) -> Any:
        default = meta[name]["variants"]["default"]
        return {**meta[name], **(default if isinstance(default, dict) else {})}.get(key)

    assert {
        name: said(name, "unit")
        for name in HEADLINES
        if said(name, "kind") == "sum" and not said(name, "state")
    } == ADDITIVE
    assert {name for name in HEADLINES if said(name, "matures")} == MATURING


def _meta(path: Path) -> dict[str, Any]:
    [model] = yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
    found: dict[str, Any] = model["config"]["meta"]
    return found


def test_a_reference_to_anything_unknown_has_words() -> None:
    assert words("owner_unknown") == "with an owner whom no source knows"
    assert words("sales_team_unknown") == "with a sales team that no source knows"
    assert words("account_unknown") == "with an account that no source knows"


def test_what_an_entity_has_of_all_rules_is_no_finding_of_its_own(tmp_path: Path) -> None:
    paths = with_findings(
        tmp_path,
        """
        ('all', 'customers', 'account_unmatched', 'low', 1, 2, 5, 1020, 0, 'invoiced', 0.28, 'c3'),
        ('all', 'customers', 'all', 'all', null, 2, 5, 1020, 0, 'all', null, null),
        ('all', 'all', 'all', 'all', null, 2, 5, 1020, 0, 'all', null, null)
        """,
    )
    assert findings(paths) == [
        "2 of 5 customers that are matched to no account, so are in no segment, region or channel, "
        "and new beside their accounts' won deals, with 1,020 or 28% of the invoiced amount "
        "(account_unmatched, such as c3)",
    ]


def with_talks(root: Path, *rows: str) -> CompanyPaths:
    """A company whose file of people has one-on-ones: month, rep, kind and metric."""
    paths = CompanyPaths(root)
    paths.published.mkdir()
    with duckdb.connect(paths.people) as connection:
        connection.execute(
            "create schema marts; create table marts.mart_one_on_one "
            "(month_start date, rep_id text, rep_name text, kind text, metric text)"
        )
        for row in rows:
            month, rep, kind, metric = row.split()
            connection.execute(
                "insert into marts.mart_one_on_one values (?, ?, ?, ?, ?)",
                [month, rep, f"Ann {rep}", kind, metric],
            )
    return paths


def test_the_talks_of_the_month_are_counted_and_nobody_is_named(tmp_path: Path) -> None:
    paths = with_talks(
        tmp_path,
        "2024-02-01 a discuss win_rate",
        "2024-02-01 a discuss activities",
        "2024-02-01 b discuss win_rate",
        "2024-02-01 b celebrate deals_won",
        "2024-01-01 c discuss slippage_rate",
    )
    told = talks(paths)
    assert told == [
        "One-on-ones of Feb 2024: something to discuss with 2 people, to celebrate with 1 person",
        "  most often about win_rate (2), activities (1)",
        "  who, and about what: mart_one_on_one in people.duckdb",
    ]
    assert "Ann" not in "".join(told)


def test_where_there_are_no_talks_nothing_is_said(tmp_path: Path) -> None:
    assert talks(CompanyPaths(tmp_path)) == []
    assert talks(with_talks(tmp_path)) == []
