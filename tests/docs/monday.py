"""Writes docs/monday.md: from a run's summary to a one-on-one. `make monday`.

Its rows are of the default company, founded at half its size; that takes some minutes.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from dagster_project.publication import open_published
from ingestion.paths import PEOPLE_FILE, PROJECT, PUBLISHED_FILE
from tests.docs.tables import Row, table
from tests.runs import run

PAGE = PROJECT / "docs" / "monday.md"
DEFAULT = PROJECT / "company.yml"
DATA = "data/sandbox"
SCALE = "0.5"

TEAM = """
select manager_id, count(distinct rep_id) as reps, count(*) as topics, round(sum(money)) as money
from marts.mart_one_on_one
where month_start = (select max(month_start) from marts.mart_one_on_one)
    and kind = 'discuss'
    and manager_id is not null
group by manager_id
order by money desc nulls last, manager_id
"""
TALKS = """
select rep_name, rank, kind, sentence
from marts.mart_one_on_one
where manager_id = '{manager}'
    and month_start = (select max(month_start) from marts.mart_one_on_one)
order by rep_name, rank
"""
FIRST = """
select *
from marts.mart_one_on_one
where manager_id = '{manager}'
    and month_start = (select max(month_start) from marts.mart_one_on_one)
    and rank = 1
order by money desc nulls last, rep_id
limit 1
"""
WHOLE = """
select *
from marts.mart_one_on_one
where rep_id = '{rep}'
    and month_start = date '{month}'
order by rank
"""
PAST = """
select month_start, metric, value, comparison, n, money
from marts.mart_one_on_one
where rep_id = '{rep}' and rank = 1
order by month_start desc
limit 6
"""
OPEN_DEALS = """
select
    opportunity_id, opportunity_name, stage, amount, signals, days_overdue, pushes,
    days_since_touch, days_in_stage, stage_median_days
from marts.mart_deal_inspection
where rep_id = '{rep}'
order by signals desc, amount desc nulls last, opportunity_id
limit 5
"""
SCORECARD = """
select
    metric, variant, round(value, 2) as value, n_included as n,
    round(own_trailing_6m, 2) as own_trailing_6m, round(peer_median, 2) as peer_median,
    round(percentile, 2) as percentile, round(trend, 2) as trend, is_enough_data
from marts.mart_rep_scorecard
where rep_id = '{rep}'
    and month_start = date '{month}' - interval 1 month
    and variant = 'default'
    and metric in (
        'revenue_won', 'deals_won', 'win_rate', 'quota_attainment', 'pipeline_created',
        'activities', 'lead_response_hours', 'follow_up_gap_days'
    )
order by metric
"""
SKILLS = """
select
    stage, n, round(conversion, 2) as conversion, round(peer_conversion, 2) as peer_conversion,
    round(low, 2) as low, round(high, 2) as high, is_gap, is_weakest
from marts.mart_skill_gaps
where rep_id = '{rep}'
order by stage_order
"""


@dataclass(frozen=True)
class Files:
    """What a run has published, read as whoever leads people reads it."""

    published: Path

    def people(self, sql: str) -> list[Row]:
        """Rows of the file that is about single people."""
        return self._rows(PEOPLE_FILE, sql)

    def marts(self, sql: str) -> list[Row]:
        """Rows of the file for all."""
        return self._rows(PUBLISHED_FILE, sql)

    def _rows(self, file: str, sql: str) -> list[Row]:
        with open_published(self.published / file) as connection:
            found = connection.execute(sql)
            names = [column[0] for column in found.description]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def monday() -> str:
    """The page, of the default company, founded, loaded and published for it."""
    with tempfile.TemporaryDirectory() as folder:
        done = run(DEFAULT, Path(folder), "--scale", SCALE)
        assert done.returncode == 0, done.stdout + done.stderr
        return page(done.stdout, Files(Path(folder) / "sandbox" / "published"))


def page(summary: str, files: Files) -> str:
    """The page of what a run has printed and published."""
    manager = files.people(TEAM)[0]["manager_id"]
    [first] = files.people(FIRST.format(manager=manager))
    rep, month = first["rep_id"], first["month_start"]

    def asked(sql: str, file: str = "people") -> tuple[str, list[Row]]:
        written = sql.format(manager=manager, rep=rep, month=month).strip()
        found = files.people(written) if file == "people" else files.marts(written)
        return f"```sql\n{written}\n```", found

    team_sql, teams = asked(TEAM)
    talks_sql, talks = asked(TALKS)
    whole_sql, whole = asked(WHOLE)
    deals_sql, deals = asked(OPEN_DEALS, "marts")
    card_sql, card = asked(SCORECARD)
    skills_sql, skills = asked(SKILLS)
    past_sql, past = asked(PAST)
    return f"""\
# A manager's Monday

Written by `make monday` from the default company at half its size (`make run SCALE=0.5`), whose
people and deals are simulated; do not edit. Every row below was read from what a run publishes of
it. It takes half an hour: the summary, the list of talks, one talk in depth.

## 1. What the run says

```text
{_headlines(summary)}
```

Look at what moved and whether its records are many. The last lines say how many talks there are,
and what they are about most; they name nobody, as a run's output is mailed and kept in logs.

## 2. Whom to talk with

What is about single people is in `{DATA}/published/people.duckdb`, which only the owner of that
folder can open unless [company.yml says otherwise](company.md#who-reads-what-of-people). Open it
read-only. The teams of the company, by the money that their topics are about:

{team_sql}

{table(teams)}

The team of `{manager}` is first; these are its talks of this month:

{talks_sql}

{table(talks)}

Begin each talk with what is to be celebrated (rank 4). Who is not in the list has nothing that is
beyond chance, or too few records to tell: no row does not mean that all is well.

## 3. One talk

{whole_sql}

{_one_by_one(whole)}

Read a topic like this: `value` is the rep's number and `comparison` what it is set beside; `low`
and `high` are what the number may really be, given so few records (`n`). Where they are far apart,
ask rather than tell. `money` ranks topics; it is no forecast, and topics overlap. `record_keys` are
what to open before the talk.

## 4. The records

The rep's open deals, those with most signs that they may not close as expected first
(`salesops.duckdb`):

{deals_sql}

{table(deals)}

Every number of `kpi_values` can be taken apart as well: `make explain METRIC=win_rate CUT=rep
KEY={rep}` lists the deals behind it and those left out ([more](explain.md)).

## 5. Beside peers and beside oneself

The month before this one is over, so its sums are whole:

{card_sql}

{table(card)}

`percentile` says which share of peers is lower; where less is better, a low one is good. Where
`is_enough_data` is false, do not compare. A single month proves little: topics look at six.

## 6. What to coach

{skills_sql}

{table(skills)}

Coach on the stage that `is_weakest` names. Where none is named, what looks low can be chance: then
do not coach by numbers, sit in on calls.

## 7. Since when

The first topic of the talks before:

{past_sql}

{table(past)}

What comes back month after month has not been dealt with; what is gone has, or was chance.

## What these numbers are not for

They say where to look, not how good somebody is. They leave out what no system records, and of ten
people who are alike one looks worst. Do not pay by them, rank by them or send them around: who is
talked about can say what happened, and the records are there to be looked at together."""


def _headlines(summary: str) -> str:
    """The top of a summary, to the end of the numbers of sales, and the lines on talks.

    That is without what differs from run to run.
    """
    lines = [line.rstrip() for line in summary.strip().splitlines()]
    first = next(n for n, line in enumerate(lines) if line.startswith("Sandbox as of"))
    sales = next(n for n, line in enumerate(lines) if n > first and line.startswith("sales"))
    blank = [n for n, line in enumerate(lines) if n > sales and not line]
    talks = [n for n, line in enumerate(lines) if line.startswith("One-on-ones")]
    block = lines[first : blank[0]]
    return "\n".join([*block, "…", *lines[talks[0] : talks[0] + 3]]) if talks else "\n".join(block)


def _one_by_one(rows: list[Row]) -> str:
    """Rows side by side: a column each, as they have many."""
    names = [name for name in rows[0] if name not in ("rep_id", "team", "manager_id")]
    heads = ["column", *(f"rank {row['rank']}" for row in rows)]
    turned = [
        {
            heads[0]: f"`{name}`",
            **{head: row[name] for head, row in zip(heads[1:], rows, strict=True)},
        }
        for name in names
    ]
    return re.sub(r"`(column|rank \d)`", r"\1", table(turned))


if __name__ == "__main__":
    PAGE.write_text(monday(), encoding="utf-8")
