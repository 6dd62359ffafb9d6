"""The summary of a run: what a manager wants to see, read from what was published."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from dagster_project.pipeline_run import PipelineRun
from dagster_project.publication import open_published
from ingestion.paths import CompanyPaths
from ingestion.rejections import Rule, by_rule, samples_of
from ingestion.warehouse.duckdb_sql import literal

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from dagster_project.publication import Publication
    from expectations.report import CheckResult
    from ingestion.pipeline import LoadReport
    from ingestion.warehouse.warehouse import Warehouse

HEADLINES = {
    "revenue_won": "Revenue won",
    "deals_won": "Deals won",
    "win_rate": "Win rate",
    "average_deal_size": "Average deal size",
    "sales_cycle_days": "Sales cycle",
    "sales_velocity": "Sales velocity",
    "quota_attainment": "Quota attainment",
    "pipeline_created": "Pipeline created",
    "lead_conversion_rate": "Lead conversion",
    "pipeline_value": "Open pipeline",
}
ADDITIVE = {"revenue_won": "money", "deals_won": "deals", "pipeline_created": "money"}
"""Headlines that are 0 in a period of which `kpi_values` has no row, with their units."""
OF_SOME_COMPANIES = {"quota_attainment", "lead_conversion_rate"}
"""Headlines on what a company may not have at all."""
FINDINGS = {
    "amount_missing": "open without an amount",
    "won_without_amount": "won without an amount",
    "no_close_date": "closed without any date, so are in no period, or in that in which they were "
    "first seen closed",
    "close_date_far_from_closing": "closed over 31 days from the close date they give",
    "closed_in_future": "closed on a date that is still to come",
    "closed_before_created": "closed before they were created",
    "closing_contradicted": "closed on a date that their history contradicts",
    "data_after_as_of": "with data from after the moment that counts as now",
    "stage_unknown": "with stages, or pipelines, in their history that nothing names",
    "emptied_contradicted": "with values that their history says were emptied and that are there, "
    "or the other way round",
    "history_unreadable": "with amounts or dates in their history that cannot be read",
    "created_at_missing": "without a moment of creation",
    "amount_negative": "with a negative amount",
    "owner_missing": "without an owner",
    "owner_left": "owned by somebody who has left",
    "account_missing": "without an account",
    "close_date_missing": "open without an expected close date",
    "close_date_past": "open past their close date, so due in no period",
    "lost_without_reason": "lost without a reason",
    "closed_before_contact": "closed before the first contact",
    "channel_missing": "without a channel",
    "converted_before_created": "converted before they were created",
    "converted_without_opportunity": "converted without naming an opportunity",
    "domain_missing": "without a web domain",
    "email_missing": "without an email address",
    "about_nothing": "about no deal, lead, contact or account",
    "after_owner_left": "of somebody who had left by then",
    "owner_unknown": "with an owner whom no source knows",
    "manager_unknown": "with a manager whom no source knows",
    "team_unknown": "of a team that no source knows",
    "opportunity_unknown": "of a deal that no source knows",
    "current_stage_unknown": "in a stage that no pipeline names",
    "entity_unknown": "about records that no source knows",
    "field_unknown": "of fields that nobody knows",
    "merged_into_unknown": "merged into a deal that their source does not know, so they count",
    "merged_in_circle": "merged in a circle, of which one counts",
    "merged_into_deleted": "merged into a deleted deal, so they count no more",
    "name_differs": "with different names for one id in two sources",
}
"""What each rule of `mart_data_hygiene` finds, in words that follow the records."""
FINDINGS_SHOWN = 3
INSTANT = dt.timedelta(microseconds=1)
"""A period has ended at its last microsecond."""
GRAINS = {"month": 1, "quarter": 3}
RULES_SHOWN = 5
FAILURES_SHOWN = 10
REFERENCES = "marts.mart_references"
"""What resolves to nothing is told in full, whatever else there is to tell."""
KEYS_SHOWN = 3
CHANGES_SHOWN = 5
WIDTH_OF_A_FILE = 120
CHANGES_SINCE = """with changes as (
    select *
    from marts.mart_pipeline_changes
    where since_at = (
        select coalesce(max(since_at) filter (where since_at <= ?), min(since_at))
        from marts.mart_pipeline_changes
    )
)"""


@dataclass(frozen=True)
class Figure:
    """One KPI of the whole company in one period."""

    value: float | None
    unit: str
    n_included: int
    n_excluded: int


@dataclass(frozen=True)
class Period:
    """A calendar month or fiscal quarter, by its first day."""

    grain: str
    start: dt.date

    @property
    def previous(self) -> Period:
        """The period before."""
        return Period(self.grain, add_months(self.start, -GRAINS[self.grain]))

    @property
    def end(self) -> dt.date:
        """The first day after the period."""
        return add_months(self.start, GRAINS[self.grain])

    @property
    def label(self) -> str:
        """How the period is shown, such as `Nov 2017` or `Oct–Dec 2017`."""
        last = add_months(self.end, -1)
        if self.grain == "month":
            return f"{self.start:%b %Y}"
        year = "" if self.start.year == last.year else f" {self.start:%Y}"
        return f"{self.start:%b}{year}–{last:%b %Y}"


def add_months(day: dt.date, months: int) -> dt.date:
    """The first of the month that lies `months` after that of `day`."""
    count = day.year * 12 + day.month - 1 + months
    return dt.date(count // 12, count % 12 + 1, 1)


Figures = Mapping[tuple[str, str, dt.date | None], Figure]


@dataclass(frozen=True)
class Edition:
    """What was published of a company, as of a moment (UTC, without zone).

    `figures` are the whole company's, by metric, grain and period.
    """

    as_of: dt.datetime
    figures: Figures


def print_summary(run: PipelineRun, before: Edition | None) -> None:
    """Print what was published, what was loaded, rejected and found, and where it all is.

    `before` is what was published until then.
    """
    from dagster_project.console import PlainConsole

    # A file or a pipe has no width that tables would have to be cut to.
    console = PlainConsole(width=None if sys.stdout.isatty() else WIDTH_OF_A_FILE)
    console.print()
    if run.publication and (edition := published(run.paths)):
        _print_kpis(console, run, edition.figures)
        for line in findings(run.paths):
            console.print(line, style="yellow")
        if before:
            _print_moves(console, before, edition)
            if before.as_of < edition.as_of:
                _print_changes(console, run, before.as_of)
    _print_loads(console, run)
    _print_audits(console, run)
    _print_places(console, run)


def print_unchanged(run: PipelineRun, publication: Publication) -> None:
    """Print the summary of what is published already; this run would publish the same."""
    run.publication, run.asked_as_of = publication, publication.as_of
    local = publication.published_at.replace(tzinfo=dt.UTC).astimezone(
        ZoneInfo(run.company.timezone)
    )
    print(f"\nNothing is new since {local:%Y-%m-%d %H:%M}: what was published then stays.")
    print_summary(run, None)


def published(paths: CompanyPaths) -> Edition | None:
    """What is published; None where nothing is that can be read."""
    import duckdb

    try:
        with open_published(paths.marts) as connection:
            rows = connection.execute(
                """select
                    as_of, metric, period_grain, period_start, value, unit, n_included, n_excluded
                from marts.kpi_values
                where dimension = 'company' and variant = 'default'""",
            ).fetchall()
    except duckdb.Error:
        return None
    if not rows:
        return None
    return Edition(rows[0][0], {(row[1], row[2], row[3]): Figure(*row[4:]) for row in rows})


def latest_complete(figures: Figures, grain: str, today: dt.date) -> Period | None:
    """The last period that has ended by `today` and in which deals were closed or created.

    A period under way would look like a slump, and periods after the end of the data like ruin.
    """
    starts = [
        start
        for (metric, its_grain, start), figure in figures.items()
        if its_grain == grain
        and start is not None
        and metric in ("win_rate", "pipeline_created", "lead_conversion_rate")
        and figure.n_included
        and Period(grain, start).end <= today
    ]
    return Period(grain, max(starts)) if starts else None


def headline(figures: Figures, metric: str, grain: str, start: dt.date | None) -> Figure | None:
    """A KPI in a period; where there was nothing to add up, 0 of nothing."""
    nothing = Figure(0.0, ADDITIVE[metric], 0, 0) if metric in ADDITIVE else None
    return figures.get((metric, grain, start), nothing)


def headlines(figures: Figures) -> Mapping[str, str]:
    """The names of the headlines that a company has, by metric; also those without a value now."""
    known = {metric for metric, *_ in figures}
    return {
        metric: name
        for metric, name in HEADLINES.items()
        if metric in known or metric not in OF_SOME_COMPANIES
    }


def findings(paths: CompanyPaths) -> list[str]:
    """The worst findings that have money at stake, a sentence each.

    What puts published figures in doubt goes before what only makes work harder; of both, what has
    most money at stake comes first, and that of which nobody knows the money last.
    """
    with open_published(paths.marts) as connection:
        rows = connection.execute(
            f"""select failing, records, entity, rule, money_at_stake, money_kind, money_share,
                example_keys
            from marts.mart_data_hygiene
            where rep_id = 'all' and (money_at_stake <> 0 or failing_without_amount > 0)
            order by severity = 'high' desc, abs(money_at_stake) desc nulls last, fix_rank
            limit {FINDINGS_SHOWN}"""
        ).fetchall()
    return [
        f"{failing:,} of {records:,} {entity} {words(rule)}, "
        f"with {_at_stake(money, share, kind)} ({rule}, such as {keys})"
        for failing, records, entity, rule, money, kind, share, keys in rows
    ]


def words(rule: str) -> str:
    """What a rule finds, in words: also of a reference to any entity that is not known."""
    if rule.endswith("_unknown") and rule not in FINDINGS:
        target = rule.removesuffix("_unknown").replace("_", " ")
        return f"with {'an' if target[0] in 'aeio' else 'a'} {target} that no source knows"
    return FINDINGS.get(rule, rule.replace("_", " "))


def _at_stake(money: float | None, share: float | None, kind: str) -> str:
    if not money:
        return "an amount that is not known"
    return f"{money:,.0f} or {share or 0:.0%} of the {kind} amount"


def _print_kpis(console: Console, run: PipelineRun, figures: Figures) -> None:
    local = run.as_of.replace(tzinfo=dt.UTC).astimezone(ZoneInfo(run.company.timezone))
    ended_by = (local + INSTANT).date()
    periods = [period for grain in GRAINS if (period := latest_complete(figures, grain, ended_by))]
    columns = [heading for period in periods for heading in (period.label, "change", "records")]
    table = _plain_table("", *columns, *([] if periods else ["all time", "records"]))
    for metric, name in headlines(figures).items():
        cells: list[str] = []
        for period in periods:
            figure = headline(figures, metric, period.grain, period.start)
            before = headline(figures, metric, period.grain, period.previous.start)
            cells += [_value(figure), _change(figure, before), _records(figure)]
        if not periods:
            total = headline(figures, metric, "all", None)
            cells += [_value(total), _records(total)]
        table.add_row(name, *cells)
    console.print(run.company.name, style="bold", end=" ")
    console.print(
        f"as of {local:%Y-%m-%d %H:%M} {run.company.timezone}, money in {run.company.currency}"
    )
    console.print()
    console.print(table)
    console.print()
    console.print(
        "The last complete month and quarter with deals, each beside the one before. "
        "Records: how many the figure rests on (left out, with reasons, in kpi_exclusions). "
        "Sales velocity is per day of a sales cycle and grows with the period's length.",
        style="dim",
    )
    console.print()


def _print_moves(console: Console, before: Edition, after: Edition) -> None:
    """The headlines of all time that have moved since the edition before."""
    table = _plain_table("all time", "before", "now", "change", "records")
    for metric, name in HEADLINES.items():
        then, now = (headline(edition.figures, metric, "all", None) for edition in (before, after))
        if then != now:
            table.add_row(name, _value(then), _value(now), _change(now, then), _records(now))
    days = (after.as_of - before.as_of) / dt.timedelta(days=1)
    since = f"Since the last publication, {days:,.1f} days before"
    if table.row_count:
        console.print(f"{since}:")
        console.print(table)
    else:
        console.print(f"{since}, no headline of all time has moved.")
    console.print()


def _print_changes(console: Console, run: PipelineRun, moment: dt.datetime) -> None:
    """What has happened to deals since the shortest window that reaches back to a moment."""
    with open_published(run.paths.marts) as connection:
        movements = connection.execute(
            f"""{CHANGES_SINCE}
            select movement, count(distinct opportunity_key), sum(pipeline_effect), min(since_at)
            from changes group by movement order by 2 desc, movement""",
            [moment],
        ).fetchall()
        largest = connection.execute(
            f"""{CHANGES_SINCE}
            select coalesce(opportunity_name, opportunity_id), rep_name, movement, old_value,
                new_value, pipeline_effect
            from changes order by abs(pipeline_effect) desc, money_rank limit {CHANGES_SHOWN}""",
            [moment],
        ).fetchall()
    if not movements:
        return
    since = movements[0][3].replace(tzinfo=dt.UTC).astimezone(ZoneInfo(run.company.timezone))
    table = _plain_table(f"deals since {since:%Y-%m-%d %H:%M}", "deals", "open pipeline")
    for movement, deals, effect, _ in movements:
        table.add_row(
            movement.replace("_", " "), f"{deals:,}", f"{effect:+,.0f}" if effect else "–"
        )
    console.print(table)
    for name, rep, movement, old, new, effect in largest:
        values = f", {old or '–'} → {new or '–'}" if old or new else ""
        change = "–" if effect is None else f"{effect:+,.0f}"
        console.print(
            f"  {name} ({rep or 'no rep'}): {movement.replace('_', ' ')}{values}, {change}",
        )
    console.print("Every change, deal by deal: mart_pipeline_changes", style="dim")
    console.print()


def _value(figure: Figure | None) -> str:
    if figure is None or figure.value is None:
        return "–"
    match figure.unit:
        case "ratio":
            return f"{figure.value:.1%}"
        case "days":
            return f"{figure.value:,.1f} d"
        case "money per day of cycle":
            return f"{figure.value:,.0f}/cycle day"
        case _:
            return f"{figure.value:,.0f}"


def _change(figure: Figure | None, before: Figure | None) -> str:
    """The change: points for ratios, percent of the earlier value for everything else."""
    if figure is None or before is None or figure.value is None or before.value is None:
        return "–"
    difference = figure.value - before.value
    if figure.unit == "ratio":
        return f"{100 * difference:+.1f} pt"
    return f"{difference / abs(before.value):+.1%}" if before.value else "–"


def _records(figure: Figure | None) -> str:
    if figure is None:
        return "–"
    left_out = f" ({figure.n_excluded:,})" if figure.n_excluded else ""
    return f"{figure.n_included:,}{left_out}"


def _print_loads(console: Console, run: PipelineRun) -> None:
    """What became of the rows that were read, what deserves a look, and what was rejected."""
    tables = [(load.source, one) for load in run.loads for one in load.tables]
    loaded = [(source, one) for source, one in tables if not one.is_unchanged]
    restated = ["restated"] if any(one.rows_restated for _, one in loaded) else []
    table = _plain_table(
        "loaded", "read", "fit", "rejected", *restated, "new", "changed", "deleted"
    )
    for source, one in loaded:
        read = "–" if one.rows_read is None else f"{one.rows_read:,}"
        became = (one.rows, one.rows_rejected, *((one.rows_restated,) if restated else ()))
        counts = (*became, one.rows_new, one.rows_changed, one.rows_deleted)
        table.add_row(f"{source}.{one.entity}", read, *(f"{count:,}" for count in counts))
    if loaded:
        console.print(table)
    if restated:
        console.print(
            "Restated: another file has the record, too, and its row counts.", style="dim"
        )
    if len(loaded) < len(tables):
        rows = sum(one.rows for _, one in tables if one.is_unchanged)
        count = len(tables) - len(loaded)
        console.print(f"Unchanged, so not loaded again: {count} tables, {rows:,} rows")
    for load in run.loads:
        for warning in load.warnings:
            console.print(f"{load.source}: {warning}", style="yellow")
    for line in rejections(run.warehouse, run.loads):
        console.print(line, style="yellow")


def rejections(warehouse: Warehouse, loads: Iterable[LoadReport]) -> Iterator[str]:
    """The rules that most rows of the entities' last exports broke, a line each."""
    for load in loads:
        for table in load.tables:
            place = f"Rejected from {load.source}.{table.entity}"
            rules = _broken_rules(warehouse, load, table.entity) if table.rows_rejected else []
            for rule in rules[:RULES_SHOWN]:
                yield f"{place}: {rule}"
            if len(rules) > RULES_SHOWN:
                rows = max(rule.rows for rule in rules[RULES_SHOWN:])
                left_out = len(rules) - RULES_SHOWN
                yield f"{place}: {left_out} more rules, up to {rows:,} × each: make check lists all"


def _broken_rules(warehouse: Warehouse, load: LoadReport, entity: str) -> list[Rule]:
    dataset = f"raw_{load.type}"
    # Values stand in the SQL, for patterns have question marks, too.
    ours = f"source_instance = {literal(load.source)} and entity = {literal(entity)}"
    rejected = f"""{dataset}.rejected where {ours} and _dlt_load_id = (
        select max(_dlt_load_id) from {dataset}.exports where {ours})"""
    return by_rule(entity, warehouse.read(samples_of(rejected)).to_pylist())


def _print_audits(console: Console, run: PipelineRun) -> None:
    for layer, report in run.audits.items():
        passed = sum(result.success for result in report.results)
        console.print(
            f"Audit of {layer}: {passed} of {len(report.results)} checks passed, "
            f"{len(report.failures)} critical failed, {len(report.warnings)} warnings"
        )
        found = (*report.failures, *report.warnings)
        for result in found:
            if result.table == REFERENCES:
                _print_references(console, result)
        failing = [result for result in found if result.table != REFERENCES]
        for result in failing[:FAILURES_SHOWN]:
            _print_failure(console, result)
        if len(failing) > FAILURES_SHOWN:
            console.print(f"  and {len(failing) - FAILURES_SHOWN} more: see the Data Docs")


def _print_references(console: Console, result: CheckResult) -> None:
    for summary in result.sample_keys or (result.observed,):
        _print_result(console, result, summary)


def _print_failure(console: Console, result: CheckResult) -> None:
    found = (
        f"{result.unexpected:,} of {result.checked:,} rows" if result.checked else result.observed
    )
    keys = f" ({', '.join(result.sample_keys[:KEYS_SHOWN])})" if result.sample_keys else ""
    _print_result(console, result, f"{result.table}.{result.name}, {found}{keys}")
    if result.severity == "critical":
        console.print(f"    {result.description}")


def _print_result(console: Console, result: CheckResult, told: str) -> None:
    console.print(
        f"  {result.severity}: {told}",
        style="red" if result.severity == "critical" else "yellow",
    )


def _print_places(console: Console, run: PipelineRun) -> None:
    console.print()
    published = run.paths.published
    if not run.publication:
        kept = "the last good marts stay in place" if published.exists() else "there are no marts"
        console.print(f"Nothing was published: {kept}.", style="bold red")
    rows = {
        "Marts": run.paths.marts,
        "Parquet": published / "parquet",
        "Data Docs": CompanyPaths.of(run.company).data_docs / "index.html",
    }
    for name, path in rows.items():
        if path.exists():
            console.print(f"{name:<10} {path}", soft_wrap=True)
    console.print(f"{'UI':<10} make ui COMPANY={run.company.path}", soft_wrap=True)


def _plain_table(*headings: str) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for position, heading in enumerate(headings):
        table.add_column(heading, justify="right" if position else "left", no_wrap=True)
    return table
