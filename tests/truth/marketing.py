"""Truth of the Marketing metrics: spend, leads, attribution, sourced pipeline."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ingestion.sandbox.world.schema import COST_CATEGORIES, NONE, NULL
from tests.truth.attribution import MODELS, attributed
from tests.truth.calendar import month_of_day
from tests.truth.history import DEAL_CUTS, History
from tests.truth.leads import LEAD_CUTS, leads, touches
from tests.truth.table import Tall

SPEND_CUTS = ("channel", "campaign")
FUNCTIONS = np.array(["sales", "marketing", "other", ""])
"""What the costs of each of `COST_TEAMS` are for; the last: of no team."""
MARKETED = [COST_CATEGORIES.index(category) for category in ("events", "agency")]


def add_marketing(history: History, tall: Tall) -> None:
    """All Marketing metrics but those on new customers."""
    _lead_conversion(history, tall)
    ads = ad_spend(history)
    marketing = pd.concat([ads, costs(history, "marketing", "nobody")], ignore_index=True)
    _spend(marketing, ads, tall)
    created = leads(history).assign(amount=1)
    for variant, rows in (("default", marketing), ("ads", ads)):
        spent = rows[rows["is_alive"]]
        is_told = created["month"] >= spent["month"].min()
        counted = created.assign(is_alive=created["is_alive"] & is_told)
        tall.add_quotient(
            "cost_per_lead", spent, counted, SPEND_CUTS, unit="money", variant=variant
        )
    spent_on = ads.loc[ads["amount"] != 0, "campaign"].unique()
    for variant, model in MODELS.items():
        won = attributed(history, model)
        won = won[won["campaign"].isin(spent_on)]
        tall.add_quotient(
            "return_on_ad_spend", won.assign(amount=won["cents"] / 100), ads, SPEND_CUTS,
            unit="ratio", variant=variant,
        )  # fmt: skip
    _sourced(history, tall)


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


def ad_spend(history: History) -> pd.DataFrame:
    """Rows of ad spend up to the as-of day: `amount` in money at the day's rate.

    A campaign's day is rounded once, and is what its rows add up to. Figures are those told last up
    to as-of; days that have vanished are not among them. A day is its account's, whatever the
    company's zone.
    """
    day = history.fact("spend_daily", "day").astype(np.int64)
    spent = history.value_at("spend_daily", "spend")
    is_told = (spent != NULL) & (history.value_at("spend_daily", "is_deleted") == 0)
    rows = np.flatnonzero(is_told & (day <= history.today))
    currency = history.fact("spend_daily", "currency")[rows]
    campaign = history.fact("spend_daily", "campaign_id")[rows].astype(np.int64)
    own = pd.Series(spent[rows], dtype=np.int64)
    so_far = own.groupby([campaign, day[rows], currency]).cumsum()
    with_it = history.convert(so_far.to_numpy(), currency, day[rows])
    cents = with_it - history.convert((so_far - own).to_numpy(), currency, day[rows])
    return pd.DataFrame(
        {
            "month": month_of_day(day[rows]),
            "channel": history.fact("campaigns", "channel")[campaign].astype(np.int64),
            "campaign": campaign,
            "amount": cents / 100,
            "is_alive": True,
        }
    )


def costs(history: History, *functions: str) -> pd.DataFrame:
    """Costs of functions: `amount` at the rate of the month's first day; no channel.

    Of those that no team names, events and agencies are marketing's, and others `nobody`'s.
    """
    day = history.fact("costs", "month").astype(np.int64)
    team = FUNCTIONS[history.fact("costs", "team")]
    is_ours = np.isin(history.fact("costs", "category"), MARKETED)
    function = np.where(team != "", team, np.where(is_ours, "marketing", "nobody"))
    rows = np.flatnonzero(np.isin(function, functions) & (day <= history.today))
    currency = history.fact("costs", "currency")[rows]
    cents = history.convert(history.fact("costs", "amount")[rows], currency, day[rows])
    month = month_of_day(day[rows])
    frame = pd.DataFrame({"month": month, "channel": NONE, "campaign": NONE, "amount": cents / 100})
    return frame.assign(is_alive=function[rows] != "nobody")


def _spend(marketing: pd.DataFrame, ads: pd.DataFrame, tall: Tall) -> None:
    """marketing_spend: ad spend and costs of marketing; costs have no channel.

    Those that are nobody's are excluded.
    """
    for variant, rows in (("default", marketing), ("ads", ads)):
        tall.add(
            "marketing_spend", rows, SPEND_CUTS, unit="money", variant=variant,
            numerator=(rows["amount"] * 100).round(), per=(100, 1),
        )  # fmt: skip


def _sourced(history: History, tall: Tall) -> None:
    """pipeline_sourced: pipeline_created by channel and campaign of the first touch up to creation.

    `marketing`: the deals that have such a touch.
    """
    deals = history.deals.assign(month=history.deals["created_month"])
    created = deals.set_index("deal")["created_at"]
    found = touches(history)
    found = found[found["deal"] != NONE]
    found = found[found["occurred_at"] <= found["deal"].map(created)]
    first = found.drop_duplicates("deal").set_index("deal")[["channel", "campaign"]]
    deals = deals.join(first, on="deal")
    is_touched = deals["channel"].notna()
    deals = deals.fillna({"channel": NONE, "campaign": NONE})
    deals = deals.astype({"channel": np.int64, "campaign": np.int64})
    shared: dict[str, Any] = {"unit": "money", "per": (100, 1)}
    for variant, members in (("default", deals), ("marketing", deals[is_touched])):
        tall.add(
            "pipeline_sourced", members, (*DEAL_CUTS, *SPEND_CUTS), variant=variant,
            numerator=members["cents"], included=members["has_amount"], **shared,
        )  # fmt: skip
