"""`make metrics`: what it prints, and what it refuses as it would mislead."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from dagster_project.cli import main
from dagster_project.commands.metrics import (
    MetricsError,
    Question,
    SemanticLayer,
    refuse_misleading,
)
from dagster_project.run.dbt_runner import Dbt
from ingestion.company.reading import load_company
from tests.conftest import Publish
from tests.kpis.companies import TEST_COMPANIES, Published

Ask = Callable[[str], int]
COMPANY = TEST_COMPANIES["edge_cases"].file


@pytest.fixture
def company(published: Publish) -> Published:
    return published("edge_cases")


@pytest.fixture
def ask(company: Published, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Asks the published company of edge cases; gives the exit status."""
    monkeypatch.setenv("SALESOPS_DATA", str(company.folder.parent))

    def asked(question: str) -> int:
        return main(["metrics", "--company", str(COMPANY), f"--question={question}"])

    return asked


def test_an_answer_is_a_table(ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask("--metrics deals_won --group-by metric_time__fiscal_year --decimals 0") == 0
    heading, *rows = capsys.readouterr().out.splitlines()
    assert heading.split() == ["metric_time__fiscal_year", "deals_won"]
    assert [row.split()[0] for row in rows[:2]] == ["2025-02-01", "2026-02-01"]


def test_an_answer_as_csv_is_exact(
    ask: Ask, company: Published, capsys: pytest.CaptureFixture[str]
) -> None:
    question = "--metrics revenue_won --group-by member__team --order-by -revenue_won --format csv"
    assert ask(question) == 0
    heading, *rows = csv.reader(io.StringIO(capsys.readouterr().out))
    assert heading == ["member__team", "revenue_won"]
    found = {team: float(value) for team, value in rows if value}
    assert found == {
        team: company.kpi("revenue_won", dimension="team", dimension_key=team) for team in found
    }
    assert list(found.values()) == sorted(found.values(), reverse=True)


def test_the_sql_is_shown_and_reads_what_is_published_only(
    ask: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ask("--metrics win_rate --group-by deal__account__industry --format sql") == 0
    sql = capsys.readouterr().out
    assert {word for word in sql.split() if "." in word and word.startswith("marts")} == {
        'marts."kpi_members"',
        'marts."fct_opportunities"',
        'marts."dim_account"',
    }


def test_without_a_question_there_is_the_list(ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask("") == 0
    listed = capsys.readouterr().out
    assert "  win_rate_by_value  " in listed
    assert "kpi_numerator" not in listed, "a part of metrics is none by itself"


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("--metrics winrate", "winrate: the semantic layer has no such metric (did you mean win_r"),
        (
            "--metrics slippage_rate",
            "make explain METRIC=slippage_rate shows what kpi_values alone",
        ),
        ("--metrics kpi_numerator", "kpi_numerator: the semantic layer has no such metric"),
        ("--metrics win_rate --group-by team", "like it are"),
        (
            "--metrics win_rate --where \"{{ Dimension('deal__reason') }} = 'x'\"",
            "a filter: there is nothing of this name to group, filter or order by; like it",
        ),
        ("--metrics win_rate --group-by member__channel", "win_rate is not cut by channel"),
        (
            "--metrics win_rate,mrr --where \"{{ Dimension('member__team') }} = 'Japan'\"",
            "mrr is not cut by team",
        ),
        ("--metrics mrr --group-by deal__loss_reason", "as its records have no deal"),
        (
            "--metrics mrr --where \"{{ Dimension('member__segment') }} = 'x'\"",
            "mrr is a state: with --where, a longer period would show",
        ),
        ("--metrics win_rate --where 'no_column = 1'", 'Referenced column "no_column" not found'),
        ("--metrics win_rate --where \"{{ Nothing('x') }}\"", "MetricFlow: 'Nothing' is undefined"),
        ("--metrics win_rate --where 'open", "No closing quotation"),
        ("--metrics", "--metrics: expected one argument"),
        ("--of win_rate", "unrecognized arguments: --of=win_rate"),
        ("--metrics win_rate --start-time yesterday", "--start-time: invalid"),
    ],
)
def test_what_it_cannot_answer_is_told(
    ask: Ask, capsys: pytest.CaptureFixture[str], question: str, told: str
) -> None:
    assert ask(question) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert told in printed.err
    assert "Traceback" not in printed.err


def test_nothing_published_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path))
    question = "--question=--metrics win_rate"
    assert main(["metrics", "--company", str(COMPANY), question]) == 2
    assert "nothing has been published yet" in capsys.readouterr().err


@pytest.fixture
def gap() -> duckdb.DuckDBPyConnection:
    """A pipeline that was empty when March ended, and a month with revenue of nothing."""
    connection = duckdb.connect()
    connection.execute(
        """
        create schema marts;
        create table marts.kpi_members as
        select * from (values
            ('pipeline_value', 'default', 'k', date '2026-02-01'),
            ('mrr', 'default', null, date '2026-03-01')
        ) as members (metric, variant, opportunity_key, period_on);
        create table marts.kpi_values as
        select * from (values
            ('pipeline_value', 'default', 'month', date '2026-02-01', 'company', 1, 0),
            ('pipeline_value', 'default', 'month', date '2026-03-01', 'company', 0, 0),
            ('mrr', 'default', 'month', date '2026-03-01', 'company', 0, 0)
        ) as cells (
            metric, variant, period_grain, period_start, dimension, n_included, n_excluded
        );
        """
    )
    return connection


def test_a_state_of_a_period_that_ends_empty_is_refused(gap: duckdb.DuckDBPyConnection) -> None:
    """MetricFlow would take February's for the quarter's; that of MRR has a row that says 0."""
    layer = SemanticLayer(Dbt.of(load_company(COMPANY)).semantics())
    by_quarter = Question.of("--metrics pipeline_value --group-by metric_time__fiscal_quarter")
    with pytest.raises(MetricsError, match="nothing when these months ended: 2026-03"):
        refuse_misleading(gap, layer, by_quarter)
    by_month = "--metrics pipeline_value --group-by metric_time__month"
    refuse_misleading(gap, layer, Question.of(by_month))
    filtered = f"{by_month} --where \"{{{{ Dimension('member__team') }}}} = 'x'\""
    refuse_misleading(gap, layer, Question.of(filtered))
    refuse_misleading(gap, layer, Question.of("--metrics mrr"))
