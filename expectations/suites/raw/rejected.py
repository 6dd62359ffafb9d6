"""The rows of the last exports that break the contract, and how many may."""

from __future__ import annotations

from expectations.suites.model import between, never
from expectations.suites.raw.relations import EXPORTS
from ingestion.rejections import rules_of

_IS_REPEATED_QUOTA = "rejected.entity = 'quotas' and rejected.reason like '%measure = %: repeated%'"

REJECTED = f"""
    {EXPORTS},

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

REJECTED_CHECKS = (
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
