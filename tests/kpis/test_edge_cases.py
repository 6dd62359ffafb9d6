"""Named edge cases, worked by hand: what the README beside the company says of them."""

from __future__ import annotations

import pytest

from dagster_project.numbers.findings import FINDINGS, findings
from ingestion.paths import CompanyPaths
from tests.conftest import Publish
from tests.kpis.companies import Published


@pytest.fixture
def company(published: Publish) -> Published:
    return published("edge_cases")


def deal(company: Published, name: str) -> dict[str, object]:
    """A deal's row of fct_opportunities."""
    rows = company.marts("select * from marts.fct_opportunities where opportunity_id = ?", [name])
    assert len(rows) == 1
    return rows.iloc[0].to_dict()


def of_rep(rep: str) -> dict[str, str]:
    return {"dimension": "rep", "dimension_key": rep}


@pytest.mark.parametrize(
    ("name", "status", "closed_on"),
    [
        ("reopened_then_won", "won", "2025-06-10"),
        ("same_second_changes", "won", "2025-05-09"),
        ("history_ends_early", "lost", "2025-08-27"),
        ("closed_at_midnight_in_tokyo", "won", "2026-02-01"),
        ("closed_a_second_before_midnight", "won", "2026-01-31"),
        ("closed_monday_morning_sunday_in_utc", "won", "2025-12-01"),
        ("lost_by_close_date_only", "lost", "2025-12-12"),
        ("no_decision_reopened", "open", "NaT"),
        ("won_after_now", "open", "NaT"),
        ("won_without_date", "won", "NaT"),
    ],
)
def test_status_and_closing_day(company: Published, name: str, status: str, closed_on: str) -> None:
    row = deal(company, name)
    assert (row["status"], str(row["closed_on"])[:10]) == (status, closed_on)


def test_what_was_taken_away_is_missing_until_it_is_set_again(company: Published) -> None:
    rows = company.warehouse(
        "select at_end.month_start, at_end.rep, at_end.amount_native, at_end.close_date "
        "from intermediate.int_pipeline_at_month_end as at_end "
        "inner join marts.fct_opportunities using (opportunity_key) "
        "where opportunity_id = 'regressed' order by month_start"
    )
    assert [str(month)[:7] for month in rows["month_start"]] == ["2025-04", "2025-05", "2025-06"]
    assert list(rows["rep"]) == ["(none)", "aiko", "aiko"]
    assert list(rows["amount_native"].fillna(0).astype(int)) == [21000, 0, 21000]
    assert list(rows["close_date"].isna()) == [True, False, False]


@pytest.mark.parametrize(
    ("name", "days"),
    [("zero_cycle", 0), ("bare_dates", 32), ("won_before_contact", -4 - 23 / 24)],
)
def test_days_from_contact_to_close(company: Published, name: str, days: float) -> None:
    assert float(deal(company, name)["days_from_contact_to_close"]) == pytest.approx(days, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "rep"),
    [
        ("owner_left_while_open", "chloe"),
        ("owner_changed_after_close", "felix"),
        ("owner_left_still_owner", "felix"),
    ],
)
def test_credit(company: Published, name: str, rep: str) -> None:
    assert deal(company, name)["rep_id"] == rep


@pytest.mark.parametrize(
    ("name", "amount"),
    [
        ("amount_changed_on_closing_day", 27500),
        ("won_for_nothing", 0),
        ("currency_missing", 9900),
        ("won_on_a_sunday_in_euros", 17500 * 1.1302),
        ("closed_monday_morning_sunday_in_utc", 2_400_000 / 155.34),
    ],
)
def test_amount_in_the_companys_currency(company: Published, name: str, amount: float) -> None:
    assert float(deal(company, name)["amount"]) == pytest.approx(amount, abs=0.005)


def test_a_deal_that_does_not_exist_yet_is_nowhere(company: Published) -> None:
    rows = company.marts(
        "select * from marts.fct_opportunities where opportunity_id = 'created_after_now'"
    )
    assert rows.empty


def test_a_midnight_in_tokyo_parts_fiscal_years(company: Published) -> None:
    january = {"period_grain": "month", "period_start": "2026-01-01"}
    assert company.kpi("deals_won", **january) == 2
    february = {"period_grain": "month", "period_start": "2026-02-01"}
    assert company.kpi("deals_won", **february) == 3


def test_wins_without_losses_are_a_win_rate_of_one(company: Published) -> None:
    assert company.kpi("win_rate", **of_rep("wendy")) == 1
    assert company.kpi("win_rate", "decided", **of_rep("wendy")) == 1


def test_a_deal_without_owner_is_not_dropped(company: Published) -> None:
    assert company.kpi("deals_lost", **of_rep("(none)")) == 1
    assert company.kpi("win_rate", **of_rep("(none)")) == 0


def test_two_contacts_do_not_double_a_deal(company: Published) -> None:
    product = {"period_grain": "month", "period_start": "2025-09-01"} | of_rep("aiko")
    assert company.kpi("deals_won", **product) == 1
    assert company.kpi("revenue_won", **product) == 28000


def test_what_was_created_is_what_the_bridge_saw_come_in(published: Publish) -> None:
    """Month by month; deals of which nobody knows since when they are open come in now."""
    months = published("edge_cases").marts(
        "select bridge.created, coalesce(kpis.value, 0) as as_created "
        "from marts.fct_pipeline_bridge as bridge left join marts.kpi_values as kpis "
        "on kpis.metric = 'pipeline_created' and kpis.variant = 'as_created' "
        "and kpis.period_grain = 'month' and kpis.dimension = 'company' "
        "and kpis.period_start = bridge.period_start "
        "where bridge.scope = 'open' and bridge.period_grain = 'month' "
        "and bridge.dimension = 'company' and bridge.basis = 'reporting' "
        "and bridge.period_start < date '2026-05-01'"
    )
    assert len(months) > 12
    assert months["created"].sum() > 0
    assert (months["created"].astype(float) - months["as_created"]).abs().max() < 0.005


def test_every_finding_that_puts_money_in_doubt_is_told_in_words(company: Published) -> None:
    rules = company.marts(
        "select distinct rule from marts.mart_data_hygiene "
        "where rep_id = 'all' and severity = 'high' and money_at_stake > 0"
    )["rule"]
    assert {"created_at_missing", "no_close_date"} <= set(rules) <= set(FINDINGS)
    told = findings(CompanyPaths(company.folder))
    assert told[0].startswith(
        "1 of 55 opportunities closed on a date that their history contradicts"
    )


def test_a_lead_follows_its_merged_deal_and_not_a_deleted_one(published: Publish) -> None:
    """Worked in the README: the merged deal lives on in one that was won."""
    won = published("edge_cases").warehouse(
        "select entity_id, numerator from intermediate.lead_conversion_rate "
        "where variant = 'default' "
        "and entity_id in ('lead_of_merged_deal', 'lead_of_deleted_deal')"
    )
    assert dict(zip(won["entity_id"], won["numerator"], strict=True)) == {
        "lead_of_merged_deal": 1,
        "lead_of_deleted_deal": 0,
    }


def test_what_lies_after_now_is_found_and_in_no_figure(company: Published) -> None:
    """`a29` is a call; of the deals one is told of later, one was created later."""
    found = company.marts(
        "select entity, failing, money_at_stake, failing_without_amount, example_keys "
        "from marts.mart_data_hygiene where rule = 'data_after_as_of' and rep_id = 'all'"
    ).set_index("entity")
    assert found["failing"].to_dict() == {
        "opportunities": 2, "leads": 1, "accounts": 0, "contacts": 0, "activities": 1,
        "spend_daily": 1, "customers": 0, "subscriptions": 0, "invoices": 1, "payments": 1,
        "credit_notes": 1,
    }  # fmt: skip
    assert found.loc["opportunities", "example_keys"] == "created_after_now, won_after_now"
    assert found.loc["opportunities", "failing_without_amount"] == 1
    assert found.loc["opportunities", "money_at_stake"] == deal(company, "won_after_now")["amount"]
