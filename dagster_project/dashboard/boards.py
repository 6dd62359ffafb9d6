"""What the dashboards show of the KPIs: each board is a metric, a mark and a note."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dagster_project.numbers.headlines import BLOCKS


@dataclass(frozen=True)
class Page:
    """A page: its file's name without the ending, its title, and what it is for.

    `special` is the heading of the boards that are not of `kpi_values`.
    """

    key: str
    title: str
    lead: str
    special: str = ""


@dataclass(frozen=True)
class Board:
    """A metric on a page, under a heading; bars are of `cut` unless one is chosen.

    `mark` is `tile`, `trend` or `bars`.
    """

    page: str
    section: str
    title: str
    metric: str
    mark: str
    note: str = ""
    variant: str = "default"
    cut: str = "team"

    @property
    def key(self) -> str:
        """What names the board within its page."""
        return f"{self.mark}-{self.metric}-{self.variant}"


INDEX, PEOPLE_PAGE = "index", "people"
PAGES = (
    Page(INDEX, "Overview", "Where the company stands: the headlines, and where they are going."),
    Page(
        "pipeline",
        "Pipeline",
        "What is open, how it came about, and whether it is enough.",
        "What moved, and what to look at",
    ),
    Page(
        "velocity",
        "Velocity and conversion",
        "How fast deals move, and where they stop.",
        "Where deals stop",
    ),
    Page(
        "money",
        "Marketing and finance",
        "What leads cost and bring, and what is paid.",
        "Behind the numbers",
    ),
    Page(
        PEOPLE_PAGE,
        "People",
        "How each person is doing, beside those in the same place.",
        "Person by person",
    ),
    Page(
        "quality",
        "Data quality",
        "What to put right first, and what hangs on it.",
        "What to fix first",
    ),
    Page(
        "trust",
        "Trust",
        "What changed after it was told, what is left out, what words mean.",
        "What stands behind the numbers",
    ),
)
CUTS = {
    "company": "Whole company",
    "team": "Team",
    "region": "Region",
    "segment": "Segment",
    "product": "Product",
    "rep": "Rep",
    "channel": "Channel",
    "stage": "Stage",
}
"""The cuts of `kpi_values` that pages have, with their names."""
PAIRS = {"team × segment": ("team", "segment"), "rep × product": ("rep", "product")}
"""Two cuts at once, from the members."""
GRAINS = {"month": "Months", "quarter": "Quarters", "year": "Years", "week": "Weeks"}


def _tiles() -> Iterator[Board]:
    """The summary's headlines."""
    for block in BLOCKS:
        for metric, name in block.names.items():
            yield Board(INDEX, block.title.capitalize(), name, metric, "tile")


def _of(page: str, section: str, *told: tuple[str, str, str, str]) -> Iterator[Board]:
    """Boards as they are told below: the mark, the metric with its variant, title and note."""
    for mark, metric, title, note in told:
        name, _, variant = metric.partition(":")
        kind, _, cut = mark.partition(" by ")
        yield Board(
            page,
            section,
            title,
            name,
            kind,
            note,
            variant or "default",
            cut or "team",
        )


BOARDS: tuple[Board, ...] = (
    *_tiles(),
    *_of(
        INDEX,
        "Where it is going",
        ("trend", "revenue_won", "Revenue won", "What was sold, by the day on which deals closed."),
        ("trend", "win_rate", "Win rate", "Of the deals that closed, the share that was won."),
        (
            "trend",
            "pipeline_created",
            "Pipeline created",
            "New pipeline: what there will be to win later.",
        ),
        ("trend", "pipeline_value", "Open pipeline", "What was open when each period ended."),
        ("trend", "mrr", "Recurring revenue", "What customers pay per month when the period ends."),
        ("trend", "cash_collected", "Cash collected", "Money that came in, whenever it was sold."),
    ),
    *_of(
        INDEX,
        "Who and where",
        (
            "bars by team",
            "revenue_won",
            "Revenue won by part",
            "In the chosen period; the parts add up to the company.",
        ),
        (
            "bars by team",
            "win_rate",
            "Win rate by part",
            "Few deals make a rate jump: read it with its records.",
        ),
        (
            "bars by rep",
            "pipeline_created",
            "Pipeline created by part",
            "Who brings what can be won next.",
        ),
    ),
    *_of(
        "pipeline",
        "How much, and how sure",
        ("trend", "pipeline_value", "Open pipeline", "What was open when each period ended."),
        (
            "trend",
            "pipeline_value:weighted",
            "Weighted pipeline",
            "The same × the probability of each stage as the CRM has it: not a measured one.",
        ),
        (
            "trend",
            "pipeline_created",
            "Pipeline created",
            "New pipeline: what there will be to win later.",
        ),
        (
            "trend",
            "pipeline_coverage",
            "Coverage",
            "Open pipeline due in the period beside what is still to be won of its target.",
        ),
        (
            "bars by team",
            "pipeline_value",
            "Open pipeline by part",
            "Where it lies; a part without any is a question.",
        ),
        (
            "bars by stage",
            "stalled_value",
            "Stalled by part",
            "Open amounts that have stood still too long: ask for the next step.",
        ),
        (
            "trend",
            "slippage_rate",
            "Slippage",
            "Of the deals due in a period, the share that was not closed in it.",
        ),
        (
            "trend",
            "push_count",
            "Pushes per deal",
            "How often close dates were put off; much of it makes forecasts soft.",
        ),
    ),
    *_of(
        "velocity",
        "How fast",
        ("trend", "sales_cycle_days", "Sales cycle", "Days from first contact to won."),
        (
            "trend",
            "sales_velocity",
            "Sales velocity",
            "Closed deals × win rate × deal size ÷ cycle: longer periods have more of it.",
        ),
        ("trend", "stage_velocity_days", "Days in a stage", "How long visits of stages last."),
        (
            "bars by stage",
            "stage_velocity_days",
            "Days in a stage by part",
            "By stage, the slowest is where to look first.",
        ),
        (
            "bars by team",
            "sales_cycle_days",
            "Sales cycle by part",
            "Differences between parts are often differences of what is sold.",
        ),
    ),
    *_of(
        "velocity",
        "How much comes through",
        ("trend", "win_rate", "Win rate", "Of the deals that closed, the share that was won."),
        (
            "trend",
            "no_decision_rate",
            "No decision",
            "Of the deals that closed, the share that nobody decided: qualify earlier.",
        ),
        (
            "bars by stage",
            "stage_conversion_rate",
            "Conversion of stages by part",
            "Of deals that entered a stage in the period, the share that has gone on: it ripens.",
        ),
        (
            "bars by team",
            "win_rate",
            "Win rate by part",
            "Few deals make a rate jump: read it with its records.",
        ),
        (
            "trend",
            "lead_response_hours:median",
            "Response to leads",
            "The middle one of the leads that were answered; those never answered are not in it.",
        ),
        ("trend", "average_deal_size", "Average deal size", "Of won deals with an amount."),
    ),
    *_of(
        "money",
        "Marketing",
        ("trend", "marketing_spend", "Marketing spend", "Ad spend and other costs of marketing."),
        ("trend", "cost_per_lead", "Cost per lead", "Spend ÷ leads of the period."),
        (
            "trend",
            "lead_conversion_rate",
            "Lead conversion",
            "Of the leads of a period, the share that has become customers: it ripens.",
        ),
        (
            "trend",
            "customer_acquisition_cost",
            "Cost per new customer",
            "Sales and marketing ÷ new customers.",
        ),
        (
            "bars by channel",
            "lead_conversion_rate",
            "Lead conversion by part",
            "Compare with what each costs before you move money.",
        ),
        (
            "bars by channel",
            "return_on_ad_spend",
            "Return on ad spend by part",
            "Won amount that is credited to ads ÷ what they cost.",
        ),
    ),
    *_of(
        "money",
        "Finance",
        ("trend", "mrr", "Recurring revenue", "What customers pay per month when the period ends."),
        (
            "trend",
            "net_revenue_retention",
            "Net retention",
            "What customers of a year ago pay now ÷ what they paid then.",
        ),
        (
            "trend",
            "customer_retention_rate",
            "Customer retention",
            "Of the customers at the beginning, the share that stayed.",
        ),
        ("trend", "cash_collected", "Cash collected", "Money that came in, whenever it was sold."),
        (
            "trend",
            "days_sales_outstanding",
            "Days outstanding",
            "How long money is owed: rising means slower payers.",
        ),
        ("bars by segment", "mrr", "Recurring revenue by part", "Whose loss would hurt most."),
    ),
)


def boards_of(page: str) -> list[Board]:
    """The boards of a page, in their order."""
    return [board for board in BOARDS if board.page == page]
