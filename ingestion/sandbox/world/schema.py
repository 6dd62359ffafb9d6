"""The world's entities: columns, code lists, and how each is stored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ingestion.sandbox.world.ad_accounts import AD_ACCOUNT_IDS

NULL = -(2**63)
"""No value, in columns of money and moments."""
NULL_DAY = -(2**31)
"""No value, in columns of days and integers."""
NONE = -1
"""No value, in columns of references and codes."""

REGIONS = ("Americas", "EMEA", "APAC")
SEGMENTS = ("SMB", "Mid-Market", "Enterprise")
ROLES = ("rep", "manager", "sdr", "marketing", "other")
CURRENCIES = ("USD", "EUR", "GBP", "JPY", "KWD")
SMALLEST = np.array([1, 1, 1, 100, 1])
"""The smallest amount by currency, in hundredths: a whole yen; of a dinar hundredths are enough."""
INDUSTRIES = (
    "Software", "Retail", "Manufacturing", "Finance", "Healthcare", "Logistics", "Education",
    "Media",
)  # fmt: skip
TITLES = ("VP Operations", "Head of IT", "CFO", "Operations Manager", "Analyst", "Procurement")
CHANNELS = (
    "Paid Search", "Paid Social", "Organic Search", "Webinar", "Content", "Referral", "Event",
)  # fmt: skip
LEAD_SOURCES = (*CHANNELS, "Outbound", "Partner", "Customer")
PLATFORMS = ("google_ads", "linkedin_ads", "meta_ads", "other")
RESTATEMENTS = ("conversion", "correction")
LEAD_STATUSES = ("new", "working", "qualified", "converted", "disqualified")
PIPELINES = ("New Business", "Renewals")
DEAL_TYPES = ("new", "expansion", "renewal")
PRODUCTS = ("Core", "Analytics", "Automation", "Platform")
PLANS = tuple(f"{product} annual" for product in PRODUCTS)
LOSS_REASONS = ("Price", "Competitor", "Timing", "Missing feature", "No budget", "Unresponsive")
FORECAST_CATEGORIES = ("omitted", "pipeline", "best_case", "commit", "closed")
ACTIVITY_TYPES = ("call", "email", "meeting", "demo", "task", "note")
DIRECTIONS = ("in", "out")
OUTCOMES = ("connected", "no_answer", "completed", "no_show", "replied")
TOUCH_TYPES = ("ad_click", "page_view", "form", "email_open", "webinar", "event")
SUBSCRIPTION_STATUSES = (
    "active", "ended", "canceled", "trialing", "past_due", "unpaid", "paused",
)  # fmt: skip
UNCOUNTED = tuple(SUBSCRIPTION_STATUSES.index(s) for s in ("trialing", "unpaid", "paused"))
"""Statuses that bring no recurring revenue. A stretch that had one keeps it when it has ended."""
INVOICE_STATUSES = ("open", "paid", "void")
LINE_KINDS = ("recurring", "onboarding", "usage", "proration")
CREDIT_KINDS = ("credit_note", "refund", "credit_note_with_refund")
COST_CATEGORIES = ("salaries", "tools", "events", "agency", "other")
COST_TEAMS = ("Sales", "Marketing", "Customer Success")
GRAINS = ("month", "quarter", "year")
MEASURES = ("revenue", "deals", "activities")
CONTENT_TYPES = ("case_study", "deck", "whitepaper", "video")
SURVEY_TYPES = ("nps", "csat")
VARIANTS = ("control", "treatment")
COURSES = ("Discovery calls", "Qualifying", "Demo craft", "Proposals", "Negotiating", "Closing")
UNITS = ("opportunity",)
PRIMARY_METRICS = ("win_rate",)


@dataclass(frozen=True)
class Coupon:
    """What a coupon takes off each invoice of a subscription: a share, or an amount by currency.

    Forever, or in so many months since the subscription's start. Shares are of what recurs.
    """

    label: str
    percent: int = 0
    amount: tuple[int, ...] = ()
    months: int | None = None


COUPONS = (
    Coupon("forever 10 percent", percent=10),
    Coupon("forever amount", amount=(25_00, 23_00, 20_00, 3_500_00, 8_00)),
    Coupon("three months 20 percent", percent=20, months=3),
)
COUPON_LABELS = tuple(coupon.label for coupon in COUPONS)


@dataclass(frozen=True)
class Tier:
    """A band of a graduated price: each unit in it has its price, the first one a flat one too.

    `up_to` is the last unit of the band; None: all the rest.
    """

    up_to: int | None
    unit: int
    flat: int = 0


TIERS = (Tier(10, 90_00), Tier(50, 70_00, 50_00), Tier(None, 55_00, 100_00))
"""The graduated price of a month, in any currency."""


@dataclass(frozen=True)
class Stage:
    """One stage of a pipeline and its true behaviour.

    `days` is the mean stay, `advance` the chance to advance on leaving; both 0 when closed.
    """

    label: str
    pipeline: int
    order: int
    status: str
    probability: float
    forecast_category: int
    days: float = 0.0
    advance: float = 0.0


STAGES = (
    Stage("Discovery", 0, 1, "open", 0.10, 0, 8, 0.68),
    Stage("Qualification", 0, 2, "open", 0.20, 1, 10, 0.73),
    Stage("Demo", 0, 3, "open", 0.35, 1, 11, 0.77),
    Stage("Proposal", 0, 4, "open", 0.50, 2, 13, 0.72),
    Stage("Negotiation", 0, 5, "open", 0.70, 3, 12, 0.83),
    Stage("Contract", 0, 6, "open", 0.90, 3, 6, 0.93),
    Stage("Closed Won", 0, 7, "won", 1.0, 4),
    Stage("Closed Lost", 0, 8, "lost", 0.0, 4),
    Stage("No Decision", 0, 9, "no_decision", 0.0, 4),
    Stage("Renewal Due", 1, 1, "open", 0.70, 1, 25, 0.95),
    Stage("Renewal Review", 1, 2, "open", 0.80, 2, 20, 0.94),
    Stage("Renewal Terms", 1, 3, "open", 0.90, 3, 15, 0.96),
    Stage("Renewed", 1, 4, "won", 1.0, 4),
    Stage("Not Renewed", 1, 5, "lost", 0.0, 4),
    Stage("Onboarded", 0, 10, "won", 1.0, 4),
    Stage("Renewal Invoiced", 1, 6, "won", 1.0, 4),
)
RELABELLED = {11: "Renewal Contract"}
"""Stages that get another name one day."""
STAGE_LABELS = tuple(stage.label for stage in STAGES)
STAGE_OPEN = np.array([stage.status == "open" for stage in STAGES])
STAGE_WON = np.array([stage.status == "won" for stage in STAGES])
STAGE_DAYS = np.array([stage.days for stage in STAGES])
STAGE_ADVANCE = np.array([stage.advance for stage in STAGES])
STAGE_CATEGORY = np.array([stage.forecast_category for stage in STAGES])
FIRST_STAGE = np.array([0, 9])
WON = np.array([6, 12])
LOST = np.array([7, 13])
NO_DECISION = np.array([8, 13])
"""Closed stage by pipeline; renewals have no separate no-decision stage."""
POST_SALE = np.array([14, 15])
"""Stage by pipeline to which won deals move on."""


@dataclass(frozen=True)
class Column:
    """One stored column.

    `kind` is ref, code, money (hundredths), moment, day, int, float, bool, rate or exact (both
    millionths). `of` is the entity a ref points to, or the values of a code. A `tracked` column may
    change after creation: each value goes to the event log. A `hidden` one is the simulation's own
    and never leaves it.
    """

    name: str
    kind: str
    of: tuple[str, ...] | str = ""
    tracked: bool = False
    hidden: bool = False

    @property
    def dtype(self) -> type:
        """Storage type."""
        return _DTYPES[self.kind]

    @property
    def null(self) -> int | float:
        """The stored value that means: none."""
        return _NULLS[self.kind]


_DTYPES: dict[str, type] = {
    "ref": np.int32, "code": np.int8, "money": np.int64, "moment": np.int64, "day": np.int32,
    "int": np.int32, "float": np.float64, "bool": np.int8, "rate": np.int64, "exact": np.int64,
}  # fmt: skip
_NULLS: dict[str, int | float] = {
    "ref": NONE, "code": NONE, "money": NULL, "moment": NULL, "day": NULL_DAY,
    "int": NULL_DAY, "float": np.nan, "bool": 0, "rate": NULL, "exact": NULL,
}  # fmt: skip


def _columns(kind: str, names: str, *, tracked: bool = False, hidden: bool = False) -> list[Column]:
    return [Column(name, kind, "", tracked, hidden) for name in names.split()]


def _ref(name: str, of: str, *, tracked: bool = False, hidden: bool = False) -> Column:
    return Column(name, "ref", of, tracked, hidden)


def _code(name: str, of: tuple[str, ...], *, tracked: bool = False, hidden: bool = False) -> Column:
    return Column(name, "code", of, tracked, hidden)


DELETED = Column("is_deleted", "bool", "", tracked=True)

ENTITIES: dict[str, list[Column]] = {
    "users": [
        _code("role", ROLES), _ref("manager_id", "users", tracked=True), _code("region", REGIONS),
        _code("segment", SEGMENTS), *_columns("day", "hired_on"),
        *_columns("day", "left_on", tracked=True), *_columns("bool", "is_active", tracked=True),
        *_columns("int", "team_number", tracked=True, hidden=True),
        *_columns("int", "weak_stage", hidden=True),
        *_columns("float", "response_hours", hidden=True),
        *_columns("bool", "is_trained", hidden=True),
    ],
    "accounts": [
        _code("industry", INDUSTRIES), _code("segment", SEGMENTS), _code("region", REGIONS),
        *_columns("int", "employees"), _ref("parent_id", "accounts"),
        _ref("owner_id", "users", tracked=True), *_columns("moment", "created_at"), DELETED,
        *_columns("int", "company_number first_contact contact_count", hidden=True),
    ],
    "contacts": [
        _ref("account_id", "accounts"), _code("title", TITLES), *_columns("moment", "created_at"),
        DELETED, *_columns("int", "person_number company_number", hidden=True),
    ],
    "leads": [
        *_columns("moment", "created_at"), _ref("account_id", "accounts", tracked=True),
        _ref("contact_id", "contacts", tracked=True), _ref("owner_id", "users", tracked=True),
        _code("channel", CHANNELS), _ref("campaign_id", "campaigns"),
        _code("status", LEAD_STATUSES, tracked=True),
        *_columns(
            "moment", "qualified_at accepted_at first_response_at converted_at", tracked=True
        ),
        _ref("opportunity_id", "opportunities", tracked=True), DELETED,
        *_columns("int", "person_number company_number", hidden=True),
        *_columns("moment", "qualify_due accept_due respond_due convert_due", hidden=True),
    ],
    "opportunities": [
        _ref("account_id", "accounts"), _ref("owner_id", "users", tracked=True),
        _code("pipeline", PIPELINES), _code("stage", STAGE_LABELS, tracked=True),
        *_columns("money", "amount", tracked=True), _code("currency", CURRENCIES, tracked=True),
        *_columns("moment", "created_at first_contact_at"),
        *_columns("day", "close_date", tracked=True),
        *_columns("moment", "closed_at", tracked=True), _code("deal_type", DEAL_TYPES),
        _code("lead_source", LEAD_SOURCES), _code("product", PRODUCTS), _code("region", REGIONS),
        _code("segment", SEGMENTS), _code("loss_reason", LOSS_REASONS, tracked=True),
        _code("forecast_category", FORECAST_CATEGORIES, tracked=True),
        _ref("campaign_id", "campaigns"), _ref("merged_into_id", "opportunities", tracked=True),
        DELETED, _ref("lead_id", "leads", hidden=True),
        _ref("contact_id", "contacts", hidden=True),
        _ref("subscription_id", "subscriptions", hidden=True),
        _ref("duplicate_of", "opportunities", hidden=True),
        _code("variant", VARIANTS, hidden=True), *_columns("bool", "is_open", hidden=True),
        *_columns("money", "true_amount", hidden=True),
        *_columns("moment", "shut_at untold_at", hidden=True),
        *_columns("day", "told_on", hidden=True),
        *_columns("moment", "last_activity_at", hidden=True),
        *_columns("day", "stalled_until", hidden=True),
    ],
    "deal_contacts": [
        _ref("opportunity_id", "opportunities"), _ref("contact_id", "contacts"),
        *_columns("bool", "is_primary"), *_columns("moment", "created_at"),
    ],
    "line_items": [
        _ref("opportunity_id", "opportunities"), _code("product", PRODUCTS),
        *_columns("int", "quantity"), *_columns("money", "unit_price amount"),
        _code("currency", CURRENCIES), *_columns("moment", "created_at"),
    ],
    "activities": [
        _code("type", ACTIVITY_TYPES), _code("direction", DIRECTIONS),
        *_columns("moment", "occurred_at due_at"), _ref("owner_id", "users"),
        _ref("opportunity_id", "opportunities"), _ref("lead_id", "leads"),
        _ref("contact_id", "contacts"), _ref("account_id", "accounts"),
        *_columns("int", "duration_seconds"), _code("outcome", OUTCOMES),
        _ref("content_id", "content"), *_columns("bool", "is_plan", hidden=True),
        *_columns("moment", "meant_at", hidden=True),
        *_columns("moment", "done_at", tracked=True, hidden=True),
    ],
    "campaigns": [
        _code("channel", CHANNELS), _code("platform", PLATFORMS),
        *_columns("day", "started_on ended_on"), *_columns("money", "budget"),
        _code("currency", CURRENCIES), _code("ad_account", AD_ACCOUNT_IDS, hidden=True),
        *_columns("bool", "is_pmax", hidden=True),
        *_columns("int", "renamings", tracked=True, hidden=True),
    ],
    "spend_daily": [
        _code("platform", PLATFORMS), *_columns("day", "day"), _ref("campaign_id", "campaigns"),
        *_columns("money", "spend", tracked=True), _code("currency", CURRENCIES),
        *_columns("int", "impressions clicks conversions", tracked=True),
        *_columns("money", "conversion_value", tracked=True),
        *_columns("bool", "is_partial", tracked=True), DELETED, _ref("ad", "ads", hidden=True),
    ],
    "touches": [
        *_columns("moment", "occurred_at"), _code("type", TOUCH_TYPES), _code("channel", CHANNELS),
        _ref("campaign_id", "campaigns"), _ref("lead_id", "leads"), _ref("contact_id", "contacts"),
        _ref("opportunity_id", "opportunities"),
    ],
    "customers": [
        _ref("account_id", "accounts"), *_columns("moment", "created_at"),
        _code("currency", CURRENCIES, hidden=True),
        *_columns("day", "churned_on", hidden=True), DELETED,
    ],
    "subscriptions": [
        _ref("customer_id", "customers"), _code("status", SUBSCRIPTION_STATUSES, tracked=True),
        *_columns("moment", "started_at"), *_columns("moment", "ended_at", tracked=True),
        _code("currency", CURRENCIES), *_columns("exact", "mrr"), _code("plan", PLANS),
        *_columns("day", "anchor_day billed_from billed_to", hidden=True),
        *_columns("int", "bill_day", hidden=True),
        *_columns("bool", "is_annual is_current is_tiered", hidden=True),
        _ref("opportunity_id", "opportunities", hidden=True),
        _ref("chain", "subscriptions", hidden=True), *_columns("int", "quantity", hidden=True),
        *_columns("money", "unit_amount period_amount", hidden=True),
        _code("coupon", COUPON_LABELS, hidden=True),
        *_columns("moment", "trial_ends_at", hidden=True),
    ],
    "invoices": [
        _ref("customer_id", "customers"), *_columns("moment", "issued_at due_at"),
        *_columns("moment", "paid_at", tracked=True),
        _code("status", INVOICE_STATUSES, tracked=True), _code("currency", CURRENCIES),
        *_columns("money", "total tax"), *_columns("money", "amount_paid", tracked=True),
        _ref("opportunity_id", "opportunities"),
        *_columns("moment", "pay_due drafted_at", hidden=True),
        *_columns("int", "parts", hidden=True), *_columns("money", "discount", hidden=True),
        _ref("subscription_id", "subscriptions", hidden=True),
    ],
    "invoice_lines": [
        _ref("invoice_id", "invoices"), _code("product", PRODUCTS), *_columns("int", "quantity"),
        *_columns("money", "amount"), *_columns("day", "period_start period_end"),
        *_columns("bool", "is_recurring"), _code("kind", LINE_KINDS, hidden=True),
        _ref("subscription_id", "subscriptions", hidden=True),
        _ref("proration_id", "prorations", hidden=True),
    ],
    "payments": [
        _ref("customer_id", "customers"), _ref("invoice_id", "invoices"),
        *_columns("moment", "occurred_at"), *_columns("money", "amount"),
        _code("currency", CURRENCIES),
    ],
    "credit_notes": [
        _ref("customer_id", "customers"), _ref("invoice_id", "invoices"),
        *_columns("moment", "occurred_at"), *_columns("money", "amount"),
        _code("currency", CURRENCIES), _code("kind", CREDIT_KINDS, hidden=True),
        *_columns("moment", "fail_due failed_at", hidden=True), DELETED,
    ],
    "costs": [
        *_columns("day", "month"), _code("category", COST_CATEGORIES), _code("team", COST_TEAMS),
        *_columns("money", "amount"), _code("currency", CURRENCIES),
    ],
    "quotas": [
        _ref("owner_id", "users"), *_columns("day", "period_start"),
        _code("period_grain", GRAINS), _code("measure", MEASURES), *_columns("money", "amount"),
        _code("currency", CURRENCIES), *_columns("int", "team_number", hidden=True),
    ],
    "fx_rates": [
        *_columns("day", "day"), _code("from_currency", CURRENCIES),
        _code("to_currency", CURRENCIES), *_columns("rate", "rate"),
    ],
    "forecast_submissions": [
        _ref("owner_id", "users"), *_columns("day", "period_start"),
        _code("category", FORECAST_CATEGORIES), *_columns("money", "amount"),
        *_columns("moment", "submitted_at"),
    ],
    "experiments": [
        _code("unit", UNITS), _code("primary_metric", PRIMARY_METRICS),
        *_columns("moment", "started_at ended_at"),
    ],
    "experiment_assignments": [
        _ref("experiment_id", "experiments"), _ref("unit_id", "opportunities"),
        _code("variant", VARIANTS), *_columns("moment", "assigned_at"),
    ],
    "training": [
        _ref("user_id", "users"), _code("course", COURSES), _code("skill", STAGE_LABELS),
        *_columns("moment", "completed_at"), *_columns("int", "score"),
    ],
    "content": [_code("type", CONTENT_TYPES), *_columns("int", "topic", hidden=True)],
    "content_usage": [
        _ref("content_id", "content"), _ref("user_id", "users"),
        _ref("opportunity_id", "opportunities"), *_columns("moment", "occurred_at"),
    ],
    "surveys": [
        _ref("account_id", "accounts"), _ref("opportunity_id", "opportunities"),
        *_columns("moment", "occurred_at"), _code("type", SURVEY_TYPES),
        *_columns("int", "score"),
    ],
    "prorations": [
        _ref("subscription_id", "subscriptions"), _ref("old_id", "subscriptions"),
        *_columns("moment", "occurred_at"), *_columns("money", "credit charge"),
        *_columns("day", "period_end"), _ref("invoice_id", "invoices", tracked=True),
    ],
    "ads": [_ref("campaign_id", "campaigns"), *_columns("int", "number"), DELETED],
    "restatements": [
        _ref("spend_id", "spend_daily"), *_columns("day", "due_on"), _code("kind", RESTATEMENTS),
        *_columns("int", "percent"),
    ],
}  # fmt: skip
"""Stored columns by entity; every store also has `updated_at`. Text that follows from a row's
numbers (names, emails) is not stored: `render` writes it.

Of a day's spend, `day` is the account's, and what a campaign has beyond its ads names none. An
activity that `is_plan` was planned at its `occurred_at`, and happened at its `done_at`, if it
has one: `render` shows what that comes to."""
