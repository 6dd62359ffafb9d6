"""What makes advertising hard to count: how often, and an evening that has it all."""

from __future__ import annotations

import numpy as np

from ingestion.sandbox.world.advertising import (
    IS_WESTERN,
    TWENTY,
    convert,
    correct,
    credit,
    creditable,
    deletable,
    delete_ad,
    rename,
    running,
    told_on,
    vanish,
)
from ingestion.sandbox.world.calendar import DAY, Ints
from ingestion.sandbox.world.schema import NONE
from ingestion.sandbox.world.store import State

LESS = 50
"""Percent of what was told that is left, or that is given back."""


def ads_traps(state: State) -> dict[str, int]:
    """How often each trap is in what advertising platforms tell now."""
    spend, campaigns, ads = (state[name] for name in ("spend_daily", "campaigns", "ads"))
    live = np.flatnonzero(spend["is_deleted"] == 0)
    campaign, is_whole = spend["campaign_id"][live], spend["ad"][live] == NONE
    is_pmax = campaigns["is_pmax"][campaign] == 1
    account = campaigns["ad_account"][campaign]
    vanished = np.flatnonzero(spend["is_deleted"] == 1)
    days = np.stack([spend["campaign_id"][vanished], spend["day"][vanished]])
    gone = np.append(ads["is_deleted"], 0)[spend["ad"][live]] == 1
    less, _ = _restated(state, "spend", up=False)
    _, late = _restated(state, "conversions", up=True)
    return {
        "performance_max": int((is_whole & is_pmax).sum()),
        "credits": int((is_whole & ~is_pmax & (spend["spend"][live] < 0)).sum()),
        "spend_of_deleted_ads": int(gone.sum()),
        "vanished_days": np.unique(days, axis=1).shape[1],
        "corrected_spend": len(less),
        "conversions_after_20_days": int((late == TWENTY).sum()),
        "renamed_campaigns": int((campaigns["renamings"] > 0).sum()),
        "days_in_another_zone": int(IS_WESTERN[account].sum()),
        "days_that_are_not_over": int((spend["is_partial"][live] == 1).sum()),
        "ad_spend_in_another_currency": int((spend["currency"][live] != 0).sum()),
    }


def _restated(state: State, name: str, *, up: bool) -> tuple[Ints, Ints]:
    """Rows whose figure was told again once their day was over, and how many days after it."""
    spend, log = state["spend_daily"], state.logs["spend_daily"]
    column = list(spend.columns).index(name)
    told, day = log["at"] // DAY, spend["day"][log["id"]]
    again = (log["field"] == column) & (told - day > 1)
    again &= (log["new"] > log["old"]) if up else (log["new"] < log["old"])
    return log["id"][again], (told - day)[again]


def upset_ads(state: State, moment: int) -> None:
    """What platforms seldom do, all at one moment, each to another campaign as far as there is one.

    Figures of a day are halved and a conversion arrives after 20 days; half of what a campaign
    spent is given back; a day vanishes; an ad is deleted that had spent; a campaign is renamed.
    """
    today = moment // DAY
    late = told_on(state, today - TWENTY)[:1]
    convert(state, late, 1, moment)
    correct(state, _of_quiet(state, told_on(state, today - 8), moment)[-2:], LESS, moment)
    vanishing = _of_quiet(state, told_on(state, today - 10), moment)
    if len(vanishing):
        vanish(state, int(vanishing[0]), moment)
    if len(rows := deletable(state, today)):
        delete_ad(state, int(rows[-1]), moment)
    if len(rows := creditable(state, today)):
        credit(state, int(rows[0]), LESS, moment)
    if len(campaigns := running(state, today)):
        rename(state, int(campaigns[0]), moment)


def _of_quiet(state: State, rows: Ints, moment: int) -> Ints:
    """Those that nothing else has happened to at the moment."""
    return rows[state["spend_daily"]["updated_at"][rows] < moment]
