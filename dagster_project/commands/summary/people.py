"""What there is to talk about with people: how much, and nobody's name."""

from __future__ import annotations

from dagster_project.publication import open_published
from ingestion.paths import CompanyPaths

KINDS_SHOWN = 3


def talks(paths: CompanyPaths) -> list[str]:
    """How many one-on-ones of this month have something to discuss, and about what.

    Whom it is about is in the file that is not for all: a summary is mailed, and kept in logs.
    """
    import duckdb

    try:
        with open_published(paths.people) as connection:
            connection.execute(
                """create temp table talks as
                select * from marts.mart_one_on_one
                where month_start = (select max(month_start) from marts.mart_one_on_one)"""
            )
            [(month, to_discuss, to_celebrate)] = connection.execute(
                """select
                    max(month_start),
                    count(distinct case when kind = 'discuss' then rep_id end),
                    count(distinct case when kind = 'celebrate' then rep_id end)
                from talks"""
            ).fetchall()
            topics = connection.execute(
                f"""select metric, count(*) from talks where kind = 'discuss'
                group by metric order by count(*) desc, metric limit {KINDS_SHOWN}"""
            ).fetchall()
    except duckdb.Error:
        return []
    if month is None:
        return []
    told = f"One-on-ones of {month:%b %Y}: something to discuss with {_people(to_discuss)}"
    told += f", to celebrate with {_people(to_celebrate)}"
    most = ", ".join(f"{metric} ({count:,})" for metric, count in topics)
    about = [f"  most often about {most}"] if most else []
    return [told, *about, "  who, and about what: mart_one_on_one in people.duckdb"]


def _people(count: int) -> str:
    return f"{count:,} {'person' if count == 1 else 'people'}"
