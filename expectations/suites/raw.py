"""Suites of the raw tables: records that are fit to be built upon.

What breaks the contract never gets this far: it is in `rejected`, and counted here. What only the
sales people can put right (a deal without an account) is judged once, on the marts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from expectations.suites.model import (
    Check,
    Suite,
    between,
    given,
    matches,
    never,
    ordered,
    within,
)
from ingestion.contract.entities import ENTITIES
from ingestion.currencies import CURRENCIES
from ingestion.rejections import rules_of

EMAIL = r"^[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)+$"
DOMAIN = r"^(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,}$"

_LOADS = """
    select
        load_id,
        cast(inserted_at at time zone 'UTC' as timestamp) as loaded_at,
        row_number() over (order by inserted_at, load_id) as load_number
    from {dataset}._dlt_loads
    where status = 0 and cast(inserted_at at time zone 'UTC' as timestamp) <= {known_at}
"""

# The latest known version of each record that is not deleted, found as staging finds it: a version
# stands until a later load has the same record.
_LATEST_VERSIONS = f"""
    with loads as ({_LOADS}),

    versions as (
        select
            records.*,
            loads.loaded_at,
            loads.load_number
        from {{dataset}}.{{entity}} as records
        inner join loads on records._dlt_load_id = loads.load_id
    ),

    first_loads as (
        select
            source_instance,
            min(load_number) as load_number
        from versions
        group by source_instance
    ),

    later_versions as (
        select
            versions.source_instance,
            versions.source_id,
            max(versions.load_number) as load_number
        from versions
        inner join first_loads on versions.source_instance = first_loads.source_instance
        where versions.load_number > first_loads.load_number
        group by versions.source_instance, versions.source_id
    )

    select versions.*
    from versions
    left join later_versions
        on versions.source_instance = later_versions.source_instance
        and versions.source_id = later_versions.source_id
    where
        (later_versions.load_number is null or versions.load_number = later_versions.load_number)
        and not coalesce(versions.is_deleted, false)
"""

_EXPORTS = f"""
    with loads as ({_LOADS}),

    exports as (
        select
            exports.source_instance,
            exports.entity,
            exports."rows" as rows_loaded,
            exports.rows_rejected,
            exports.extracted_at,
            exports._dlt_load_id,
            lead(exports."rows") over (
                partition by exports.source_instance, exports.entity
                order by loads.load_number desc
            ) as rows_before,
            row_number() over (
                partition by exports.source_instance, exports.entity
                order by loads.load_number desc
            ) as recency
        from {{dataset}}.exports as exports
        inner join loads on exports._dlt_load_id = loads.load_id
    ),

    latest_exports as (
        select * from exports where recency = 1
    )
"""

_FRESHNESS = {
    "files": (
        ("opportunities", "created_at", 31),
        ("leads", "created_at", 7),
        ("activities", "occurred_at", 7),
        ("spend_daily", "day", 3),
    ),
    "hubspot": (
        ("deals", "createdate", 31),
        ("leads", "hs_createdate", 7),
        ("emails", "hs_timestamp", 7),
    ),
}
"""By type of source, tables in which new records are expected: by when, within how many days."""


def _newest_records(source_type: str) -> str:
    return " union all ".join(
        f"""
        select
            records.source_instance,
            '{table}' as entity,
            max(cast(records.{column} as timestamp)) as newest_at,
            {days} as expected_within_days
        from {{dataset}}.{table} as records
        inner join loads on records._dlt_load_id = loads.load_id
        group by records.source_instance
        """
        for table, column, days in _FRESHNESS[source_type]
    )


def _latest_exports(source_type: str) -> str:
    return f"""
        {_EXPORTS},

        newest_records as ({_newest_records(source_type)})

        select
            latest_exports.*,
            newest_records.newest_at,
            newest_records.expected_within_days
        from latest_exports
        left join newest_records
            on latest_exports.source_instance = newest_records.source_instance
            and latest_exports.entity = newest_records.entity
    """


_IS_REPEATED_QUOTA = "rejected.entity = 'quotas' and rejected.reason like '%measure = %: repeated%'"

_REJECTED = f"""
    {_EXPORTS},

    ruled as (
        select
            rejected.source_instance,
            rejected.entity,
            rejected.source_file,
            rejected.source_line,
            rejected.source_id,
            rejected.reason,
            {rules_of("rejected.reason")} as rules,
            case when {_IS_REPEATED_QUOTA} then 1 else 0 end as is_repeated_quota
        from {{dataset}}.rejected as rejected
        inner join latest_exports
            on rejected.source_instance = latest_exports.source_instance
            and rejected.entity = latest_exports.entity
            and rejected._dlt_load_id = latest_exports._dlt_load_id
    ),

    -- One row for each rule that was broken: how often, and the first that broke it.
    examples as (
        select
            source_instance,
            entity,
            is_repeated_quota,
            count(*) over of_rule as rule_rows,
            case when count(*) over of_rule > 1
                then cast(count(*) over of_rule as varchar) || ' × ' else '' end
            || coalesce(source_file, '') || coalesce(':' || cast(source_line as varchar), '')
            || ' ' || reason as example,
            row_number() over (
                partition by source_instance, entity, rules
                order by is_repeated_quota desc, source_file, source_line, source_id
            ) as number_in_rule
        from ruled
        window of_rule as (partition by source_instance, entity, rules)
    ),

    ordered as (
        select
            *,
            row_number() over (
                partition by source_instance, entity
                order by is_repeated_quota desc, rule_rows desc, example
            ) as position
        from examples
        where number_in_rule = 1
    ),

    first_examples as (
        select
            source_instance,
            entity,
            string_agg(
                case when position <= 3 then example end, '; ' order by position
            ) as examples,
            sum(is_repeated_quota) as repeated_quotas
        from ordered
        group by source_instance, entity
    )

    select
        latest_exports.source_instance,
        latest_exports.entity,
        cast(latest_exports.rows_rejected as double precision)
        / nullif(latest_exports.rows_loaded + latest_exports.rows_rejected, 0) as rejected_share,
        cast(latest_exports.rows_rejected as varchar) || ' of '
        || cast(latest_exports.rows_loaded + latest_exports.rows_rejected as varchar)
        || ' rows: ' || coalesce(first_examples.examples, '') as summary,
        first_examples.repeated_quotas
    from latest_exports
    left join first_examples
        on latest_exports.source_instance = first_examples.source_instance
        and latest_exports.entity = first_examples.entity
"""

_CURRENCY = within(
    "currency",
    sorted(CURRENCIES),
    "warning",
    "The currency is an ISO 4217 code; another one has no exchange rate.",
)
_AMOUNT = between(
    "amount_not_negative",
    "warning",
    "The amount is not negative.",
    column="amount",
    minimum=0,
)
_EMAIL = matches("email", EMAIL, "warning", "The email address has the form of one.")
_DOMAIN = matches("domain", DOMAIN, "warning", "The web domain has the form of one.")


def _not_ahead(column: str) -> Check:
    return never(
        f"{column}_not_ahead",
        "warning",
        f"{column} is not more than a day after the moment that the record was loaded.",
        f"{column} > loaded_at + interval '1 day'",
    )


_CHECKS: dict[str, tuple[Check, ...]] = {
    "users": (
        _EMAIL,
        ordered(
            "left_after_hired",
            "warning",
            "Nobody left before being hired.",
            "hired_on",
            "left_on",
        ),
        never(
            "active_after_leaving",
            "warning",
            "Nobody who has left still has an account in use.",
            "is_active and left_on < cast(loaded_at as date)",
        ),
    ),
    "accounts": (
        _DOMAIN,
        never(
            "own_parent",
            "warning",
            "No account is its own parent.",
            "parent_id = source_id",
        ),
        _not_ahead("created_at"),
    ),
    "contacts": (
        _EMAIL,
        _not_ahead("created_at"),
    ),
    "leads": (
        _EMAIL,
        ordered(
            "answered_after_created",
            "warning",
            "No lead was answered before it was created.",
            "created_at",
            "first_response_at",
        ),
        _not_ahead("created_at"),
    ),
    "pipeline_stages": (
        between(
            "probability_in_range",
            "critical",
            "The probability is a share from 0 to 1, not a percentage.",
            column="probability",
            minimum=0,
            maximum=1,
        ),
        never(
            "closed_but_uncertain",
            "warning",
            "A won stage has the probability 1, a lost one 0.",
            "(status = 'won' and probability <> 1)"
            " or (status in ('lost', 'no_decision') and probability <> 0)",
        ),
    ),
    "opportunities": (
        _CURRENCY,
        never(
            "merged_into_itself",
            "warning",
            "No deal was merged into itself.",
            "merged_into_id = source_id",
        ),
        _not_ahead("created_at"),
    ),
    "field_changes": (
        within(
            "entity",
            sorted(ENTITIES),
            "warning",
            "The changed record is of an entity of the contract.",
        ),
        never(
            "nothing_changed",
            "warning",
            "The value after a change differs from the one before.",
            "old_value = new_value",
        ),
        _not_ahead("changed_at"),
    ),
    "activities": (
        between(
            "duration_within_a_day",
            "warning",
            "The activity took no longer than a day.",
            column="duration_seconds",
            maximum=86400,
        ),
    ),
    "campaigns": (
        ordered(
            "ended_after_started",
            "warning",
            "No campaign ended before it started.",
            "started_on",
            "ended_on",
        ),
        _CURRENCY,
    ),
    "spend_daily": (
        between(
            "spend_not_negative",
            "warning",
            "The spend is not negative.",
            column="spend",
            minimum=0,
        ),
        never(
            "more_clicks_than_impressions",
            "warning",
            "No ad was clicked more often than shown.",
            "clicks > impressions",
        ),
        _CURRENCY,
    ),
    "touches": (
        never(
            "of_nobody",
            "warning",
            "The touch is of a lead, a contact or a deal.",
            "coalesce(lead_id, contact_id, opportunity_id) is null",
        ),
        _not_ahead("occurred_at"),
    ),
    "customers": (
        given("account_id", "warning", "The customer is matched to an account."),
        _EMAIL,
        _DOMAIN,
    ),
    "subscriptions": (
        ordered(
            "ended_after_started",
            "warning",
            "No subscription ended before it started.",
            "started_at",
            "ended_at",
        ),
        _CURRENCY,
    ),
    "invoices": (
        ordered(
            "due_after_issued",
            "warning",
            "No invoice is due before it was issued.",
            "issued_at",
            "due_at",
        ),
        ordered(
            "paid_after_issued",
            "warning",
            "No invoice was paid before it was issued.",
            "issued_at",
            "paid_at",
        ),
        never(
            "paid_in_part_only",
            "warning",
            "An invoice with a date of payment has been paid in full.",
            "paid_at is not null and amount_paid < total",
        ),
        never(
            "paid_more_than_due",
            "warning",
            "No more was paid than the invoice's total.",
            "amount_paid > total and total >= 0",
        ),
        _CURRENCY,
    ),
    "invoice_lines": (
        ordered(
            "period_ends_after_start",
            "warning",
            "No service period ends before it starts.",
            "period_start",
            "period_end",
        ),
    ),
    "payments": (
        _AMOUNT,
        given("invoice_id", "warning", "The payment is of an invoice."),
        _CURRENCY,
        _not_ahead("occurred_at"),
    ),
    "credit_notes": (
        _AMOUNT,
        _CURRENCY,
    ),
    "costs": (
        _AMOUNT,
        never(
            "not_first_of_month",
            "warning",
            "The month is given as its first day.",
            "extract(day from month) <> 1",
        ),
        _CURRENCY,
    ),
    "quotas": (
        between(
            "amount_positive",
            "warning",
            "The target is above 0.",
            column="amount",
            minimum=0,
            exclusive=True,
        ),
        never(
            "not_first_of_month",
            "warning",
            "The period starts on the first day of a month.",
            "extract(day from period_start) <> 1",
        ),
        _CURRENCY,
    ),
    "fx_rates": (
        between(
            "rate_positive",
            "critical",
            "The rate is above 0.",
            column="rate",
            minimum=0,
            exclusive=True,
        ),
        never(
            "not_one_to_itself",
            "critical",
            "A currency is worth 1 of itself.",
            "from_currency = to_currency and rate <> 1",
        ),
        within(
            "from_currency",
            sorted(CURRENCIES),
            "warning",
            "The currency is an ISO 4217 code.",
        ),
        within(
            "to_currency",
            sorted(CURRENCIES),
            "warning",
            "The currency is an ISO 4217 code.",
        ),
    ),
    "forecast_submissions": (
        _AMOUNT,
        _not_ahead("submitted_at"),
    ),
    "experiments": (
        ordered(
            "ended_after_started",
            "warning",
            "No experiment ended before it started.",
            "started_at",
            "ended_at",
        ),
    ),
    "experiment_assignments": (_not_ahead("assigned_at"),),
    "training": (
        between(
            "score_not_negative",
            "warning",
            "The score is not negative.",
            column="score",
            minimum=0,
        ),
        _not_ahead("completed_at"),
    ),
    "content": (never("title_blank", "warning", "The title says something.", "trim(title) = ''"),),
    "content_usage": (
        given("user_id", "warning", "The use says who used it."),
        _not_ahead("occurred_at"),
    ),
    "surveys": (
        never(
            "nps_out_of_range",
            "warning",
            "A net promoter score lies between 0 and 10.",
            "type = 'nps' and (score < 0 or score > 10)",
        ),
        never(
            "about_nothing",
            "warning",
            "The answer is about an account or a deal.",
            "coalesce(account_id, opportunity_id) is null",
        ),
        _not_ahead("occurred_at"),
    ),
}

_ROWS_RATIO = """
    case
        when source_instance || '.' || entity in ({full_exports})
            then cast(rows_loaded as double precision) / nullif(rows_before, 0)
    end
"""

_EXPORT_CHECKS = (
    between(
        "rows_not_fewer",
        "warning",
        "A full export has at least 80% of the rows of the last one.",
        column="rows_ratio",
        expression=_ROWS_RATIO,
        minimum=0.8,
    ),
    between(
        "rows_not_many_more",
        "warning",
        "A full export has at most three times the rows of the last one.",
        column="rows_ratio",
        expression=_ROWS_RATIO,
        maximum=3,
    ),
    between(
        "rows_given",
        "warning",
        "The export has rows.",
        column="rows_loaded",
        minimum=1,
    ),
    between(
        "export_recent",
        "warning",
        "The last export that differed from the one before is at most 8 days old.",
        column="export_age_days",
        expression="extract(epoch from {now} - extracted_at) / 86400",
        maximum=8,
    ),
    between(
        "newest_record_recent",
        "warning",
        "New records came in as often as they usually do.",
        column="newest_record_overdue_days",
        expression="extract(epoch from {now} - newest_at) / 86400 - expected_within_days",
        maximum=0,
    ),
)

_REJECTED_CHECKS = (
    between(
        "rejected_within_tolerance",
        "critical",
        "No more rows break the contract than rejected_tolerance in company.yml allows. Mend the"
        " rows at their source, or allow more there: the share of rows, such as"
        " rejected_tolerance: 0.05.",
        column="rejected_share",
        maximum={"$PARAMETER": "rejected_tolerance"},
    ),
    never(
        "quota_repeated",
        "critical",
        "No target has two quotas of one measure, grain and first day. Remove one from its file.",
        "repeated_quotas > 0",
    ),
)


def suites(source_types: Iterable[str]) -> list[Suite]:
    """The suites of the raw tables of these source types."""
    return [suite for source_type in source_types for suite in _suites_of(source_type)]


def _suites_of(source_type: str) -> Iterable[Suite]:
    dataset = f"raw_{source_type}"
    # Only files are raw in the contract's columns; records of an API are judged on the marts.
    for entity, checks in _CHECKS.items() if source_type == "files" else ():
        relation = _LATEST_VERSIONS.replace("{entity}", entity)
        yield _suite(dataset, entity, relation, ("source_instance", "source_id"), checks)
    exports = _latest_exports(source_type)
    yield _suite(dataset, "exports", exports, ("source_instance", "entity"), _EXPORT_CHECKS)
    yield _suite(
        dataset, "rejected", _REJECTED, ("source_instance", "entity", "summary"), _REJECTED_CHECKS
    )


def _suite(
    dataset: str, table: str, relation: str, keys: tuple[str, ...], checks: tuple[Check, ...]
) -> Suite:
    name = f"{dataset}.{table}"
    return Suite(
        name,
        relation.replace("{dataset}", dataset),
        keys,
        tuple(replace(check, table=name) for check in checks),
    )
