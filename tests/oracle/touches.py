"""Touches, the deals that they belong to, and how accounts were first reached."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

import pandas as pd

from tests.oracle.existing import NONE, existing, or_none
from tests.oracle.members import survivors
from tests.oracle.money import CENT
from tests.oracle.records import Records

MODELS = {"default": "first", "last": "last", "linear": "linear", "position": "position"}
"""Attribution model by variant of return_on_ad_spend."""
TWELVE = Decimal("1e-12")


@dataclass(frozen=True)
class Reached:
    """How somebody was reached: keys of the cuts channel and campaign."""

    channel: str = NONE
    campaign: str = NONE


def deal_touches(
    records: Records, deals: pd.DataFrame, as_of: pd.Timestamp
) -> dict[str, list[pd.Series]]:
    """The touches of each deal by its id, in order: of merged deals those of the survivor."""
    frame = existing(records, "touches", as_of, "occurred_at")
    leads = existing(records, "leads", as_of, "created_at")
    became = dict(zip(leads["source_id"], leads["opportunity_id"], strict=True))
    survivor = survivors(deals)
    found: dict[str, list[pd.Series]] = defaultdict(list)
    for _, touch in frame.sort_values(["occurred_at", "source_id"]).iterrows():
        named = touch["opportunity_id"] or became.get(touch["lead_id"])
        if named in survivor:
            found[survivor[named]].append(touch)
    return found


def weights(model: str, count: int) -> list[Decimal]:
    """The weights of so many touches of a deal, in order; they add up to 1."""
    if model == "first":
        shares = [Decimal(1)] + [Decimal(0)] * (count - 1)
    elif model == "last":
        shares = [Decimal(0)] * (count - 1) + [Decimal(1)]
    elif model == "linear" or count < 3:
        shares = [Decimal(1) / count] * count
    else:
        middle = Decimal("0.2") / (count - 2)
        shares = [Decimal("0.4"), *[middle] * (count - 2), Decimal("0.4")]
    sums = [sum(shares[: n + 1], Decimal(0)).quantize(TWELVE) for n in range(count - 1)]
    sums.append(Decimal(1))
    return [after - before for before, after in zip([Decimal(0), *sums], sums, strict=False)]


def amounts(amount: Decimal, shares: list[Decimal]) -> list[Decimal]:
    """What each touch brings of a deal's amount, to the cent; the parts add up to the whole."""
    parts, cumulated, given = [], Decimal(0), Decimal(0)
    for share in shares:
        cumulated += share
        so_far = (amount * cumulated).quantize(CENT, ROUND_HALF_UP)
        parts.append(so_far - given)
        given = so_far
    return parts


def reached_accounts(
    records: Records, deals: pd.DataFrame, as_of: pd.Timestamp
) -> Mapping[str, Reached]:
    """How each account was first reached: by a touch, else as its first lead or won deal says.

    Touches of the account's deals and leads count up to the closing of its first won deal.
    """
    leads = existing(records, "leads", as_of, "created_at")
    live = deals[deals["removal"].isna()]
    survivor = survivors(deals)
    account_of = dict(zip(live["id"], live["account_id"], strict=True))
    begun = existing(records, "campaigns", as_of, "started_on")
    campaigns = begun.set_index("source_id")["channel"].to_dict()
    touches = deal_touches(records, deals, as_of)
    of_lead: dict[str, list[pd.Series]] = defaultdict(list)
    for _, touch in existing(records, "touches", as_of, "occurred_at").iterrows():
        of_lead[touch["lead_id"]].append(touch)
    became = leads["opportunity_id"].map(lambda deal: account_of.get(survivor.get(deal)))
    found = {}
    accounts = {*live["account_id"], *leads["account_id"]} - {None}
    deals_of = dict(list(live.groupby("account_id")))
    for account in accounts:
        own = deals_of.get(account, live.iloc[:0])
        won = own[(own["status"] == "won") & own["closed_at"].notna()]
        won = won.sort_values(["closed_at", "id"])
        until = won["closed_at"].min() if len(won) else as_of
        met = [touch for deal in own["id"] for touch in touches.get(deal, [])]
        named = leads[leads["account_id"] == account]
        met += [touch for lead in named["source_id"] for touch in of_lead[lead]]
        met = [touch for touch in met if touch["occurred_at"] <= until]
        mine = leads[(leads["account_id"] == account) | (became == account)]
        mine = mine.sort_values(["created_at", "source_id"])
        if met:
            first = min(met, key=lambda touch: (touch["occurred_at"], touch["source_id"]))
            found[account] = Reached(or_none(first["channel"]), or_none(first["campaign_id"]))
        elif len(mine):
            lead = mine.iloc[0]
            found[account] = Reached(or_none(lead["channel"]), or_none(lead["campaign_id"]))
        elif len(of_campaign := won[won["campaign_id"].notna()]):
            campaign = of_campaign["campaign_id"].iloc[0]
            found[account] = Reached(or_none(campaigns.get(campaign)), campaign)
    return found
