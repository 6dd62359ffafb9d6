"""What is wrong with the marketing and finance of Edge Cases is found by name, and nothing else."""

from __future__ import annotations

import pytest

from tests.conftest import Publish
from tests.kpis.companies import Published

FOUND = {
    "campaign": {
        "platform_missing": {"fair_tokyo", "never_used", "webinar", "without_platform"},
    },
    "spend": {"campaign_missing": {"bing_ads/jp/(none) 2025-04-10"}},
    "customer": {
        "account_unmatched": {
            "customer_without_account",
            "of_two_accounts_alike",
            "with_a_free_mail_address",
        },
        "match_ambiguous": {"of_two_accounts_alike"},
    },
    "subscription": {
        "status_unknown": {"unknown_status"},
        "ended_at_missing": {"ended_without_date"},
        "not_invoiced": {
            "free_then_paid_2",
            "second_customer_of_an_account",
            "sub_paused_then_back_2",
            "up_and_down_3",
        },
    },
    "invoice": {
        "due_at_missing": {"never_due_said", "of_unknown_word"},
        "line_negative": {"inv_4_credited"},
        "overpaid": {"overpaid"},
        "data_after_as_of": {"issued_after_now"},
    },
    "payment": {
        "invoice_missing": {"payment_without_invoice"},
        "invoice_does_not_count": {"of_a_void_invoice"},
        "currency_differs": {"in_another_currency"},
        "data_after_as_of": {"payment_after_now"},
    },
    "credit_note": {
        "invoice_missing": {"without_invoice"},
        "data_after_as_of": {"credit_after_now"},
    },
}
"""By entity and rule, the records that break it."""
WITHOUT_IDS = {("spend", "data_after_as_of"): 1}
"""Of records without ids of their own, how many."""


@pytest.fixture(scope="module")
def company(published: Publish) -> Published:
    return published("edge_cases")


@pytest.mark.parametrize("entity", FOUND)
def test_what_is_wrong_is_found_and_nothing_else(company: Published, entity: str) -> None:
    table = company.marts(f"select * from marts.fct_{entity}_hygiene")
    rules = table.select_dtypes(["bool", "boolean", "object"]).columns.difference(
        ["source_instance", "source_id"]
    )
    broken = {rule: set(table["source_id"][table[rule].eq(True)]) for rule in rules}
    found = {rule: ids for rule, ids in broken.items() if ids}
    for (of, rule), count in WITHOUT_IDS.items():
        if of == entity:
            assert len(found.pop(rule)) == count
    assert found == FOUND[entity]


def test_costs_that_name_no_team_or_one_of_nobody_are_found(company: Published) -> None:
    """Tools and other costs without a team; an agency of the Skunkworks, who are nobody known."""
    found = company.marts(
        "select rule, failing, severity, money_kind from marts.mart_data_hygiene "
        "where entity = 'costs' and rule <> 'all' order by rule"
    )
    assert list(found.itertuples(index=False, name=None)) == [
        ("team_missing", 3, "high", "cost"),
        ("team_unknown", 1, "high", "cost"),
    ]


def test_a_customer_or_campaign_that_nobody_knows_is_told_with_the_references(
    company: Published,
) -> None:
    found = company.marts(
        "select entity, rule, failing from marts.mart_data_hygiene "
        "where example_keys like '%no_such%' or example_keys like '%unknown_campaign%' "
        "order by entity, rule"
    )
    assert list(found.itertuples(index=False, name=None)) == [
        ("credit_notes", "invoice_unknown", 1),
        ("customers", "account_unknown", 1),
        ("spend_daily", "campaign_unknown", 1),
        ("touches", "campaign_unknown", 1),
    ]
