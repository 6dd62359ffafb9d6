"""Campaigns, spend and touches."""

from __future__ import annotations

from ingestion.contract.columns import (
    CURRENCY,
    Column,
    Entity,
    count,
    day,
    id_of,
    moment,
    money,
    text,
)

MARKETING = (
    Entity(
        "campaigns",
        "campaign",
        "Marketing campaigns.",
        (
            text("name", "The campaign's name.", required=True),
            text("channel", "Marketing channel."),
            text("platform", "Advertising platform."),
            day("started_on", "First day."),
            day("ended_on", "Last day."),
            money("budget", "Native budget.", minimum=0),
            CURRENCY,
        ),
        is_referenced=True,
        begins_at="started_on",
    ),
    Entity(
        "spend_daily",
        "spend_day",
        "Advertising spend by day, at the grain the platform gives.",
        (
            text("platform", "Advertising platform.", required=True),
            day("day", "The day of the spend, as the ad account has it.", required=True),
            text("ad_account", "Advertising account."),
            id_of("campaign_id", "campaigns", "source_id of the campaign."),
            text("ad_group", "Ad group or ad set."),
            text("ad", "The ad; none where the spend is of no single one."),
            money("spend", "Native spend.", required=True),
            CURRENCY,
            count("impressions", "Times shown."),
            count("clicks", "Clicks."),
            Column("conversions", "number", "Conversions, as the platform counts them.", minimum=0),
            money("conversion_value", "Native value of the conversions."),
            Column(
                "is_partial",
                "boolean",
                "Whether the day had not ended when the platform was asked for it.",
            ),
        ),
        key=("platform", "day", "ad_account", "campaign_id", "ad_group", "ad"),
        begins_at="day",
    ),
    Entity(
        "touches",
        "touch",
        "Marketing touches of leads, contacts and opportunities.",
        (
            moment("occurred_at", "When it happened (UTC).", required=True),
            text("type", "Kind of touch.", required=True),
            text("channel", "Marketing channel."),
            id_of("campaign_id", "campaigns", "source_id of the campaign."),
            id_of("lead_id", "leads", "source_id of the lead."),
            id_of("contact_id", "contacts", "source_id of the contact."),
            id_of("opportunity_id", "opportunities", "source_id of the opportunity."),
        ),
        begins_at="occurred_at",
    ),
)
