"""A published month restated: a late deal, a corrected amount, and what has happened since."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from dagster_project.commands.explain.command import explain
from dagster_project.numbers.cell import Asked
from dagster_project.publishing.ledger import keep_ledger
from dagster_project.run.dbt_runner import Dbt, run_values
from dagster_project.run.opening import open_run
from ingestion.company.reading import load_company
from tests.conftest import Publish
from tests.kpis.companies import Published, publish
from tests.store import made_once
from tests.thorough import thorough

KPIS = "select * exclude (run_id) from marts.kpi_values order by all"
OCTOBER = "2025-10-01"
CAUSES = ["late_facts", "corrections", "definition_change", "later_events"]
LATE_DEAL = (
    "late_deal,Osaka Tools: told late,osaka,ben,New business,Won,5000,USD,2025-08-20 10:00:00,,"
    "2025-10-20,2025-10-20 15:00:00,new,outbound,Robot arm,,,,,,,,false\n"
)
CORRECTED = ("bare_dates", "Won,8000,USD,2025-09-08", "Won,9500,USD,2025-09-08")
LATE_WEEK, CORRECTED_WEEK = ("week", "2025-10-20"), ("week", "2025-10-06")
SINCE = ("2026-05-20 18:00:00", "2026-05-26 18:00:00")
"""Between the two moments the deal `won_after_now`, created in March 2026, was won."""


@pytest.fixture(scope="module")
def first(published: Publish) -> tuple[str, pd.DataFrame]:
    """The run and the KPIs of the first publication."""
    edge_cases = published("edge_cases")
    [run_id] = edge_cases.marts("select run_id from marts.publication")["run_id"]
    return run_id, edge_cases.marts(KPIS)


@pytest.fixture(scope="module")
def restated(
    published: Publish, first: tuple[str, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory
) -> Published:
    """What is published six days later, with a late deal and a corrected one."""

    def make(folder: Path) -> None:
        restate(published("edge_cases").with_own_files(folder))

    run_id, _ = first
    made = made_once("restated", make, run_id, Path(__file__))
    restated = Published(made / "company" / "company.yml", made / "data" / "edge_cases")
    return restated.with_own_files(tmp_path_factory.mktemp("restated"))


def restate(restated: Published) -> None:
    """Publish a late deal and a corrected one, six days later."""
    company = restated.company
    exports = company.parent / "exports" / "opportunities.csv"
    text = exports.read_text(encoding="utf-8")
    _, old, new = CORRECTED
    assert text.count(old) == 1
    exports.write_text(text.rstrip("\n").replace(old, new) + "\n" + LATE_DEAL, encoding="utf-8")
    settings = company.read_text(encoding="utf-8")
    assert settings.count(SINCE[0]) == 1
    company.write_text(settings.replace(*SINCE), encoding="utf-8")
    publish(company, restated.folder.parent)


def restatement(published: Published, metric: str, variant: str = "default", **where: str) -> dict:
    """A row of the mart, of the company in October unless said otherwise."""
    where = {
        "period_grain": "month",
        "period_start": OCTOBER,
        "dimension": "company",
        "dimension_key": "all",
    } | where
    conditions = "".join(f" and cast({column} as varchar) = ?" for column in where)
    rows = published.marts(
        f"select * from marts.mart_restatements where metric = ? and variant = ?{conditions}",
        [metric, variant, *where.values()],
    )
    [row] = rows.to_dict("records")
    return row


def number(kpis: pd.DataFrame, metric: str, column: str, period_start: str = OCTOBER) -> Decimal:
    """A number of the first publication: of the company, in a month, by the default variant."""
    [found] = kpis.loc[
        (kpis["metric"] == metric)
        & (kpis["variant"] == "default")
        & (kpis["period_grain"] == "month")
        & (pd.to_datetime(kpis["period_start"]) == period_start)
        & (kpis["dimension"] == "company"),
        column,
    ]
    return Decimal(str(found))


def assert_parts(row: dict, first: Decimal, **parts: Decimal | int) -> None:
    """First number, each cause (0 unless given), and the number now, to nine decimals."""
    wanted = {cause: Decimal(parts.get(cause, 0)) for cause in CAUSES}
    now = first + sum(wanted.values())
    found = {name: row[name] for name in ("first_value", *CAUSES, "difference", "value")}
    expected = {"first_value": first, **wanted, "difference": now - first, "value": now}
    assert found == pytest.approx({name: float(x) for name, x in expected.items()}, abs=1e-9)


def test_money_is_told_apart_by_cause(first: tuple[str, pd.DataFrame], restated: Published) -> None:
    run_id, kpis = first
    row = restatement(restated, "revenue_won")
    assert_parts(row, number(kpis, "revenue_won", "value"), late_facts=5000, corrections=1500)
    assert row["first_run_id"] == run_id
    of_ben = restatement(restated, "revenue_won", dimension="rep", dimension_key="ben")
    assert (of_ben["late_facts"], of_ben["corrections"]) == (5000, 1500)
    for grain, start in (("quarter", "2025-08-01"), ("year", "2025-02-01")):
        row = restatement(restated, "revenue_won", period_grain=grain, period_start=start)
        assert (row["late_facts"], row["corrections"], row["difference"]) == (5000, 1500, 6500)


def test_a_receipt_says_why_a_number_was_restated(
    first: tuple[str, pd.DataFrame],
    restated: Published,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SALESOPS_DATA", str(restated.folder.parent))
    asked = Asked("revenue_won", period=OCTOBER[:7])
    assert explain(load_company(restated.company), asked, shown=None, as_csv=False)
    records, _, told = capsys.readouterr().out.partition("Published before\n")
    assert " late_deal " in records
    run_id, kpis = first
    value = f"{number(kpis, 'revenue_won', 'value'):,.2f}".rstrip("0").rstrip(".")
    assert f"by run {run_id}, the first since the period's end:\n  {value} of " in told
    causes = "late_facts 5,000 corrections 1,500 definition_change 0 later_events 0 now"
    assert causes in " ".join(told.split())


def test_shares_and_means_are_told_apart_by_cause(
    first: tuple[str, pd.DataFrame], restated: Published
) -> None:
    _, kpis = first
    won, closed = (number(kpis, "win_rate", name) for name in ("numerator", "denominator"))
    assert_parts(
        restatement(restated, "win_rate"),
        won / closed,
        late_facts=(won + 1) / (closed + 1) - won / closed,
    )
    money, deals = (number(kpis, "average_deal_size", x) for x in ("numerator", "denominator"))
    assert_parts(
        restatement(restated, "average_deal_size"),
        money / deals,
        late_facts=(money + 5000) / (deals + 1) - money / deals,
        corrections=Decimal(1500) / (deals + 1),
    )


def test_a_deal_won_since_is_neither_late_nor_a_correction(restated: Published) -> None:
    row = restatement(restated, "win_rate", "cohort", period_start="2026-03-01")
    deals = restated.marts(
        """select count(*) as n from marts.fct_opportunities
        where date_trunc('month', created_on) = '2026-03-01' and removal is null"""
    )["n"].iloc[0]
    assert row["later_events"] == pytest.approx(1 / deals)
    assert (row["late_facts"], row["corrections"], row["definition_change"]) == (0, 0, 0)


def test_nothing_else_is_restated(restated: Published) -> None:
    found = restated.marts(
        """select distinct metric, period_grain, cast(period_start as varchar) as period_start
        from marts.mart_restatements
        where metric in ('deals_won', 'deals_lost', 'revenue_won') and difference <> 0"""
    )
    periods = {("month", OCTOBER), ("quarter", "2025-08-01"), ("year", "2025-02-01"), LATE_WEEK}
    assert set(found.itertuples(index=False, name=None)) == {
        *((metric, *period) for metric in ("deals_won", "revenue_won") for period in periods),
        ("revenue_won", *CORRECTED_WEEK),
    }
    changed = restated.marts("select * from marts.mart_restatements where definition_change <> 0")
    assert changed.empty


def test_a_changed_row_is_one_new_version(restated: Published) -> None:
    versions = restated.warehouse(
        """select source_id, count(*) as versions, count(distinct _dlt_load_id) as loads
        from raw_files.opportunities group by source_id"""
    ).set_index("source_id")
    corrected, *_ = CORRECTED
    assert versions.loc[corrected].to_list() == [2, 2]
    assert (versions["versions"].drop(corrected) == 1).all()


@thorough
def test_what_was_known_then_gives_what_was_published_then(
    first: tuple[str, pd.DataFrame], restated: Published
) -> None:
    run_id, kpis = first
    publications = restated.warehouse("select * from history.publications").set_index("run_id")
    known_at = publications.loc[run_id, "known_at"].isoformat()
    moments = ("--as-of", SINCE[0], "--known-at", f"{known_at}Z")

    def make(folder: Path) -> None:
        copy = restated.with_own_files(folder)
        publish(copy.company, copy.folder.parent, *moments)

    [of_now] = restated.marts("select run_id from marts.publication")["run_id"]
    made = made_once("known_then", make, of_now, known_at, Path(__file__))
    looked_back = replace(restated, folder=made / "data" / "edge_cases")
    [past] = (looked_back.folder / "as_of").iterdir()
    pd.testing.assert_frame_equal(looked_back.as_of(past.name).marts(KPIS), kpis, rtol=1e-12)
    assert looked_back.kpi("revenue_won") == restated.kpi("revenue_won")


def test_a_step_that_is_tried_again_enters_nothing_twice(
    restated: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = restated.with_own_files(tmp_path)
    monkeypatch.setenv("SALESOPS_DATA", str(copy.folder.parent))
    settings = load_company(copy.company)
    with open_run(settings, "tried again") as run:
        manifest = Dbt.of(settings).manifest()
        entered, again = keep_ledger(run, manifest), keep_ledger(run, manifest)
    assert all(entered.values())
    assert not any(again.values())


def build_restatements(company: Path, run_id: str) -> None:
    """What a run does for the mart, up to its build; nothing is published."""
    settings = load_company(company)
    dbt = Dbt.of(settings)
    with open_run(settings, run_id) as run:
        keep_ledger(run, dbt.manifest())
        dbt.build(
            run_values(run.as_of, run.known_at, run_id, run.company.own_as_of),
            ["--select", "mart_restatements", "restatements_add_up"],
            lambda result: None,
        )


@thorough
def test_later_runs_tell_the_same_whether_they_publish_or_not(
    restated: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALESOPS_DATA", str(restated.folder.parent))
    sql = "select * exclude (run_id) from marts.mart_restatements order by all"
    published = restated.marts(sql)
    for run_id in ("never_published", "next"):
        build_restatements(restated.company, run_id)
        pd.testing.assert_frame_equal(restated.warehouse(sql), published)
    entered = restated.warehouse("select run_id from history.publications")
    assert len(entered) == entered["run_id"].nunique() == 2
