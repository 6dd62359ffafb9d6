"""What the summary tells of deals and customers since the last publication."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import duckdb
import pytest

from dagster_project.commands.console import PlainConsole
from dagster_project.commands.summary.changes import print_changes
from ingestion.company.reading import load_company
from ingestion.paths import PROJECT, CompanyPaths

WEEK, YESTERDAY = dt.datetime(2024, 3, 7, 15), dt.datetime(2024, 3, 13, 15)


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """A run that published changes of deals since yesterday, of customers since last week.

    The month began when the week did: the changes of both are the same.
    """
    paths = CompanyPaths(tmp_path)
    paths.published.mkdir()
    with duckdb.connect() as connection:
        connection.execute(
            f"""attach '{paths.marts}' as published;
            create schema published.marts;
            use published.marts;
            create table windows as
            select * from (values
                ('yesterday', timestamp '2024-03-13 15:00'),
                ('last_week', timestamp '2024-03-07 15:00'),
                ('month_start', timestamp '2024-03-07 15:00')
            ) as windows (since, since_at);
            create table mart_pipeline_changes as
            select *, 'Robots' as opportunity_name, 'd1' as opportunity_id, 'Ann' as rep_name,
                'k1' as opportunity_key, 'won' as movement, 'Proposal' as old_value,
                'Won' as new_value, -700 as pipeline_effect, 1 as money_rank
            from windows where since = 'yesterday';
            create table mart_customer_changes as
            select windows.*, changes.*
            from windows cross join (values
                ('k1', 'c1', 'Acme', 'churned', 500, 0, -500, null, 2),
                ('k2', 'c2', null, 'churned', 10, 0, -10, null, 3),
                ('k3', null, null, 'expanded', 50, 60, 10, null, 4),
                ('k4', 'c4', 'Bolt', 'fell_due', null, null, null, 900, 1),
                ('k5', 'c5', 'Cord', 'new_customer', null, null, null, null, 5)
            ) as changes (customer_key, customer_id, customer_name, movement, mrr_before, mrr,
                mrr_effect, receivable, money_rank)
            where since <> 'yesterday'"""
        )
    company = load_company(PROJECT / "tests" / "companies" / "edge_cases" / "company.yml")
    return cast("Any", SimpleNamespace(paths=paths, company=company))


def told(run: Any, moment: dt.datetime, capsys: pytest.CaptureFixture[str]) -> list[str]:
    print_changes(PlainConsole(width=120), run, moment)
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines() if line.strip()]


def test_a_week_tells_who_is_new_churned_expanded_and_overdue(
    run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(run, WEEK, capsys) == [
        "customers since 2024-03-08 00:00 customers MRR overdue",
        "churned 2 -510 –",
        "expanded 1 +10 –",
        "fell due 1 – 900",
        "new customer 1 – –",
        "Acme: churned, MRR 500 → 0, -500",
        "c2: churned, MRR 10 → 0, -10",
        "k3: expanded, MRR 50 → 60, +10",
        "Every change, customer by customer: mart_customer_changes",
    ]


def test_a_day_on_which_nothing_happened_to_customers_does_not_tell_of_their_week(
    run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(run, YESTERDAY, capsys) == [
        "deals since 2024-03-14 00:00 deals open pipeline",
        "won 1 -700",
        "Robots (Ann): won, Proposal → Won, -700",
        "Every change, deal by deal: mart_pipeline_changes",
    ]
