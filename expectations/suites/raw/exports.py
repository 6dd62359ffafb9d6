"""The last export of each entity: how much it brought, and how fresh it is."""

from __future__ import annotations

from expectations.suites.model import between
from expectations.suites.raw.relations import EXPORTS
from ingestion.sources.registry import SOURCE_TYPES

_NO_RECORDS = """
    select
        cast(null as varchar) as source_instance,
        cast(null as varchar) as entity,
        cast(null as timestamp) as newest_at,
        cast(null as integer) as expected_within_days
    where false
"""


def _newest_records(source_type: str) -> str:
    parts = [
        f"""
        select
            records.source_instance,
            '{expected.table}' as entity,
            max(cast(records.{expected.column} as timestamp)) as newest_at,
            {expected.days} as expected_within_days
        from {{dataset}}.{expected.table} as records
        inner join loads on records._dlt_load_id = loads.load_id
        group by records.source_instance
        """
        for expected in SOURCE_TYPES[source_type].freshness
    ]
    return " union all ".join(parts) or _NO_RECORDS


def latest_exports(source_type: str) -> str:
    """The last export of each entity, with its newest record where one is expected."""
    return f"""
        {EXPORTS},

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


_ROWS_RATIO = """
    case
        when source_instance || '.' || entity in ({full_exports})
            then cast(rows_loaded as double precision) / nullif(rows_before, 0)
    end
"""

EXPORT_CHECKS = (
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
