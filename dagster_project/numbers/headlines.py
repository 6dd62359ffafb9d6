"""The headline KPIs of a publication, by period."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import product

from dagster_project.publication import open_published
from ingestion.paths import CompanyPaths


@dataclass(frozen=True)
class Block:
    """Headlines that are shown together: their names by metric.

    `dated_by` are those whose records say that there was anything at all in a period.
    """

    title: str
    names: Mapping[str, str]
    dated_by: tuple[str, ...]


BLOCKS = (
    Block(
        "sales",
        {
            "revenue_won": "Revenue won",
            "deals_won": "Deals won",
            "win_rate": "Win rate",
            "average_deal_size": "Average deal size",
            "sales_cycle_days": "Sales cycle",
            "sales_velocity": "Sales velocity",
            "quota_attainment": "Quota attainment",
            "pipeline_created": "Pipeline created",
            "pipeline_value": "Open pipeline",
        },
        ("win_rate", "pipeline_created"),
    ),
    Block(
        "marketing",
        {
            "marketing_spend": "Marketing spend",
            "cost_per_lead": "Cost per lead",
            "lead_conversion_rate": "Lead conversion",
            "customer_acquisition_cost": "Cost per new customer",
            "return_on_ad_spend": "Return on ad spend",
        },
        ("marketing_spend", "lead_conversion_rate"),
    ),
    Block(
        "finance",
        {
            "mrr": "MRR",
            "new_mrr": "New MRR",
            "churned_mrr": "Churned MRR",
            "net_revenue_retention": "Net retention",
            "customer_retention_rate": "Customer retention",
            "cac_payback_months": "Cost earned back in",
            "cash_collected": "Cash collected",
            "days_sales_outstanding": "Days outstanding",
        },
        ("mrr", "cash_collected"),
    ),
)
HEADLINES = {metric: name for block in BLOCKS for metric, name in block.names.items()}
ADDITIVE = {
    "revenue_won": "money",
    "deals_won": "deals",
    "pipeline_created": "money",
    "marketing_spend": "money",
    "new_mrr": "money",
    "churned_mrr": "money",
    "cash_collected": "money",
}
"""Headlines that are 0 in a period of which `kpi_values` has no row, with their units."""
RIPENING = {
    ("win_rate", "cohort"),
    *product(["lead_conversion_rate"], ["default", "qualified", "to_opportunity"]),
    *product(["stage_conversion_rate"], ["default", "direct", "to_won"]),
}
"""Metrics and variants whose young periods are never ripe: their YAML says `matures`."""
MATURING = (
    frozenset(metric for metric, variant in RIPENING if variant == "default") & HEADLINES.keys()
)
"""Headlines of whose ended periods records still change the value: the younger, the lower."""
OF_ALL_COMPANIES = BLOCKS[0].names.keys() - {"quota_attainment"}
"""Headlines that stay where deals are, though there is nothing that they could be of."""
GRAINS = {"month": 1, "quarter": 3}
"""The periods that are shown, with their months."""
INSTANT = dt.timedelta(microseconds=1)
"""A period has ended at its last microsecond."""


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

    @classmethod
    def of(cls, grain: str, day: dt.date, year_start: int) -> Period:
        """The period of a day; fiscal years begin in the month `year_start`."""
        months = (day.month - year_start) % GRAINS[grain]
        return cls(grain, add_months(day, -months))

    @property
    def previous(self) -> Period:
        """The period before."""
        return Period(self.grain, add_months(self.start, -GRAINS[self.grain]))

    @property
    def end(self) -> dt.date:
        """The first day after the period."""
        return add_months(self.start, GRAINS[self.grain])

    @property
    def label_so_far(self) -> str:
        """How the period is shown that goes on, such as `Nov so far` or `Oct–Dec so far`."""
        first, last = f"{self.start:%b}", f"{add_months(self.end, -1):%b}"
        return f"{first} so far" if self.grain == "month" else f"{first}–{last} so far"

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

    `figures` are the whole company's, by metric, grain and period; `definitions` the hash of each
    metric's definition.
    """

    as_of: dt.datetime
    figures: Figures
    definitions: Mapping[str, str]


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
            hashes = connection.execute(
                """select distinct metric, definition_hash
                from marts.kpi_definitions
                where definition_hash is not null"""
            ).fetchall()
    except duckdb.Error:
        return None
    if not rows:
        return None
    figures = {(row[1], row[2], row[3]): Figure(*row[4:]) for row in rows}
    return Edition(rows[0][0], figures, dict(hashes))


def blocks(figures: Figures) -> list[Block]:
    """The blocks that have any records; without any, that of sales."""
    has_records = {metric for (metric, *_), it in figures.items() if it.n_included + it.n_excluded}
    return [it for it in BLOCKS if not has_records.isdisjoint(it.names)] or [BLOCKS[0]]


def latest_complete(
    figures: Figures, dated_by: Collection[str], grain: str, today: dt.date
) -> Period | None:
    """The last period that has ended by `today` and in which there was anything.

    A period under way would look like a slump, and periods after the end of the data like ruin.
    """
    starts = [
        start
        for (metric, its_grain, start), figure in figures.items()
        if its_grain == grain
        and start is not None
        and metric in dated_by
        and figure.n_included
        and Period(grain, start).end <= today
    ]
    return Period(grain, max(starts)) if starts else None


def going_on(
    figures: Figures, block: Block, complete: Period, moment: dt.datetime, year_start: int
) -> Period | None:
    """The period that goes on at a moment on the company's clocks.

    None where one has just ended and the next begun. None, too, where nothing is told of it nor
    of the one before: data that ended long ago is no slump.
    """
    period = Period.of(complete.grain, (moment - INSTANT).date(), year_start)
    if period.end <= (moment + INSTANT).date():
        return None
    told = [figures.get((metric, period.grain, period.start)) for metric in block.dated_by]
    is_told = any(figure and figure.n_included for figure in told)
    return period if is_told or period.previous == complete else None


def headline(figures: Figures, metric: str, grain: str, start: dt.date | None) -> Figure | None:
    """A KPI in a period; where there was nothing to add up, 0 of nothing."""
    nothing = Figure(0.0, ADDITIVE[metric], 0, 0) if metric in ADDITIVE else None
    return figures.get((metric, grain, start), nothing)


def headlines(figures: Figures, block: Block) -> Mapping[str, str]:
    """The names of the headlines that a company has, by metric; also those without a value now."""
    known = {metric for metric, *_ in figures} | OF_ALL_COMPANIES
    return {metric: name for metric, name in block.names.items() if metric in known}
