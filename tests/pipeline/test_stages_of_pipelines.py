"""Stages are known by source, pipeline and name, from load to load, whatever they are called.

Two sources, both with the pipelines Enterprise and Partner, all of which have a stage Proposal:
`us` tells its history, `emea` keeps versions. Between two loads Intro (us, with ids) becomes Hello,
and Demo (emea, names only) becomes Trial. Each deal is named for its trap.
"""

from __future__ import annotations

import pytest

from dagster_project.run.clock import now
from ingestion.company.reading import load_company
from ingestion.pipeline import load_source
from tests.compiled_models import CompiledModels
from tests.kpis.companies import Published

COMPANY = """
name: Two Regions
currency: USD
timezone: UTC
as_of: 2024-06-30
sources:
  - name: us
    type: files
    path: us
    provides: {opportunities: US}
    entities:
      opportunities: {from: opportunities}
      pipeline_stages: {from: stages}
      field_changes: {from: history}
  - name: emea
    type: files
    path: emea
    provides: {opportunities: EMEA}
    entities:
      opportunities: {from: opportunities}
      pipeline_stages: {from: stages}
"""
BUILT = (
    "kpi_values",
    "mart_deal_inspection",
    "fct_pipeline_daily",
    "fct_opportunity_changes",
    "fct_opportunity_hygiene",
    "dim_stage",
)
US_STAGES = """source_id,pipeline,stage,stage_order,status,probability
1,Enterprise,Qualify,1,open,0.2
2,Enterprise,Proposal,2,open,0.5
3,Enterprise,Won,3,won,1
4,Partner,{intro},1,open,0.1
5,Partner,Proposal,3,open,0.4
6,Partner,Signed,4,won,1
"""
US_DEALS = """source_id,pipeline,stage,amount,created_at,closed_at,source_updated_at
slow_in_enterprise,Enterprise,Won,10,2024-01-01 00:00:00,2024-01-31 12:00:00,2024-01-31 12:00:00
fast_in_partner,Partner,Signed,10,2024-01-01 00:00:00,2024-01-05 12:00:00,2024-01-05 12:00:00
moved_at_once,Partner,Proposal,100,2024-01-01 00:00:00,,2024-02-11 00:00:00
to_the_same_name,Partner,Proposal,1000,2024-01-01 00:00:00,,2024-03-01 00:00:00
told_by_its_former_name,Partner,{intro},5,2024-04-01 00:00:00,,2024-04-01 00:00:00
"""
US_HISTORY = """entity,entity_id,field,old_value,new_value,changed_at
opportunities,slow_in_enterprise,stage,,Qualify,2024-01-01 00:00:00
opportunities,slow_in_enterprise,stage,Qualify,Proposal,2024-01-11 12:00:00
opportunities,slow_in_enterprise,stage,Proposal,Won,2024-01-31 12:00:00
opportunities,fast_in_partner,stage,Intro,Proposal,2024-01-03 12:00:00
opportunities,fast_in_partner,stage,Proposal,Signed,2024-01-05 12:00:00
opportunities,moved_at_once,pipeline,Enterprise,Partner,2024-02-01 00:00:00
opportunities,moved_at_once,stage,Proposal,Intro,2024-02-01 00:00:00
opportunities,moved_at_once,stage,Intro,Proposal,2024-02-11 00:00:00
opportunities,to_the_same_name,pipeline,Enterprise,Partner,2024-03-01 00:00:00
"""
EMEA_STAGES = """pipeline,stage,stage_order,status,probability
Enterprise,{demo},1,open,0.2
Enterprise,Proposal,2,open,0.5
Enterprise,Won,3,won,1
Partner,Proposal,1,open,0.4
"""
EMEA_DEALS = """source_id,pipeline,stage,amount,created_at,source_updated_at
moved_between_loads,{moved},2024-03-01 00:00:00,{updated}
only_its_stage_was_renamed,Enterprise,{demo},7,2024-03-01 00:00:00,{updated}
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """The company after two loads."""
    folder = tmp_path_factory.mktemp("two_regions")
    company = folder / "company.yml"
    company.write_text(COMPANY)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SALESOPS_DATA", str(folder / "data"))
        for intro, demo, moved, updated in (
            ("Intro", "Demo", "Enterprise,Proposal,50", "2024-05-01 00:00:00"),
            ("Hello", "Trial", "Partner,Proposal,50", "2024-05-11 00:00:00"),
        ):
            given = {"intro": intro, "demo": demo, "moved": moved, "updated": updated}
            for file, text in {
                "us/stages": US_STAGES,
                "us/opportunities": US_DEALS,
                "us/history": US_HISTORY,
                "emea/stages": EMEA_STAGES,
                "emea/opportunities": EMEA_DEALS,
            }.items():
                path = folder / f"{file}.csv"
                path.parent.mkdir(exist_ok=True)
                path.write_text(text.format(**given))
            settings = load_company(company)
            for source in settings.sources:
                load_source(settings, source)
        CompiledModels.of(settings).build(now(), now(), BUILT)
    return Published(company, folder / "data" / "two_regions")


def rows(built: Published, sql: str) -> list[tuple[object, ...]]:
    return list(built.warehouse(sql).itertuples(index=False, name=None))


def test_a_stay_is_in_the_pipeline_of_its_moment_and_a_renamed_stage_goes_on(
    built: Published,
) -> None:
    assert rows(
        built,
        "select opportunity_id, stage_label, cast(entered_on as varchar), coalesce(ended_as, '') "
        "from marts.fct_stage_visits where opportunity_id in ('moved_at_once', 'to_the_same_name', "
        "'told_by_its_former_name', 'fast_in_partner', 'moved_between_loads', "
        "'only_its_stage_was_renamed') order by opportunity_id, position",
    ) == [
        ("fast_in_partner", "Hello", "2024-01-01", "advanced"),
        ("fast_in_partner", "Proposal (Partner, us)", "2024-01-03", "won"),
        ("fast_in_partner", "Signed", "2024-01-05", ""),
        ("moved_at_once", "Proposal (Enterprise, us)", "2024-01-01", "moved"),
        ("moved_at_once", "Hello", "2024-02-01", "advanced"),
        ("moved_at_once", "Proposal (Partner, us)", "2024-02-11", "open"),
        ("moved_between_loads", "Proposal (Enterprise, emea)", "2024-03-01", "moved"),
        ("moved_between_loads", "Proposal (Partner, emea)", "2024-05-11", "open"),
        ("only_its_stage_was_renamed", "Trial", "2024-03-01", "open"),
        ("to_the_same_name", "Proposal (Enterprise, us)", "2024-01-01", "moved"),
        ("to_the_same_name", "Proposal (Partner, us)", "2024-03-01", "open"),
        ("told_by_its_former_name", "Hello", "2024-04-01", "open"),
    ]  # fmt: skip


def test_stages_of_one_name_share_neither_a_cut_nor_a_median(built: Published) -> None:
    velocities = rows(
        built,
        "select dimension_key, round(value, 2) from marts.kpi_values "
        "where metric = 'stage_velocity_days' "
        "and variant = 'default' and period_grain = 'all' and dimension = 'stage' "
        "and dimension_key like 'Proposal%' and n_included > 0 order by 1",
    )
    # 20 of slow_in_enterprise, 31 of moved_at_once, 60 of to_the_same_name.
    assert velocities == [
        ("Proposal (Enterprise, us)", 37.0),
        ("Proposal (Partner, us)", 2.0),
    ]
    assert rows(
        built,
        "select opportunity_id, stage_stays_ended, stage_median_days "
        "from marts.mart_deal_inspection where stage_median_days is not null order by 1",
    ) == [
        ("moved_at_once", 1, 2.0),
        ("to_the_same_name", 1, 2.0),
        # Of 2 and 10 days under the former name.
        ("told_by_its_former_name", 2, 6.0),
    ]


def test_the_pipeline_of_the_past_is_that_of_then(built: Published) -> None:
    values = rows(
        built,
        "select cast(period_start as varchar), dimension, dimension_key, value "
        "from marts.kpi_values "
        "where metric = 'pipeline_value' and variant = 'default' and period_grain = 'month' "
        "and dimension in ('pipeline', 'stage') and value > 0 "
        "and period_start in (date '2024-01-01', date '2024-02-01', date '2024-03-01') "
        "order by 1, 2, 3",
    )
    assert values == [
        ("2024-01-01", "pipeline", "Enterprise", 1100),
        ("2024-01-01", "stage", "Proposal (Enterprise, us)", 1100),
        ("2024-02-01", "pipeline", "Enterprise", 1000),
        ("2024-02-01", "pipeline", "Partner", 100),
        ("2024-02-01", "stage", "Proposal (Enterprise, us)", 1000),
        ("2024-02-01", "stage", "Proposal (Partner, us)", 100),
        ("2024-03-01", "pipeline", "Enterprise", 57),
        ("2024-03-01", "pipeline", "Partner", 1100),
        ("2024-03-01", "stage", "Proposal (Enterprise, emea)", 50),
        ("2024-03-01", "stage", "Proposal (Partner, us)", 1100),
        ("2024-03-01", "stage", "Trial", 7),
    ]
    assert rows(
        built,
        "select source_instance, pipeline, stage, deals from marts.fct_pipeline_daily "
        "where date_day = date '2024-05-11' order by 1, 2, 3",
    ) == [
        ("emea", "Enterprise", "Trial", 1),
        ("emea", "Partner", "Proposal", 1),
        ("us", "Partner", "Hello", 1),
        ("us", "Partner", "Proposal", 2),
    ]


def test_a_renamed_stage_is_named_and_no_movement_is_shown(built: Published) -> None:
    assert rows(
        built,
        "select source_instance, stage, former_names, is_rename_inferred from marts.dim_stage "
        "where former_names is not null order by 1",
    ) == [("emea", "Trial", "Demo", True), ("us", "Hello", "Intro", False)]
    assert rows(built, "select count(*) from marts.dim_stage where is_retired") == [(0,)]
    assert (
        rows(built, "select opportunity_key from marts.fct_opportunity_hygiene where stage_unknown")
        == []
    )
    assert rows(
        built,
        "select old_value, new_value from marts.fct_opportunity_changes where field = 'stage' "
        "and opportunity_id in ('fast_in_partner', 'only_its_stage_was_renamed') order by position",
    ) == [("Hello", "Proposal"), ("Proposal", "Signed")]


def test_a_stage_of_another_pipeline_is_not_a_higher_one(built: Published) -> None:
    """`moved_at_once` left Enterprise's Proposal, second of two, and came to Partner's third."""
    assert rows(
        built,
        "select dimension_key, value from marts.kpi_values where metric = 'stage_conversion_rate' "
        "and variant = 'default' and period_grain = 'all' and dimension = 'stage' "
        "and dimension_key in ('Proposal (Enterprise, us)', 'Hello') order by 1",
    ) == [("Hello", 2 / 3), ("Proposal (Enterprise, us)", 1 / 3)]
