"""What is wrong with the records, where money is at stake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dagster_project.publication import open_published
from ingestion.paths import CompanyPaths

FINDINGS = {
    "amount_missing": "open without an amount",
    "won_without_amount": "won without an amount",
    "no_close_date": "closed without any date, so are in no period, or in that in which they were "
    "first seen closed",
    "close_date_far_from_closing": "closed over 31 days from the close date they give",
    "closed_in_future": "closed on a date that is still to come",
    "closed_before_created": "closed before they were created",
    "closing_contradicted": "closed on a date that their history contradicts",
    "data_after_as_of": "with data from after the moment that counts as now",
    "stage_unknown": "with stages, or pipelines, in their history that nothing names",
    "emptied_contradicted": "with values that their history says were emptied and that are there, "
    "or the other way round",
    "history_unreadable": "with amounts or dates in their history that cannot be read",
    "created_at_missing": "without a moment of creation",
    "amount_negative": "with a negative amount",
    "owner_missing": "without an owner",
    "owner_left": "owned by somebody who has left",
    "account_missing": "without an account",
    "close_date_missing": "open without an expected close date",
    "close_date_past": "open past their close date, so due in no period",
    "lost_without_reason": "lost without a reason",
    "closed_before_contact": "closed before the first contact",
    "channel_missing": "without a channel",
    "converted_before_created": "converted before they were created",
    "converted_without_opportunity": "converted without naming an opportunity",
    "domain_missing": "without a web domain",
    "email_missing": "without an email address",
    "platform_missing": "without a platform",
    "spent_outside_dates": "that spent before they began or after they ended",
    "campaign_missing": "without a campaign",
    "days_missing": "after days on which their ad account has nothing",
    "account_silent": "after which nothing is told of an ad account that had spent daily",
    "spend_jump": "with over five times, or under a fifth of, what was usual",
    "campaign_day_missing": "of which only ads are told, so what their campaign has beyond them "
    "is missing",
    "in_two_sources": "that two sources give, so their spend counts twice, or is apart from what "
    "it brought",
    "team_missing": "without a team, so no marketing spend",
    "next_month_missing": "that came monthly and of the next month are missing",
    "account_unmatched": (
        "that are matched to no account, so are in no segment, region or channel, and new beside"
        " their accounts' won deals"
    ),
    "match_ambiguous": "that several accounts match, so none does",
    "account_deleted": "of a deleted account",
    "account_contradicted": "with the domain of another account than theirs",
    "status_unknown": "in a state that nobody knows",
    "ended_at_missing": "that have ended and do not say when, so do not count",
    "mrr_negative": "with an amount below 0, so do not count",
    "plan_missing": "without a plan",
    "given_twice": "that their customer has twice at the same time",
    "not_invoiced": "whose customer has not been invoiced",
    "due_at_missing": "that do not say when they are due",
    "paid_at_missing": "paid nobody knows when, so no cash",
    "total_negative": "below 0, so really credits",
    "line_negative": "with a line below 0",
    "lines_differ": "whose lines do not add up to the total",
    "overpaid": "of which more was paid than is due",
    "paid_without_payment": "paid by their own words, of which less was paid",
    "amount_paid_differs": "that say another amount was paid than their payments do",
    "invoice_missing": "of no invoice",
    "invoice_does_not_count": "of an invoice that is void or does not count",
    "currency_differs": "in another currency than their invoice",
    "customer_differs": "of another customer than their invoice",
    "more_than_invoiced": "that come to more than their invoice",
    "about_nothing": "about no deal, lead, contact or account",
    "direction_missing": "that do not say whether they came in or went out, so they answer nobody",
    "after_owner_left": "of somebody who had left by then",
    "long_overdue": "planned, and overdue for over two weeks",
    "planned_on_closed_deal": "planned on deals that have closed",
    "hired_on_missing": "of whom nobody says when they were hired, so no ramp or tenure",
    "hired_after_first_activity": "who did something before they were hired",
    "left_on_missing": "who no longer work here and have no last day",
    "owner_unknown": "with an owner whom no source knows",
    "manager_unknown": "with a manager whom no source knows",
    "team_unknown": "of a team that no source knows",
    "opportunity_unknown": "of a deal that no source knows",
    "campaign_unknown": "of a campaign that no source knows",
    "customer_unknown": "of a customer that no source knows",
    "invoice_unknown": "of an invoice that no source knows",
    "current_stage_unknown": "in a stage that no pipeline names",
    "entity_unknown": "about records that no source knows",
    "field_unknown": "of fields that nobody knows",
    "merged_into_unknown": "merged into a deal that their source does not know, so they count",
    "merged_in_circle": "merged in a circle, of which one counts",
    "merged_into_deleted": "merged into a deleted deal, so they count no more",
    "name_differs": "with different names for one id in two sources",
}
"""What each rule of `mart_data_hygiene` finds, in words that follow the records."""
FINDINGS_SHOWN = 3


def findings(paths: CompanyPaths) -> list[str]:
    """What is to fix first of what has money at stake, a sentence each, in the mart's order."""
    rows = first_to_fix(
        paths.marts,
        "failing, records, entity, rule, money_at_stake, money_kind, money_share, example_keys",
        FINDINGS_SHOWN,
    )
    return [
        f"{failing:,} of {records:,} {entity} {words(rule)}, "
        f"with {_at_stake(money, share, kind)} ({rule}, such as {keys})"
        for failing, records, entity, rule, money, kind, share, keys in rows
    ]


def first_to_fix(marts: Path, columns: str, most: int) -> list[tuple[Any, ...]]:
    """Columns of the findings that have money at stake, so many of them, in the mart's order."""
    with open_published(marts) as connection:
        return connection.execute(
            f"""select {columns}
            from marts.mart_data_hygiene
            where rep_id = 'all' and rule <> 'all'
                and (money_at_stake <> 0 or failing_without_amount > 0)
            order by fix_rank nulls last
            limit {most}"""
        ).fetchall()


def words(rule: str) -> str:
    """What a rule finds, in words: also of a reference to any entity that is not known."""
    if rule.endswith("_unknown") and rule not in FINDINGS:
        target = rule.removesuffix("_unknown").replace("_", " ")
        return f"with {'an' if target[0] in 'aeio' else 'a'} {target} that no source knows"
    return FINDINGS.get(rule, rule.replace("_", " "))


def _at_stake(money: float | None, share: float | None, kind: str) -> str:
    if not money:
        return "an amount that is not known"
    return f"{money:,.0f} or {share or 0:.0%} of the {kind} amount"
