"""The past, built today, is what was built then; where facts came late, it differs by those."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from ingestion.sandbox.world import World
from tests.pipeline.compiled_models import CompiledModels
from tests.sandbox.simulated_company import SimulatedCompany, utc_now

SEED = 11
DAYS_BEFORE = 330
MOMENTS = 10
LATE_AFTER = 4
"""Index of the moment that some deals of its days are told after."""
MARTS = (
    "kpi_values",
    "kpi_exclusions",
    "fct_opportunities",
    "fct_opportunity_changes",
    "fct_stage_visits",
    "fct_pipeline_daily",
    "fct_pipeline_bridge",
    "mart_pipeline_changes",
    "mart_deal_inspection",
    "mart_pipeline_coverage",
)
OF_THE_RUN = {"run_id", "loaded_at"}
OF_A_DEAL = ("fct_opportunities", "fct_opportunity_changes", "fct_stage_visits")

Marts = Mapping[str, pd.DataFrame]


@dataclass
class Story:
    """Ten moments of a company: what was built at each, and the deals told late after one."""

    company: SimulatedCompany
    built: list[tuple[dt.datetime, dt.datetime, Marts]] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    models: CompiledModels | None = None

    def build(self, as_of: dt.datetime, known_at: dt.datetime) -> Marts:
        """The marts of a moment: all columns but the run's own, in a fixed order."""
        if self.models is None:
            self.company.build(as_of, known_at, *(f"+{mart}" for mart in MARTS))
            self.models = CompiledModels.of(self.company, as_of, known_at)
        else:
            self.models.build(as_of, known_at)
        with duckdb.connect(self.company.warehouse, read_only=True) as connection:
            return {mart: _read(connection, mart) for mart in MARTS}


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """A company loaded and built at ten random moments."""
    draw = random.Random(SEED)
    folder = tmp_path_factory.mktemp("moments")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SALESOPS_DATA", str(folder / "data"))
        story = Story(SimulatedCompany(folder / "company", "America/New_York", "USD", 2))
        world = World.found(seed=SEED, scale=0.02)
        world.advance(DAYS_BEFORE)
        for moment in range(MOMENTS):
            before = world.now
            world.advance(draw.randint(1, 40))
            story.company.export(world)
            if moment == LATE_AFTER:
                story.late = _withhold(story.company, before)
            story.company.load()
            as_of, known_at = world.now.replace(tzinfo=None), utc_now()
            story.built.append((as_of, known_at, story.build(as_of, known_at)))
        yield story


def _withhold(company: SimulatedCompany, since: dt.datetime) -> list[str]:
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


def _read(connection: duckdb.DuckDBPyConnection, mart: str) -> pd.DataFrame:
    rows = connection.execute(f"select * from marts.{mart}").df()
    rows = rows[sorted(set(rows.columns) - OF_THE_RUN)]
    return rows.sort_values(list(rows.columns), ignore_index=True, key=lambda c: c.astype(str))


def only_in(rows: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """The rows that the others do not have."""
    text = [frame.astype(str).agg("|".join, axis=1) for frame in (rows, others)]
    return rows[~text[0].isin(text[1])]


def assert_same(then: Marts, now: Marts, moment: dt.datetime) -> None:
    """Every mart is row for row what it was."""
    for mart in MARTS:
        gone, new = only_in(then[mart], now[mart]), only_in(now[mart], then[mart])
        same = gone.empty and new.empty and len(then[mart]) == len(now[mart])
        assert same, f"{mart} as of {moment}\n{gone.head(4).T}\n{new.head(4).T}"


def test_the_story_has_what_the_tests_are_about(story: Story) -> None:
    assert len(story.late) >= 2
    for _, _, marts in story.built:
        assert all(len(rows) for rows in marts.values()), {m: len(r) for m, r in marts.items()}


@pytest.mark.parametrize("moment", [m for m in range(MOMENTS - 1) if m != LATE_AFTER])
def test_the_past_is_what_was_built_then(story: Story, moment: int) -> None:
    as_of, _, then = story.built[moment]
    assert_same(then, story.build(as_of, utc_now()), as_of)


def test_what_was_known_then_gives_what_was_built_then(story: Story) -> None:
    as_of, known_at, then = story.built[LATE_AFTER]
    assert_same(then, story.build(as_of, known_at), as_of)


def test_late_facts_are_the_whole_difference(story: Story) -> None:
    as_of, _, then = story.built[LATE_AFTER]
    now = story.build(as_of, utc_now())
    for mart in OF_A_DEAL:
        assert only_in(then[mart], now[mart]).empty, mart
        new = only_in(now[mart], then[mart])
        assert set(new["opportunity_id"]) == set(story.late), mart
    without = now["mart_deal_inspection"]
    without = without[~without["opportunity_id"].isin(story.late)]
    assert set(without["opportunity_id"]) == set(then["mart_deal_inspection"]["opportunity_id"])
    deals = now["fct_opportunities"]
    late = deals[deals["opportunity_id"].isin(story.late) & deals["removal"].isna()]
    created = [_value(marts["kpi_values"], "pipeline_created", "count") for marts in (then, now)]
    assert created[1] - created[0] == len(late) > 0
    open_amount = [_value(marts["kpi_values"], "pipeline_value") for marts in (then, now)]
    late_amount = late.loc[late["is_open"], "amount"].astype(float).sum()
    assert open_amount[1] - open_amount[0] == pytest.approx(late_amount, abs=0.005)


def _value(kpis: pd.DataFrame, metric: str, variant: str = "default") -> float:
    whole = (kpis["period_grain"] == "all") & (kpis["dimension"] == "company")
    [value] = kpis.loc[whole & (kpis["metric"] == metric) & (kpis["variant"] == variant), "value"]
    return value
