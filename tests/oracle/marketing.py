"""The members of the marketing metrics: spend, what it brought, where pipeline came from."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

import pandas as pd

from tests.oracle.existing import NONE, Row, existing, month_of, natural_id, or_none, reached, told
from tests.oracle.members import DEAL_CUTS, Members
from tests.oracle.money import CENT, Rates
from tests.oracle.periods import GRAINS
from tests.oracle.records import Records
from tests.oracle.touches import MODELS, amounts, deal_touches, weights

SPEND_CUTS = ("channel", "campaign")
SPEND_KEY = ("platform", "day", "ad_account", "campaign_id", "ad_group", "ad")
COST_KEY = ("month", "category", "team", "currency")
WORDS = {
    "marketing": ("marketing", "growth", "demand gen", "brand"),
    "sales": ("sales", "business development", "sdr", "account"),
    "other": (
        "success", "support", "service", "product", "engineering", "finance", "hr", "people",
        "legal", "operations",
    ),
}  # fmt: skip
"""What a team's costs are for, by words in its name; the first function that has one."""


def marketing_members(
    records: Records, deals: pd.DataFrame, created: Members, as_of: pd.Timestamp
) -> Iterator[Members]:
    """marketing_spend, cost_per_lead, return_on_ad_spend, pipeline_sourced.

    `created` are the members of pipeline_created.
    """
    spent = {"default": [*ad_spend(records, as_of), *marketing_costs(records, as_of)]}
    spent["ads"] = ad_spend(records, as_of)
    for variant, rows in spent.items():
        frame = told(rows, SPEND_CUTS)
        yield Members("marketing_spend", variant, "money", "spend", frame, SPEND_CUTS)
        above = [beside(row, "numerator") for row in rows if row["reason"] != "no_team"]
        since = min((row["month"] for row in above), default=None)
        frame = told([*above, *_leads(records, as_of, since)], SPEND_CUTS)
        yield Members("cost_per_lead", variant, "money", "lead", frame, SPEND_CUTS)
    yield from _return_on_ad_spend(records, deals, as_of, spent["ads"])
    yield from _pipeline_sourced(records, deals, created, as_of)


def ad_spend(records: Records, as_of: pd.Timestamp) -> list[Row]:
    """Rows of ad spend as members, in the company's currency.

    A campaign's day is rounded once: of its rows each adds what the rounded sum grows by.
    """
    rates = Rates(records)
    so_far: dict[tuple[str | None, ...], Decimal] = defaultdict(Decimal)
    campaigns = existing(records, "campaigns", as_of, "started_on")
    channels = campaigns.set_index("source_id")["channel"].to_dict()
    rows = []
    for row in existing(records, "spend_daily", as_of, "day").itertuples():
        day = pd.Timestamp(row.day)
        amount = rates.exact(row.spend, row.currency, day.date())
        if amount is not None:
            of = (row.platform, row.ad_account, row.campaign_id, row.day, row.currency)
            before = so_far[of]
            so_far[of] += amount
            amount = so_far[of].quantize(CENT, ROUND_HALF_UP) - before.quantize(CENT, ROUND_HALF_UP)
        rows.append(
            {
                "id": natural_id(row, SPEND_KEY), "entity": "spend_day",
                "month": day.to_period("M"), "numerator": amount,
                "reason": "no_rate" if amount is None else None,
                "channel": or_none(channels.get(row.campaign_id)),
                "campaign": or_none(row.campaign_id),
            }
        )  # fmt: skip
    return rows


def costs(records: Records, as_of: pd.Timestamp) -> list[Row]:
    """Costs as members, by their month; `function` is None of those without a team."""
    rates = Rates(records)
    rows = []
    for row in existing(records, "costs", as_of, "month").itertuples():
        month = pd.Timestamp(row.month).to_period("M")
        amount = rates.convert(row.amount, row.currency, month.start_time.date())
        rows.append(
            {
                "id": natural_id(row, COST_KEY), "entity": "cost", "month": month,
                "numerator": amount,
                "reason": "no_rate" if amount is None else None,
                "channel": NONE, "campaign": NONE, "category": row.category,
                "function": function_of(records, row.team) if row.team else None,
            }
        )  # fmt: skip
    return rows


def function_of(records: Records, team: str) -> str:
    """What the costs of a team are for: its name says, else who is in it."""
    name = " ".join(re.findall(r"[a-z0-9]+", team.lower()))
    for function, words in WORDS.items():
        if any(re.search(rf"\b{word}\b", name) for word in words):
            return function
    roles = set(records["users"].loc[records["users"]["team"] == team, "role"])
    return "marketing" if roles == {"marketing"} else "sales"


def marketing_costs(records: Records, as_of: pd.Timestamp) -> list[Row]:
    """Costs of marketing; of costs without a team events and agencies, the others excluded."""
    rows = []
    for row in costs(records, as_of):
        if row["function"] == "marketing":
            rows.append(row)
        elif row["function"] is None:
            known = row["category"] in ("events", "agency")
            rows.append(row if known else row | {"reason": "no_team"})
    return rows


def beside(row: Row, side: str) -> Row:
    """Spend that stands beside records; without a rate it is a record that is left out."""
    return row | {"denominator": 0, "side": None if row["reason"] else side}


def _leads(records: Records, as_of: pd.Timestamp, since: pd.Period | None) -> Iterator[Row]:
    """Leads as they count in the denominator.

    Deleted ones are left out, and those of before the first month of any spend.
    """
    leads = reached(records, records["leads"], as_of)
    for row in leads[~(leads["created_at"] > as_of)].itertuples():
        month = month_of(records, row.created_at)
        is_untold = since is None or month < since
        yield {
            "id": row.source_id, "month": month, "numerator": 0,
            "denominator": 1, "channel": or_none(row.channel),
            "campaign": or_none(row.campaign_id),
            "reason": "deleted" if row.is_deleted else "no_costs" if is_untold else None,
        }  # fmt: skip


def _return_on_ad_spend(
    records: Records, deals: pd.DataFrame, as_of: pd.Timestamp, spent: list[Row]
) -> Iterator[Members]:
    """Ad spend, and beside it the won amounts on touches of campaigns that had any."""
    below = [row | {"numerator": 0, "denominator": row["numerator"]} for row in spent]
    paid_for = {row["campaign"] for row in spent if row["numerator"] != 0} - {NONE}
    touches = deal_touches(records, deals, as_of)
    won = deals[(deals["status"] == "won") & deals["removal"].isna()]
    won = won[won["value"].notna() & won["closed_at"].notna()]
    for variant, model in MODELS.items():
        rows = []
        for deal in won.itertuples():
            met = [one for one in touches.get(deal.id, []) if one["occurred_at"] <= deal.closed_at]
            parts = amounts(deal.value, weights(model, len(met))) if met else []
            for touch, part in zip(met, parts, strict=True):
                if touch["campaign_id"] in paid_for:
                    rows.append(
                        {
                            "id": deal.id, "month": deal.closed_month, "numerator": part,
                            "denominator": 0, "channel": or_none(touch["channel"]),
                            "campaign": touch["campaign_id"], "side": "numerator",
                        }
                    )  # fmt: skip
        frame = told([*rows, *below], SPEND_CUTS)
        yield Members("return_on_ad_spend", variant, "ratio", "spend_day", frame, SPEND_CUTS)


def _pipeline_sourced(
    records: Records, deals: pd.DataFrame, created: Members, as_of: pd.Timestamp
) -> Iterator[Members]:
    """The members of pipeline_created by the first touch up to their creation."""
    touches = deal_touches(records, deals, as_of)
    begun = dict(zip(deals["id"], map(records.last_instant, deals["created_at"]), strict=True))
    first = {
        deal: next((one for one in touches.get(deal, []) if one["occurred_at"] <= at), None)
        for deal, at in begun.items()
    }
    frame = created.frame.assign(
        channel=[_said(first[deal], "channel") for deal in created.frame["id"]],
        campaign=[_said(first[deal], "campaign_id") for deal in created.frame["id"]],
    )
    cuts = (*DEAL_CUTS, *SPEND_CUTS)
    sourced = replace(
        created, metric="pipeline_sourced", frame=frame, cuts=cuts, grains=tuple(GRAINS)
    )
    yield sourced
    touched = frame["id"].map(lambda deal: first[deal] is not None).astype(bool)
    yield replace(sourced, variant="marketing", frame=frame[touched])


def _said(touch: pd.Series | None, column: str) -> str:
    return NONE if touch is None else or_none(touch[column])
