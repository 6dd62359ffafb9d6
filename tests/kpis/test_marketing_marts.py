"""The funnel and the campaigns of real companies, with pandas from their raw files."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.conftest import Publish
from tests.kpis.companies import SHARED

CUTS = {"company": None, "channel": "origin", "campaign": "landing_page_id"}
CELL = ["cohort_month", "dimension", "dimension_key"]


def olist_leads() -> pd.DataFrame:
    """Olist's leads with the deals that they became; days only."""
    folder = SHARED / "olist"
    leads = pd.read_csv(folder / "olist_marketing_qualified_leads_dataset.csv")
    won = pd.read_csv(folder / "olist_closed_deals_dataset.csv")
    frame = leads.merge(won, on="mql_id", how="left", validate="one_to_one")
    frame["created_on"] = pd.to_datetime(frame["first_contact_date"])
    frame["won_on"] = pd.to_datetime(frame["won_date"].str[:10])
    frame["month"] = frame["created_on"].dt.strftime("%Y-%m-01")
    days = (frame["won_on"] - frame["created_on"]).dt.days
    frame["days"] = days.where(days >= 0)
    is_sdr = frame["sdr_id"].notna() & ~frame["sdr_id"].isin(won["sr_id"])
    frame["handed_over"] = is_sdr
    frame["days_handed_over"] = frame["days"].where(is_sdr)
    return frame


def funnel_of(leads: pd.DataFrame) -> pd.DataFrame:
    """The cells of the funnel, of all cohorts and cuts."""
    cells = []
    for by_month in (False, True):
        for dimension, column in CUTS.items():
            keys = {
                "cohort_month": leads["month"] if by_month else "ever",
                "dimension": dimension,
                "dimension_key": "all" if column is None else leads[column].fillna("(none)"),
            }
            cells.append(
                leads.assign(**keys)
                .groupby(CELL)
                .agg(
                    leads=("mql_id", "size"),
                    won=("won_on", "count"),
                    median_days_to_won=("days", "median"),
                    handed_over=("handed_over", "sum"),
                    median_days_to_hand_over=("days_handed_over", "median"),
                    amount_won=("declared_monthly_revenue", "sum"),
                )
            )
    return pd.concat(cells)


def test_the_funnel_of_olist_is_that_of_its_files(published: Publish) -> None:
    wanted = funnel_of(olist_leads())
    rows = published("olist").marts("select * from marts.mart_funnel")
    month = pd.to_datetime(rows["cohort_month"]).dt.strftime("%Y-%m-%d")
    rows["cohort_month"] = month.astype(object).fillna("ever")
    found = rows.set_index(CELL)
    assert not found.index.has_duplicates
    assert len(found) == len(wanted) > 500
    both = wanted.join(found.astype({"amount_won": float}), rsuffix="_found", how="left")
    for column in wanted:
        pd.testing.assert_series_equal(
            both[column], both[f"{column}_found"], check_dtype=False, check_names=False
        )


def test_olist_tells_who_qualified_a_lead_and_not_who_accepted_it(published: Publish) -> None:
    [row] = (
        published("olist")
        .marts(
            "select * from marts.mart_funnel where dimension = 'company' and cohort_month is null"
        )
        .to_dict("records")
    )
    assert (row["qualified_by"], row["qualified"], row["accepted"]) == ("qualified_at", 8000, 0)
    assert row["lead_to_qualified_rate"] == 1
    assert row["qualified_to_won_rate"] == pytest.approx(842 / 8000)
    assert pd.isna(row["accepted_to_opportunity_rate"]), "of nothing, there is no share"
    assert pd.isna(row["median_days_qualified_to_accepted"])


def test_what_kags_campaigns_brought_is_in_its_file(published: Publish) -> None:
    ads = pd.read_csv(SHARED / "kag_facebook_ads" / "ads.csv")
    wanted = ads.groupby(ads["xyz_campaign_id"].astype(str)).agg(
        spend=("Spent", "sum"),
        impressions=("Impressions", "sum"),
        clicks=("Clicks", "sum"),
        conversions=("Approved_Conversion", "sum"),
        leads=("Total_Conversion", "sum"),
        leads_won=("Approved_Conversion", "sum"),
    )
    wanted["spend"] = wanted["spend"].round(2)
    wanted["cost_per_click"] = wanted["spend"] / wanted["clicks"]
    wanted["cost_per_lead"] = wanted["spend"] / wanted["leads"]
    wanted["cost_per_conversion"] = wanted["spend"] / wanted["conversions"]
    rows = published("kag").marts(
        "select * from marts.mart_campaign_performance where campaign_id is not null"
    )
    found = rows.set_index("campaign_id")[wanted.columns].astype(float).loc[wanted.index]
    pd.testing.assert_frame_equal(found, wanted.astype(float), check_names=False)
