"""The past, built today, is what was built then; where facts came late, it differs by those."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from dagster_project.run.clock import now
from ingestion.sandbox.world import World
from ingestion.sandbox.world.causes import Causes
from tests.compiled_models import CompiledModels
from tests.sandbox.simulated_company import ExportedCompany
from tests.thorough import IS_THOROUGH

SEED = 11
TIMELY = Causes(
    late_entry_share=0, left_date_share=0, lagging_share=0, relabelled_on=dt.date(2030, 1, 1)
)
"""Nothing is told later than it happens but what the story tells late, and names stay."""
DAYS_BEFORE = 330
MOMENTS = 10 if IS_THOROUGH else 3
LATE_AFTER = 1
"""Index of the moment that some deals of its days are told after."""
PIPELINE = (
    "fct_opportunities",
    "fct_opportunity_changes",
    "fct_stage_visits",
    "fct_pipeline_daily",
    "fct_pipeline_bridge",
    "mart_pipeline_changes",
    "mart_deal_inspection",
)
KPIS = ("kpi_values", "kpi_exclusions")
WITH_KPIS = (0, LATE_AFTER, 8)
"""Moments at which the KPIs are built, too: they take four times as long as the pipeline."""
NOT_OF_THE_MOMENT = ["run_id", "loaded_at", "source_updated_at", "loss_reason"]
"""What is of the run, of the version of a record that it found, or has no history."""
RESTS_ON_WHAT_COMES_LATE = """
    case
        when metric in ('pipeline_coverage', 'quota_attainment', 'reps_at_quota')
        then period_grain <> 'all'
        else metric in (
            'marketing_spend', 'cost_per_lead', 'customer_acquisition_cost', 'cac_payback_months',
            'return_on_ad_spend'
        )
    end
    and (period_grain = 'all' or period_start + case
        period_grain when 'month' then interval 1 month
        when 'quarter' then interval 3 month when 'year' then interval 1 year
    end > as_of)"""
"""Quotas are set quarter by quarter and bear no date: those of the rest of a period come late. So
do costs, which are booked when their month is over, and the spend of a day, told the day after."""
OF_A_DEAL = ("fct_opportunities", "fct_opportunity_changes", "fct_stage_visits")
EARLIER, NOW = "earlier", "marts"
"""Schemas of the kept build and of the last one."""


def marts_of(moment: int) -> tuple[str, ...]:
    """The marts that are built and compared at a moment."""
    return (*PIPELINE, *KPIS) if moment in WITH_KPIS else PIPELINE


@dataclass
class Story:
    """Moments of a company: what was built at each, and the deals told late after one."""

    company: ExportedCompany
    moments: list[tuple[dt.datetime, dt.datetime]] = field(default_factory=list)
    late: list[str] = field(default_factory=list)

    def build(self, moment: int, known_at: dt.datetime) -> None:
        """Build the marts of a moment."""
        as_of = self.moments[moment][0]
        CompiledModels.of(self.company.company).build(as_of, known_at, marts_of(moment))

    def keep(self, moment: int) -> None:
        """Keep what was built last as what was built at this moment."""
        schema = f"{EARLIER}_{moment}"
        with duckdb.connect(self.company.warehouse) as connection:
            connection.execute(f"create schema {schema}")
            for mart in marts_of(moment):
                connection.execute(f"create table {schema}.{mart} as from marts.{mart}")

    def only_in(self, schema: str, other: str, mart: str) -> pd.DataFrame:
        """Rows of a mart in one schema that the other does not have, without the run's own."""
        columns = f"columns(c -> not list_contains({NOT_OF_THE_MOMENT}, c))"
        which = f"({RESTS_ON_WHAT_COMES_LATE}) is not true" if mart == "kpi_values" else "true"
        return self.read(
            f"select {columns} from {schema}.{mart} where {which} "
            f"except all select {columns} from {other}.{mart} where {which}"
        )

    def read(self, sql: str) -> pd.DataFrame:
        with duckdb.connect(self.company.warehouse, read_only=True) as connection:
            return connection.execute(sql).df()

    def kpi(self, schema: str, metric: str, variant: str = "default") -> float:
        """A metric of the company, of all time."""
        [value] = self.read(
            f"""select value from {schema}.kpi_values
            where metric = '{metric}' and variant = '{variant}'
            and period_grain = 'all' and dimension = 'company'"""
        )["value"]
        return value


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """A company loaded and built at random moments."""
    draw = random.Random(SEED)
    folder = tmp_path_factory.mktemp("moments")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SALESOPS_DATA", str(folder / "data"))
        story = Story(ExportedCompany(folder / "company", "America/New_York", "USD", 2))
        world = World.found(seed=SEED, scale=0.02, causes=TIMELY)
        world.advance(DAYS_BEFORE)
        for moment in range(MOMENTS):
            before = world.now
            world.advance(draw.randint(1, 40))
            story.company.show(world)
            if moment == LATE_AFTER:
                story.late = _withhold(story.company, before)
            story.company.load()
            known_at = now()
            story.moments.append((world.now.replace(tzinfo=None), known_at))
            story.build(moment, known_at)
            story.keep(moment)
        yield story


def _withhold(company: ExportedCompany, since: dt.datetime) -> list[str]:
    """Leave some of the deals created since out of the exports; their ids."""
    exports = company.folder / "exports"
    deals = pq.read_table(exports / "opportunities.parquet")
    young = deals.filter(pc.greater(deals["created_at"], pa.scalar(since.replace(tzinfo=None))))
    late = young["source_id"].to_pylist()[::2]
    for entity, column in (
        ("opportunities", "source_id"),
        ("field_changes", "entity_id"),
        ("activities", "opportunity_id"),
    ):
        path = exports / f"{entity}.parquet"
        table = pq.read_table(path)
        is_late = pc.fill_null(pc.is_in(table[column], pa.array(late)), False)
        pq.write_table(table.filter(pc.invert(is_late)), path)
    return late


def assert_same(story: Story, moment: int) -> None:
    """Every mart is row for row what was built at the moment."""
    earlier = f"{EARLIER}_{moment}"
    for mart in marts_of(moment):
        gone, new = story.only_in(earlier, NOW, mart), story.only_in(NOW, earlier, mart)
        assert gone.empty, f"{mart} of {moment}\n{gone.head(4).T}\n{new.head(4).T}"
        assert new.empty, f"{mart} of {moment}\n{new.head(4).T}"


def test_the_story_has_what_the_tests_are_about(story: Story) -> None:
    assert len(story.late) >= 2
    for moment in range(MOMENTS):
        for mart in marts_of(moment):
            assert not story.read(f"select 1 from {EARLIER}_{moment}.{mart} limit 1").empty, mart


@pytest.mark.parametrize("moment", [m for m in range(MOMENTS) if m != LATE_AFTER])
def test_the_past_is_what_was_built_then(story: Story, moment: int) -> None:
    story.build(moment, now())
    assert_same(story, moment)


def test_what_was_known_then_gives_what_was_built_then(story: Story) -> None:
    _, known_at = story.moments[LATE_AFTER]
    story.build(LATE_AFTER, known_at)
    assert_same(story, LATE_AFTER)


def test_late_facts_are_the_whole_difference(story: Story) -> None:
    story.build(LATE_AFTER, now())
    earlier = f"{EARLIER}_{LATE_AFTER}"
    for mart in OF_A_DEAL:
        assert story.only_in(earlier, NOW, mart).empty, mart
        new = story.only_in(NOW, earlier, mart)
        assert set(new["opportunity_id"]) == set(story.late), mart
    deals = story.read("select * from marts.fct_opportunities where removal is null")
    late = deals[deals["opportunity_id"].isin(story.late)]
    created = [story.kpi(schema, "pipeline_created", "count") for schema in (earlier, NOW)]
    assert created[1] - created[0] == len(late) > 0
    open_amount = [story.kpi(schema, "pipeline_value") for schema in (earlier, NOW)]
    late_amount = late.loc[late["is_open"], "amount"].astype(float).sum()
    assert open_amount[1] - open_amount[0] == pytest.approx(late_amount, abs=0.005)
