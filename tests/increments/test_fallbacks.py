"""Increments that cannot be, and such as were wrong: all is built whole, and that is told once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from dagster_project.run.builds import build_everything
from dagster_project.run.dbt_runner import BuildError, Dbt
from dagster_project.run.nodes import as_json, from_json
from ingestion.warehouse.warehouse import Warehouse
from tests.increments.days import Build, Days
from tests.increments.story import Story
from tests.increments.whole import MODELS

SEED = 6
STANDS = "dim_account"
"""A table of which nothing is new, and that holds nothing of the moment."""


class DaysOfRecords(Days):
    """Days on which only deals and activities are built: what is anew, and why, is one for all."""

    selection = (*MODELS, "--select", "+int_kpi_deals", "+fct_activities")


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("fallbacks")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SALESOPS_DATA", str(folder / "data"))
        yield Story.begun(SEED, folder, warehoused=DaysOfRecords)


def results(story: Story, build: Build) -> Counter[str]:
    """How often the result of each node is told by a build."""
    told: list[dict[str, Any]] = []
    dbt = Dbt.of(story.days.company)
    build_everything(dbt, build.plan, build.values, told.append, story.days.selection)
    return Counter(result["data"]["node_info"]["unique_id"] for result in told)


def test_where_an_increment_fails_all_is_built_whole(
    story: Story, caplog: pytest.LogCaptureFixture
) -> None:
    story.pass_time("busy day")
    build = story.plan()
    assert build.is_increment
    story.days.execute("alter table intermediate.int_kpi_deals drop column deal_type", [])
    with caplog.at_level("WARNING", "salesops"):
        told = results(story, build)
    assert "could not be built alone" in caplog.text
    assert "int_kpi_deals" in caplog.text
    assert "model.salesops.int_kpi_deals" in told
    assert {*told.values()} == {1}
    assert not story.days.differences(build)


def test_once_a_week_what_was_forgotten_is_found(story: Story) -> None:
    """Of records that are settled, and of a table that stands."""
    story.days.execute("update build.last_build set whole_at = whole_at - interval 7 day", [])
    build = story.plan()
    assert build.is_increment
    assert {*results(story, build).values()} == {1}, "nothing was forgotten"

    story.days.execute(
        "update marts.fct_opportunities set opportunity_name = 'stale' where opportunity_key in "
        "(select opportunity_key from build.last_opportunities where is_settled)",
        [],
    )
    story.days.execute(f"update marts.{STANDS} set account_name = 'stale'", [])
    story.days.execute("update build.last_build set whole_at = whole_at - interval 7 day", [])
    build = story.plan()
    assert build.is_increment
    with pytest.raises(BuildError, match=f"built whole: {STANDS}, (.*, )?fct_opportunities"):
        results(story, build)
    assert not story.days.differences(build), "the whole build stands"


def test_a_set_that_forgets_is_found(story: Story) -> None:
    story.days.build(story.plan())
    [told] = Warehouse.of(story.days.company).read("select nodes from build.last_build").to_pylist()
    nodes = from_json(told["nodes"])
    news = replace(nodes["int_activities__news"], sql="select '' as activity_key where false")
    forgetting = as_json((nodes | {news.name: news}).values())
    story.days.execute("update build.last_build set nodes = ?", [forgetting])
    events = ["activity_changed", "activity_logged", "activity_vanished"]
    found = story.step("not published", events)
    assert story.was_increment
    assert "marts.fct_activities" in {it.table for it in found}


def test_where_a_table_that_stands_is_missing_nothing_is_built_upon_it(story: Story) -> None:
    story.days.execute(f"drop table marts.{STANDS}", [])
    plan = story.plan().plan
    assert plan.doubt == f"{STANDS} of the last build is missing"


def test_marts_of_another_build_are_not_built_upon(story: Story) -> None:
    story.days.execute(
        "create table marts.kpi_values as select 'of a warehouse put aside' as run_id", []
    )
    plan = story.plan().plan
    assert plan.doubt == "the marts are of another build than the warehouse"
