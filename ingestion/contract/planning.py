"""Quotas, exchange rates and forecasts."""

from __future__ import annotations

from ingestion.contract.columns import (
    CURRENCY,
    FORECAST_CATEGORIES,
    Column,
    Entity,
    day,
    id_of,
    moment,
    money,
    text,
)

PLANNING = (
    Entity(
        "quotas",
        "quota",
        "Targets of a rep, a team, or (with neither) the company.",
        (
            id_of("owner_id", "users", "source_id of the user that the quota is for."),
            text("team", "The team that the quota is for.", references="users.team"),
            day("period_start", "First day of the period.", required=True),
            text(
                "period_grain",
                "Length of the period.",
                required=True,
                allowed=("month", "quarter", "year"),
            ),
            text(
                "measure",
                "What is counted.",
                required=True,
                allowed=("revenue", "deals", "activities"),
            ),
            money("amount", "The target: native money, or a count.", required=True, minimum=0),
            CURRENCY,
        ),
        key=("owner_id", "team", "period_start", "period_grain", "measure"),
    ),
    Entity(
        "fx_rates",
        "fx_rate",
        "Exchange rates: one unit of from_currency is worth rate units of to_currency.",
        (
            day("day", "The day that the rate holds from.", required=True),
            text("from_currency", "ISO 4217 code.", required=True),
            text("to_currency", "ISO 4217 code.", required=True),
            Column("rate", "number", "Units of to_currency per unit.", required=True, minimum=0),
        ),
        key=("day", "from_currency", "to_currency"),
        begins_at="day",
    ),
    Entity(
        "forecast_submissions",
        "forecast_submission",
        "Forecasts as submitted by reps and managers.",
        (
            id_of("owner_id", "users", "source_id of the user who forecasts.", required=True),
            day("period_start", "First day of the forecast period.", required=True),
            text("category", "Forecast category.", required=True, allowed=FORECAST_CATEGORIES),
            money("amount", "Forecast amount, company currency.", required=True),
            moment("submitted_at", "When it was submitted (UTC).", required=True),
        ),
        key=("owner_id", "period_start", "category", "submitted_at"),
        begins_at="submitted_at",
    ),
)
