"""Truth of the Marketing metrics: spend, leads, acquisition, attribution."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ingestion.sandbox.world.schema import COST_TEAMS, NONE, NULL
from tests.truth.calendar import month_of_day
from tests.truth.history import OWNER_CUTS, History
from tests.truth.table import Tall

LEAD_CUTS = (*OWNER_CUTS, "channel", "campaign")
SPEND_CUTS = ("channel", "campaign")
MODELS = {"default": "first", "last": "last", "linear": "linear", "position": "position"}
"""Attribution model by variant."""


def add_marketing(history: History, tall: Tall) -> None:
    """All Marketing metrics."""
    _lead_conversion(history, tall)
    ads = _ad_spend(history)
    marketing = pd.concat([ads, _costs(history, ("Marketing",))], ignore_index=True)
    selling = pd.concat([ads, _costs(history, ("Marketing", "Sales"))], ignore_index=True)
    _spend(marketing, ads, tall)
    created = leads(history).query("is_alive").assign(amount=1)
    customers = _new_customers(history)
    for variant, spent, cost in (("default", marketing, selling), ("ads", ads, ads)):
        tall.add_quotient(
            "cost_per_lead", spent, created, SPEND_CUTS, unit="money", variant=variant
        )
        tall.add_quotient(
            "customer_acquisition_cost", cost, customers, (), unit="money", variant=variant
        )
    for variant, model in MODELS.items():
        tall.add_quotient(
            "return_on_ad_spend", _attributed(history, model), ads, SPEND_CUTS, unit="ratio",
            variant=variant,
        )  # fmt: skip


def leads(history: History) -> pd.DataFrame:
    """Leads as of now, dated by creation, with their current owner in the team of then.

    `is_alive`: not deleted; `deal`: the one that the lead's has become by merges.
    """
    created = history.fact("leads", "created_at")
    lead = np.flatnonzero(created <= history.as_of)
    frame = history.owner_cuts(history.value_at("leads", "owner_id")[lead], created[lead])
    frame["lead"] = lead
    frame["is_alive"] = history.value_at("leads", "is_deleted")[lead] == 0
    frame["created_at"] = created[lead]
    frame["month"] = history.month(created[lead])
    frame["channel"] = history.fact("leads", "channel")[lead].astype(np.int64)
    frame["campaign"] = history.fact("leads", "campaign_id")[lead].astype(np.int64)
    for column in ("qualified_at", "first_response_at", "converted_at", "opportunity_id"):
        frame[column] = history.value_at("leads", column)[lead]
    frame["deal"] = standing_deal(history, frame["opportunity_id"].to_numpy())
    return frame


def standing_deal(history: History, deal: np.ndarray) -> np.ndarray:
    """What each deal (-1: none) has become: itself, or the deal that its merges end in."""
    into = history.value_at("opportunities", "merged_into_id")
    standing = deal.astype(np.int64)
    while True:
        target = np.where(standing == NONE, NONE, into[standing])
        if (target == NONE).all():
            return standing
        standing = np.where(target == NONE, standing, target)


def _lead_conversion(history: History, tall: Tall) -> None:
    """lead_conversion_rate: leads created in the period whose own deal is won as of now.

    A merged deal is the one it was merged into; a deleted one is none. `qualified`: the same of
    the marketing qualified leads only. `to_opportunity`: leads with such a deal, whatever its
    status, or converted without naming one. Deleted leads are excluded.
    """
    frame = leads(history)
    deals = history.live_deals.set_index("deal")["status"]
    status = deals.reindex(frame["deal"]).to_numpy()
    nameless = (frame["opportunity_id"] == NONE) & (frame["converted_at"] != NULL)
    is_qualified = (frame["qualified_at"] != NULL).to_numpy()
    for variant, population, reached in (
        ("default", frame, status == "won"),
        ("qualified", frame[is_qualified], status[is_qualified] == "won"),
        ("to_opportunity", frame, pd.notna(status) | nameless.to_numpy()),
    ):
        tall.add(
            "lead_conversion_rate", population, LEAD_CUTS, unit="ratio", variant=variant,
            numerator=reached, denominator=1,
        )  # fmt: skip


def _ad_spend(history: History) -> pd.DataFrame:
    """Rows of ad spend up to the as-of day: `amount` in money at the day's rate, rounded."""
    day = history.fact("spend_daily", "day").astype(np.int64)
    rows = np.flatnonzero(day <= history.today)
    currency = history.fact("spend_daily", "currency")[rows]
    cents = history.convert(history.fact("spend_daily", "spend")[rows], currency, day[rows])
    campaign = history.fact("spend_daily", "campaign_id")[rows].astype(np.int64)
    return pd.DataFrame(
        {
            "month": month_of_day(day[rows]),
            "channel": history.fact("campaigns", "channel")[campaign].astype(np.int64),
            "campaign": campaign,
            "amount": cents / 100,
        }
    )


def _costs(history: History, teams: tuple[str, ...]) -> pd.DataFrame:
    """Costs of teams, every category: `amount` at the rate of the month's first day; no channel."""
    day = history.fact("costs", "month").astype(np.int64)
    wanted = np.isin(history.fact("costs", "team"), [COST_TEAMS.index(team) for team in teams])
    rows = np.flatnonzero(wanted & (day <= history.today))
    currency = history.fact("costs", "currency")[rows]
    cents = history.convert(history.fact("costs", "amount")[rows], currency, day[rows])
    month = month_of_day(day[rows])
    return pd.DataFrame({"month": month, "channel": NONE, "campaign": NONE, "amount": cents / 100})


def _spend(marketing: pd.DataFrame, ads: pd.DataFrame, tall: Tall) -> None:
    """marketing_spend: ad spend and costs of the team Marketing; costs have no channel."""
    for variant, rows in (("default", marketing), ("ads", ads)):
        tall.add(
            "marketing_spend", rows, SPEND_CUTS, unit="money", variant=variant,
            numerator=(rows["amount"] * 100).round(), per=(100, 1),
        )  # fmt: skip


def _new_customers(history: History) -> pd.DataFrame:
    """Customers by the month of their creation, an `amount` of 1 each."""
    created = history.fact("customers", "created_at")
    created = created[created <= history.as_of]
    return pd.DataFrame({"month": history.month(created), "amount": 1})


def _attributed(history: History, model: str) -> pd.DataFrame:
    """Won amounts on touches of campaigns that ever had ad spend, dated by close.

    A deal's touches are those of the deal itself, of deals merged into it, and of the leads that
    became one of them, up to its close.
    A deal without touches attributes nothing; shares are not rounded. Position gives the first and
    the last 40% each and the others 20% together; two touches half each.
    """
    won = history.live_deals.set_index("deal")
    won = won[(won["status"] == "won") & won["has_amount"]]
    touches = pd.DataFrame(
        {name: history.fact("touches", name) for name in
         ("occurred_at", "channel", "campaign_id", "lead_id", "opportunity_id")}
    )  # fmt: skip
    of_lead = history.value_at("leads", "opportunity_id")[touches["lead_id"]]
    own = touches["opportunity_id"].to_numpy()
    named = np.where(own != NONE, own, np.where(touches["lead_id"] != NONE, of_lead, NONE))
    touches["deal"] = standing_deal(history, named)
    touches = touches[touches["deal"].isin(won.index)]
    touches = touches[touches["occurred_at"] <= won.loc[touches["deal"], "closed_at"].to_numpy()]
    touches = touches.sort_values(["deal", "occurred_at"], kind="stable")
    by_deal = touches.groupby("deal")["deal"]
    nth, count = by_deal.cumcount().to_numpy(), by_deal.transform("size").to_numpy()
    weight = _weights(model, nth, count)
    cents = won.loc[touches["deal"], "cents"].to_numpy()
    frame = pd.DataFrame(
        {
            "month": won.loc[touches["deal"], "closed_month"].to_numpy(),
            "channel": touches["channel"].to_numpy(np.int64),
            "campaign": touches["campaign_id"].to_numpy(np.int64),
            "amount": cents * weight / 100,
        }
    )
    return frame[frame["campaign"].isin(np.unique(history.fact("spend_daily", "campaign_id")))]


def _weights(model: str, nth: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Share of each touch, the `nth` (from 0) of `count`, in its deal."""
    is_first, is_last = nth == 0, nth == count - 1
    if model == "first":
        return is_first.astype(float)
    if model == "last":
        return is_last.astype(float)
    if model == "linear":
        return 1 / count
    middle = 0.2 / np.maximum(count - 2, 1)
    many = np.where(is_first | is_last, 0.4, middle)
    return np.where(count > 2, many, 1 / count)
