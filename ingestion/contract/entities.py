"""The contract: the canonical entities that every source is mapped to.

This is the one place where an entity's columns, types, allowed values and keys are said.
The sources validate rows against it, raw tables are declared from it, and the dbt staging and
union models are generated from it (`make contract`; a test keeps them in step).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

ColumnType = Literal["text", "money", "number", "integer", "boolean", "timestamp", "date"]

RECORD = "record"
"""What a column points at whose row says of which entity the record is."""

STAGE_STATUSES = ("open", "won", "lost", "no_decision")
FORECAST_CATEGORIES = ("omitted", "pipeline", "best_case", "most_likely", "commit", "closed")


@dataclass(frozen=True)
class Column:
    """A canonical column.

    `event` marks the moment of something that happens to a record after it was created: as of an
    earlier moment it has not happened, and the value does not exist.
    `references` says what the values point at: an entity, by its `source_id`; `users.team` and
    `pipeline_stages.stage`, by those columns; RECORD, a record of the entity that the row names.
    """

    name: str
    type: ColumnType
    description: str
    required: bool = False
    allowed: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    event: bool = False
    references: str = ""


@dataclass(frozen=True)
class ExtraColumn(Column):
    """A column that a company adds to an entity; metrics are cut by one that is a `cut`."""

    cut: bool = False


@dataclass(frozen=True)
class Entity:
    """A canonical entity.

    `key` is the natural key that stands in for `source_id` where a source gives none. Without a
    key, `source_id` must be mapped when `is_referenced` (other entities point to it); otherwise
    a row is identified by all of its values.
    `told` columns must be mapped, though a row may have no value there: that is what it tells.
    `begins_at` is the column whose moment brings a record into being: as of an earlier moment the
    record does not exist. (Field changes have none: a later change tells the value before it.)
    """

    name: str
    singular: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    is_referenced: bool = False
    begins_at: str | None = None
    told: tuple[str, ...] = ()
    by_name: Mapping[str, Column] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_name = {column.name: column for column in (*META_COLUMNS, *self.columns)}
        object.__setattr__(self, "by_name", MappingProxyType(by_name))

    @property
    def surrogate_key(self) -> str:
        """Name of the hash of system, instance and id that staging adds."""
        return f"{self.singular}_key"

    @property
    def needed(self) -> tuple[str, ...]:
        """The columns that a source must map, `source_id` left out."""
        return tuple(c.name for c in self.columns if c.required or c.name in self.told)


META_COLUMNS = (
    Column("source_id", "text", "The record's id in the system that it came from.", required=True),
    Column("source_updated_at", "timestamp", "When the source last changed the record (UTC)."),
    Column("is_deleted", "boolean", "Whether the source has deleted the record."),
)


def _text(name: str, description: str, **rules: object) -> Column:
    return Column(name, "text", description, **rules)  # type: ignore[arg-type]


def _id(name: str, references: str, description: str, **rules: object) -> Column:
    return Column(name, "text", description, references=references, **rules)  # type: ignore[arg-type]


def _at(name: str, description: str, **rules: object) -> Column:
    return Column(name, "timestamp", description, **rules)  # type: ignore[arg-type]


def _on(name: str, description: str, **rules: object) -> Column:
    return Column(name, "date", description, **rules)  # type: ignore[arg-type]


def _money(name: str, description: str, **rules: object) -> Column:
    return Column(name, "money", description, **rules)  # type: ignore[arg-type]


def _count(name: str, description: str, **rules: object) -> Column:
    return Column(name, "integer", description, minimum=0, **rules)  # type: ignore[arg-type]


def _share(name: str, description: str) -> Column:
    return Column(name, "number", description, minimum=0, maximum=1)


_CURRENCY = _text("currency", "ISO 4217 code of the native amounts; none means the company's own.")

_ENTITIES = (
    Entity(
        "users",
        "user",
        "People who sell, market or manage: owners of records.",
        (
            _text("name", "The person's name.", required=True),
            _text("email", "Work email address (personal data: never published)."),
            _text(
                "role",
                "What the person does.",
                allowed=("rep", "manager", "sdr", "marketing", "other"),
            ),
            _text("team", "The team's name."),
            _id("manager_id", "users", "source_id of the person's manager."),
            _text("region", "Sales region."),
            _text("segment", "Market segment that the person serves."),
            _on("hired_on", "First day at the company."),
            _on("left_on", "Last day at the company; none while employed."),
            Column("is_active", "boolean", "Whether the account is in use."),
        ),
        is_referenced=True,
    ),
    Entity(
        "accounts",
        "account",
        "Companies that are sold to.",
        (
            _text("name", "The company's name.", required=True),
            _text("domain", "Web domain."),
            _text("industry", "Industry."),
            _text("segment", "Market segment."),
            _text("region", "Sales region."),
            _count("employees", "Number of employees."),
            _id("parent_id", "accounts", "source_id of the parent account."),
            _id("owner_id", "users", "source_id of the owning user."),
            _at("created_at", "When the account was created (UTC)."),
        ),
        is_referenced=True,
        begins_at="created_at",
    ),
    Entity(
        "contacts",
        "contact",
        "People at accounts.",
        (
            _text("email", "Email address (personal data: never published)."),
            _text("name", "The person's name (personal data: never published).", required=True),
            _id("account_id", "accounts", "source_id of the account."),
            _text("title", "Job title."),
            _at("created_at", "When the contact was created (UTC)."),
        ),
        is_referenced=True,
        begins_at="created_at",
    ),
    Entity(
        "leads",
        "lead",
        "People or companies that showed interest, before and after qualification.",
        (
            _at("created_at", "When the lead was created (UTC).", required=True),
            _text("name", "The person's name (personal data: never published)."),
            _text("email", "Email address (personal data: never published)."),
            _id("account_id", "accounts", "source_id of the account."),
            _id("contact_id", "contacts", "source_id of the contact."),
            _id("owner_id", "users", "source_id of the owning user."),
            _text("channel", "Marketing channel that brought the lead."),
            _id("campaign_id", "campaigns", "source_id of the campaign that brought the lead."),
            _text("status", "The lead's status, as the source names it."),
            _at("qualified_at", "When marketing qualified the lead (UTC).", event=True),
            _at("accepted_at", "When sales accepted the lead (UTC).", event=True),
            _at("first_response_at", "When the lead was first answered (UTC).", event=True),
            _at("converted_at", "When the lead became an opportunity (UTC).", event=True),
            _id(
                "opportunity_id",
                "opportunities",
                "source_id of the opportunity that the lead became.",
            ),
        ),
        is_referenced=True,
        begins_at="created_at",
    ),
    Entity(
        "pipeline_stages",
        "pipeline_stage",
        "The stages of each pipeline, in order.",
        (
            _text("pipeline", "The pipeline; none where a company has only one."),
            _text("stage", "The stage.", required=True),
            _count("stage_order", "Position in the pipeline, ascending.", required=True),
            _text(
                "status",
                "What a deal in this stage is.",
                required=True,
                allowed=STAGE_STATUSES,
            ),
            _share("probability", "Probability of winning from this stage, 0 to 1."),
            _text(
                "forecast_category",
                "Forecast category of deals in this stage.",
                allowed=FORECAST_CATEGORIES,
            ),
        ),
        key=("pipeline", "stage"),
    ),
    Entity(
        "opportunities",
        "opportunity",
        "Deals.",
        (
            _text("name", "The deal's name."),
            _id("account_id", "accounts", "source_id of the account."),
            _id("owner_id", "users", "source_id of the owning user."),
            _text("pipeline", "The pipeline; none where a company has only one."),
            _text("stage", "The current stage.", required=True, references="pipeline_stages.stage"),
            _text("last_open_stage", "The stage that a closed deal was last open in, if it tells."),
            _money("amount", "Native amount."),
            _CURRENCY,
            _at("created_at", "When the deal was created (UTC)."),
            _at("first_contact_at", "When the buyer was first in contact (UTC)."),
            _on("close_date", "Closing date, company time zone; expected while the deal is open."),
            _at("closed_at", "When the deal was won or lost (UTC)."),
            _text("deal_type", "Kind of deal.", allowed=("new", "expansion", "renewal")),
            _text("lead_source", "Where the deal came from."),
            _text("product", "What is sold."),
            _text("region", "Sales region."),
            _text("segment", "Market segment."),
            _text("loss_reason", "Why the deal was lost."),
            _share(
                "probability",
                "The deal's own probability of winning, 0 to 1, where the source gives one.",
            ),
            _text("forecast_category", "Forecast category.", allowed=FORECAST_CATEGORIES),
            _id("campaign_id", "campaigns", "source_id of the campaign that brought the deal."),
            _id(
                "merged_into_id",
                "opportunities",
                "source_id of the deal that this one was merged into.",
            ),
        ),
        is_referenced=True,
        begins_at="created_at",
    ),
    Entity(
        "field_changes",
        "field_change",
        "The history of records: one row per field and change.",
        (
            _text("entity", "Name of the changed record's entity.", required=True),
            _id("entity_id", RECORD, "source_id of the changed record.", required=True),
            _text("field", "The changed column (stage, amount, close_date, …).", required=True),
            _text("old_value", "Value before the change; none: not told, or there was none."),
            _text("new_value", "Value after the change; none: the value was emptied."),
            _at("changed_at", "When the value changed (UTC).", required=True),
            _id("changed_by", "users", "source_id of the user who changed it."),
        ),
        told=("new_value",),
    ),
    Entity(
        "activities",
        "activity",
        "Calls, emails, meetings and other things that people did.",
        (
            _text(
                "type",
                "Kind of activity.",
                required=True,
                allowed=("call", "email", "meeting", "demo", "task", "note", "message", "chat"),
            ),
            _text("direction", "Who started it: in or out.", allowed=("in", "out")),
            _at("occurred_at", "When it happened (UTC).", required=True),
            _id("owner_id", "users", "source_id of the user who did it."),
            _id(
                "opportunity_id", "opportunities", "source_id of the opportunity that it was about."
            ),
            _id("lead_id", "leads", "source_id of the lead that it was about."),
            _id("contact_id", "contacts", "source_id of the contact it was with."),
            _id("account_id", "accounts", "source_id of the account it was with."),
            Column("duration_seconds", "number", "How long it took, seconds.", minimum=0),
            _text("outcome", "How it ended, as the source names it."),
            _id("content_id", "content", "source_id of the content that was used."),
        ),
        begins_at="occurred_at",
    ),
    Entity(
        "campaigns",
        "campaign",
        "Marketing campaigns.",
        (
            _text("name", "The campaign's name.", required=True),
            _text("channel", "Marketing channel."),
            _text("platform", "Advertising platform."),
            _on("started_on", "First day."),
            _on("ended_on", "Last day."),
            _money("budget", "Native budget.", minimum=0),
            _CURRENCY,
        ),
        is_referenced=True,
        begins_at="started_on",
    ),
    Entity(
        "spend_daily",
        "spend_day",
        "Advertising spend by day, at the grain the platform gives.",
        (
            _text("platform", "Advertising platform.", required=True),
            _on("day", "The day of the spend.", required=True),
            _text("ad_account", "Advertising account."),
            _id("campaign_id", "campaigns", "source_id of the campaign."),
            _text("ad_group", "Ad group or ad set."),
            _text("ad", "The ad."),
            _money("spend", "Native spend.", required=True),
            _CURRENCY,
            _count("impressions", "Times shown."),
            _count("clicks", "Clicks."),
            Column("conversions", "number", "Conversions, as the platform counts them.", minimum=0),
            _money("conversion_value", "Native value of the conversions."),
        ),
        key=("platform", "day", "ad_account", "campaign_id", "ad_group", "ad"),
        begins_at="day",
    ),
    Entity(
        "touches",
        "touch",
        "Marketing touches of leads, contacts and opportunities.",
        (
            _at("occurred_at", "When it happened (UTC).", required=True),
            _text("type", "Kind of touch.", required=True),
            _text("channel", "Marketing channel."),
            _id("campaign_id", "campaigns", "source_id of the campaign."),
            _id("lead_id", "leads", "source_id of the lead."),
            _id("contact_id", "contacts", "source_id of the contact."),
            _id("opportunity_id", "opportunities", "source_id of the opportunity."),
        ),
        begins_at="occurred_at",
    ),
    Entity(
        "customers",
        "customer",
        "Paying customers, as the billing system knows them.",
        (
            _text("name", "The customer's name."),
            _text("email", "Billing email address (personal data: never published)."),
            _text("domain", "Web domain."),
            _id("account_id", "accounts", "source_id of the account."),
            _at("created_at", "When the customer was created (UTC)."),
        ),
        is_referenced=True,
        begins_at="created_at",
    ),
    Entity(
        "subscriptions",
        "subscription",
        "Recurring contracts.",
        (
            _id("customer_id", "customers", "source_id of the customer.", required=True),
            _text("status", "The subscription's status, as the source names it.", required=True),
            _at("started_at", "When it began (UTC).", required=True),
            _at("ended_at", "When it ended or will end (UTC)."),
            _CURRENCY,
            _money("mrr", "Native monthly recurring revenue.", required=True, minimum=0),
            _text("plan", "The plan."),
        ),
        is_referenced=True,
        begins_at="started_at",
    ),
    Entity(
        "invoices",
        "invoice",
        "Invoices.",
        (
            _id("customer_id", "customers", "source_id of the customer.", required=True),
            _at("issued_at", "When it was issued (UTC).", required=True),
            _at("due_at", "When it is due (UTC)."),
            _at("paid_at", "When it was paid (UTC).", event=True),
            _text("status", "The invoice's status, as the source names it.", required=True),
            _CURRENCY,
            _money("total", "Native total, tax included.", required=True),
            _money("tax", "Native tax."),
            _money("amount_paid", "Native amount paid so far."),
            _id("opportunity_id", "opportunities", "source_id of the opportunity that led to it."),
        ),
        is_referenced=True,
        begins_at="issued_at",
    ),
    Entity(
        "invoice_lines",
        "invoice_line",
        "Lines of invoices.",
        (
            _id("invoice_id", "invoices", "source_id of the invoice.", required=True),
            _text("product", "What was sold."),
            Column("quantity", "number", "How many; negative on returns."),
            _money("amount", "Native amount of the line.", required=True),
            _at("period_start", "Start of the service period (UTC)."),
            _at("period_end", "End of the service period (UTC)."),
            Column("is_recurring", "boolean", "Whether the line recurs."),
        ),
    ),
    Entity(
        "payments",
        "payment",
        "Payments received.",
        (
            _id("customer_id", "customers", "source_id of the customer.", required=True),
            _id("invoice_id", "invoices", "source_id of the paid invoice."),
            _at("occurred_at", "When it was received (UTC).", required=True),
            _money("amount", "Native amount.", required=True),
            _CURRENCY,
        ),
        begins_at="occurred_at",
    ),
    Entity(
        "credit_notes",
        "credit_note",
        "Credits and refunds.",
        (
            _id("customer_id", "customers", "source_id of the customer.", required=True),
            _id("invoice_id", "invoices", "source_id of the credited invoice."),
            _at("occurred_at", "When it was given (UTC).", required=True),
            _money("amount", "Native amount.", required=True),
            _CURRENCY,
        ),
        begins_at="occurred_at",
    ),
    Entity(
        "costs",
        "cost",
        "Monthly sales and marketing costs other than advertising.",
        (
            _on("month", "First day of the month.", required=True),
            _text(
                "category",
                "Kind of cost.",
                required=True,
                allowed=("salaries", "tools", "events", "agency", "other"),
            ),
            _text("team", "The team that it was spent on.", references="users.team"),
            _money("amount", "Native amount.", required=True),
            _CURRENCY,
        ),
        key=("month", "category", "team", "currency"),
        begins_at="month",
    ),
    Entity(
        "quotas",
        "quota",
        "Targets of a rep, a team, or (with neither) the company.",
        (
            _id("owner_id", "users", "source_id of the user that the quota is for."),
            _text("team", "The team that the quota is for.", references="users.team"),
            _on("period_start", "First day of the period.", required=True),
            _text(
                "period_grain",
                "Length of the period.",
                required=True,
                allowed=("month", "quarter", "year"),
            ),
            _text(
                "measure",
                "What is counted.",
                required=True,
                allowed=("revenue", "deals", "activities"),
            ),
            _money("amount", "The target: native money, or a count.", required=True, minimum=0),
            _CURRENCY,
        ),
        key=("owner_id", "team", "period_start", "period_grain", "measure"),
    ),
    Entity(
        "fx_rates",
        "fx_rate",
        "Exchange rates: one unit of from_currency is worth rate units of to_currency.",
        (
            _on("day", "The day that the rate holds from.", required=True),
            _text("from_currency", "ISO 4217 code.", required=True),
            _text("to_currency", "ISO 4217 code.", required=True),
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
            _id("owner_id", "users", "source_id of the user who forecasts.", required=True),
            _on("period_start", "First day of the forecast period.", required=True),
            _text("category", "Forecast category.", required=True, allowed=FORECAST_CATEGORIES),
            _money("amount", "Forecast amount, company currency.", required=True),
            _at("submitted_at", "When it was submitted (UTC).", required=True),
        ),
        key=("owner_id", "period_start", "category", "submitted_at"),
        begins_at="submitted_at",
    ),
    Entity(
        "experiments",
        "experiment",
        "Tests of sales approaches.",
        (
            _text("name", "The experiment's name.", required=True),
            _text("unit", "What is assigned to a variant (lead, opportunity, account, user)."),
            _text("primary_metric", "The metric that decides."),
            _at("started_at", "When it began (UTC)."),
            _at("ended_at", "When it ended (UTC).", event=True),
        ),
        is_referenced=True,
        begins_at="started_at",
    ),
    Entity(
        "experiment_assignments",
        "experiment_assignment",
        "Which unit was given which variant.",
        (
            _id("experiment_id", "experiments", "source_id of the experiment.", required=True),
            _id("unit_id", RECORD, "source_id of the assigned record.", required=True),
            _text("variant", "The variant.", required=True),
            _at("assigned_at", "When it was assigned (UTC).", required=True),
        ),
        key=("experiment_id", "unit_id"),
        begins_at="assigned_at",
    ),
    Entity(
        "training",
        "training_record",
        "Courses that people took.",
        (
            _id("user_id", "users", "source_id of the user.", required=True),
            _text("course", "The course.", required=True),
            _text("skill", "The skill that it trains."),
            _at("completed_at", "When it was completed (UTC).", event=True),
            Column("score", "number", "The score reached."),
        ),
    ),
    Entity(
        "content",
        "content_item",
        "Sales content.",
        (
            _text("title", "The title.", required=True),
            _text("type", "Kind of content."),
        ),
        is_referenced=True,
    ),
    Entity(
        "content_usage",
        "content_use",
        "Uses of sales content.",
        (
            _id("content_id", "content", "source_id of the content.", required=True),
            _id("user_id", "users", "source_id of the user."),
            _id("opportunity_id", "opportunities", "source_id of the opportunity."),
            _at("occurred_at", "When it was used (UTC).", required=True),
        ),
        begins_at="occurred_at",
    ),
    Entity(
        "surveys",
        "survey_response",
        "Answers to customer surveys.",
        (
            _id("account_id", "accounts", "source_id of the account."),
            _id("opportunity_id", "opportunities", "source_id of the opportunity."),
            _at("occurred_at", "When it was answered (UTC).", required=True),
            _text("type", "Kind of survey.", required=True, allowed=("nps", "csat")),
            Column("score", "number", "The score given.", required=True),
            _text("comment", "The comment given."),
        ),
        begins_at="occurred_at",
    ),
)

ENTITIES: Mapping[str, Entity] = MappingProxyType({entity.name: entity for entity in _ENTITIES})

RECORD_COLUMNS = (
    Column("source_instance", "text", "Name of the source in company.yml.", required=True),
    Column("source_file", "text", "The file that the row came from."),
    Column("source_row", "integer", "Position of the row in its file or answer; keeps its order."),
    Column("source_extra", "text", "What the source has beyond the contract, as a JSON object."),
    Column("row_hash", "integer", "Hash of the row's values: equal hashes, equal versions."),
)
"""Columns that every raw row carries beside those of its entity."""

REJECTED_COLUMNS = (
    Column("source_instance", "text", "Name of the source in company.yml.", required=True),
    Column("entity", "text", "The entity that the row was meant for.", required=True),
    Column("source_id", "text", "The row's id, where it has one."),
    Column("source_file", "text", "The file of the row; of an API, the object and its id."),
    Column("source_line", "integer", "Line of the file on which the row starts."),
    Column("reason", "text", "What is wrong, column by column.", required=True),
    Column("record", "text", "The whole row as it came, as a JSON object.", required=True),
)
"""Columns of `raw_<type>.rejected`: rows that break the contract, kept whole."""

EXPORT_COLUMNS = (
    Column("source_instance", "text", "Name of the source in company.yml.", required=True),
    Column("entity", "text", "The entity.", required=True),
    Column("fingerprint", "text", "Hash of the inputs, mapping and contract.", required=True),
    Column("files", "text", "The files read, with size and SHA-256, as JSON.", required=True),
    Column("rows", "integer", "Rows in the export, rejected ones left out.", required=True),
    Column("rows_new", "integer", "Rows never seen before.", required=True),
    Column("rows_changed", "integer", "Rows that differ from their last version.", required=True),
    Column("rows_deleted", "integer", "Rows gone since the last export.", required=True),
    Column("rows_rejected", "integer", "Rows that break the contract.", required=True),
    Column("extracted_at", "timestamp", "When the export was read (UTC).", required=True),
)
"""Columns of `raw_<type>.exports`: one row per entity and load, the state of the last export."""
