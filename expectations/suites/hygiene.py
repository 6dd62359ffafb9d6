"""The rules of hygiene.

They are said once, in the dbt models `fct_<entity>_hygiene`: one row per record, one column per
rule (true: broken; NULL: the rule does not apply). Here each is a check.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from expectations.suites.model import Check, never
from ingestion.contract.entities import ENTITIES


def _broken(rule: str, description: str) -> Check:
    return replace(never(rule, "warning", description, rule), columns={rule: rule})


_DATA_ENDS = _broken("data_after_as_of", "Nothing is told of after the company's own as_of.")

_OF_AN_INVOICE = (
    _broken("invoice_missing", "It names its invoice; one without is on account."),
    _broken("invoice_does_not_count", "Its invoice is not void and counts."),
    _broken("currency_differs", "It is in the currency of its invoice."),
    _broken("customer_differs", "It is of the customer of its invoice."),
)

HYGIENE: Mapping[str, tuple[Check, ...]] = {
    "opportunity": (
        _broken("owner_missing", "The deal has an owner."),
        _broken("account_missing", "An open or won deal belongs to an account."),
        _broken("amount_missing", "An open deal has an amount."),
        _broken("close_date_missing", "An open deal has an expected closing date."),
        _broken("created_at_missing", "The deal says when it was created."),
        _broken("won_without_amount", "A won deal has an amount."),
        _broken("lost_without_reason", "A lost deal says why."),
        _broken("amount_negative", "The amount is not negative."),
        _broken("close_date_past", "An open deal is expected to close in the future."),
        _broken("no_close_date", "A closed deal says when it closed."),
        _broken("close_date_far_from_closing", "A deal closed within 31 days of its close date."),
        _broken("closed_in_future", "No deal is closed on a day that was still to come."),
        _broken("closing_contradicted", "No history contradicts the date of a closing."),
        _broken("closed_before_created", "No deal was closed before it was created."),
        _broken("closed_before_contact", "No deal was closed before the first contact."),
        _broken("owner_left", "An open deal's owner still works here."),
        _DATA_ENDS,
        _broken(
            "stage_unknown",
            "Every stage of a history is one that a pipeline names, and so is every pipeline.",
        ),
        _broken("emptied_contradicted", "What a history says was emptied, or set, is so."),
        _broken("history_unreadable", "Amounts and dates of a history are numbers and days."),
    ),
    "lead": (
        _broken("owner_missing", "The lead has an owner."),
        _broken("channel_missing", "The lead has a channel."),
        _broken("converted_before_created", "No lead was converted before it was created."),
        _broken("converted_without_opportunity", "A converted lead names its opportunity."),
        _broken("owner_left", "The owner of a lead that is not converted still works here."),
        _DATA_ENDS,
    ),
    "account": (
        _broken("owner_missing", "The account has an owner."),
        _broken("domain_missing", "The account has a web domain."),
        _broken("owner_left", "The account's owner still works here."),
        _DATA_ENDS,
    ),
    "contact": (
        _broken("account_missing", "The contact belongs to an account."),
        _broken("email_missing", "The contact has an email address."),
        _DATA_ENDS,
    ),
    "activity": (
        _broken("owner_missing", "The activity says who did it."),
        _broken("about_nothing", "The activity is about a deal, lead, contact or account."),
        _broken("direction_missing", "A call, email, meeting or message came in or went out."),
        _broken("after_owner_left", "Nobody was active after leaving, or is to be."),
        _broken("long_overdue", "What is planned is done or dropped within 14 days of when due."),
        _broken("planned_on_closed_deal", "Nothing is planned on a deal that has closed."),
        _DATA_ENDS,
    ),
    "user": (
        _broken("hired_on_missing", "A rep has a day of hiring."),
        _broken("hired_after_first_activity", "A rep was hired before doing anything."),
        _broken("left_on_missing", "Who no longer works here has a last day."),
    ),
    "campaign": (
        _broken("channel_missing", "The campaign has a channel."),
        _broken("platform_missing", "The campaign says on which platform it runs."),
        _broken("spent_outside_dates", "A campaign spends while it runs."),
        _broken(
            "in_two_sources",
            "A campaign and its spend are one source's: no other gives spend of the same day, or"
            " has a campaign of its id with spend or touches.",
        ),
    ),
    "spend": (
        _broken("campaign_missing", "Spend names its campaign."),
        _broken("days_missing", "An ad account that spends daily has no days without spend."),
        _broken("account_silent", "Spend of an ad account that spends daily goes on being told."),
        _broken(
            "spend_jump",
            "No day's spend is over five times the most, or under a fifth of the least, of the four"
            " weeks before.",
        ),
        _broken(
            "campaign_day_missing",
            "Where an ad platform tells what ads cost, it tells what their campaign did.",
        ),
        _broken(
            "in_two_sources",
            "What an ad account spent on a day is told by its platform or by another source.",
        ),
        _DATA_ENDS,
    ),
    "cost": (
        _broken("team_missing", "A cost names its team, or its category says what it is for."),
        _broken(
            "team_unknown",
            "It is known what a team's costs are for: by its name, its people, or cost_teams in"
            " company.yml.",
        ),
        _broken(
            "next_month_missing", "A cost that came in three months running comes in the next, too."
        ),
    ),
    "customer": (
        _broken("account_unmatched", "The customer is matched to an account."),
        _broken("match_ambiguous", "A customer's id, domain or email domain is of one account."),
        _broken("account_deleted", "The account that the customer names is not deleted."),
        _broken("account_contradicted", "The customer has the domain of the account it names."),
        _DATA_ENDS,
    ),
    "subscription": (
        _broken(
            "status_unknown",
            "It is known what a subscription's status means; one that is not is left out. Say it in"
            " company.yml, finance.subscription_statuses.",
        ),
        _broken(
            "ended_at_missing", "A subscription that has ended says when; else it is left out."
        ),
        _broken("mrr_negative", "A monthly amount is not negative; such a one is left out."),
        _broken("plan_missing", "The subscription names its plan."),
        _broken("given_twice", "Nobody has one plan at one price twice at the same time."),
        _broken(
            "not_invoiced",
            "Who pays for a subscription since over 62 days was invoiced in the last 397.",
        ),
        _DATA_ENDS,
    ),
    "invoice": (
        _broken(
            "status_unknown",
            "It is known what an invoice's status means; one that is not counts. Say it in"
            " company.yml, finance.invoice_statuses.",
        ),
        _broken("due_at_missing", "The invoice says when it is due."),
        _broken("paid_at_missing", "A paid invoice says when it was paid; else it is no cash."),
        _broken("total_negative", "What is credited is a credit note, not an invoice below 0."),
        _broken("line_negative", "Only what is given back has lines below 0."),
        _broken("lines_differ", "The lines add up to the total, with or without tax."),
        _broken("overpaid", "No more was paid and credited than is due."),
        _broken("paid_without_payment", "A paid invoice has payments or credits of its total."),
        _broken("amount_paid_differs", "What an invoice says was paid is what its payments are."),
        _DATA_ENDS,
    ),
    "payment": (*_OF_AN_INVOICE, _DATA_ENDS),
    "credit_note": (
        *_OF_AN_INVOICE,
        _broken("more_than_invoiced", "No more is credited of an invoice than its total."),
        _DATA_ENDS,
    ),
}


def judged_in(entity: str, rule: str) -> str | None:
    """The table that judges records of an entity by a rule of hygiene; None of any other rule."""
    judged = "spend" if entity == "spend_daily" else ENTITIES[entity].singular
    is_rule = any(check.name == rule for check in HYGIENE.get(judged, ()))
    return f"marts.fct_{judged}_hygiene" if is_rule else None
