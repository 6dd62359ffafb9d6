"""Quotas: a company worked by hand, through a transfer, and random ones beside the oracle."""

from __future__ import annotations

import random
from pathlib import Path

import pandas as pd
import pytest

from dagster_project.run.clock import now
from ingestion.company.reading import load_company
from ingestion.pipeline import load_source
from tests.compiled_models import CompiledModels
from tests.kpis.companies import Published
from tests.kpis.test_against_oracle import differences
from tests.oracle.exports import exported
from tests.oracle.values import expected
from tests.thorough import thorough

AS_OF = "2024-06-20 12:00:00"
COMPANY = """
name: {name}
currency: USD
timezone: UTC
as_of: {as_of}
personal_quotas: [coach]
sources:
  - name: crm
    type: files
    path: .
    entities:
      users: {{from: users.csv}}
      opportunities: {{from: opportunities.csv}}
      activities: {{from: activities.csv}}
      quotas: {{from: quotas.csv}}
      pipeline_stages:
        rows:
          - {{stage: Open, stage_order: 1, status: open, probability: 0.5}}
          - {{stage: Won, stage_order: 2, status: won, probability: 1}}
"""
BUILT = ("kpi_values", "kpi_exclusions", "mart_pipeline_coverage")
USERS = """source_id,name,role,team,manager_id,left_on,source_updated_at
nora,Nora,manager,North,,,2024-01-01
r1,r1,rep,North,nora,,2024-01-01
r2,r2,rep,South,,,2024-01-01
r3,r3,rep,South,,,2024-01-01
r4,r4,rep,,,,2024-01-01
mover,Mover,rep,North,nora,,2024-01-01
coach,Coach,rep,East,,,2024-01-01
pupil,Pupil,rep,East,coach,,2024-01-01
"""
QUOTAS = """owner_id,team,period_start,period_grain,measure,amount
r1,,2024-01-01,month,revenue,3000
,South,2024-01-01,month,revenue,6000
r4,,2024-02-01,month,revenue,1000
r4,,2024-03-01,quarter,activities,9200
mover,,2024-02-01,month,deals,29
mover,,2024-03-01,month,deals,31
nora,,2024-01-01,quarter,revenue,9100
coach,,2024-04-01,month,revenue,2000
r2,,2024-04-15,month,revenue,3000
r1,,2024-04-01,quarter,revenue,9100
r1,,2024-05-01,month,revenue,5000
r3,,2024-05-01,month,revenue,0
,,2024-06-01,month,revenue,30000
"""
DEALS = """source_id,owner_id,stage,amount,created_at,close_date,closed_at
north_in_january,r1,Won,3000,2024-01-01 09:00:00,,2024-01-10 12:00:00
north_in_february,r1,Won,111,2024-01-01 09:00:00,,2024-02-10 12:00:00
covered_month,r4,Won,500,2024-01-01 09:00:00,,2024-02-10 12:00:00
uncovered_month,r4,Won,800,2024-01-01 09:00:00,,2024-03-10 12:00:00
before_the_transfer,mover,Won,10,2024-01-01 09:00:00,,2024-02-20 12:00:00
after_the_transfer,mover,Won,20,2024-01-01 09:00:00,,2024-03-20 12:00:00
of_the_player_coach,coach,Won,1000,2024-01-01 09:00:00,,2024-04-05 12:00:00
before_part_of_the_month,r2,Won,100,2024-01-01 09:00:00,,2024-04-14 12:00:00
in_part_of_the_month,r2,Won,800,2024-01-01 09:00:00,,2024-04-15 12:00:00
in_part_of_the_next,r2,Won,50,2024-01-01 09:00:00,,2024-05-14 12:00:00
after_part_of_the_next,r2,Won,70,2024-01-01 09:00:00,,2024-05-15 12:00:00
for_the_company,r3,Won,2000,2024-01-01 09:00:00,,2024-06-03 12:00:00
overdue,r3,Open,400,2024-01-01 09:00:00,2024-06-19,
due_today,r3,Open,40,2024-01-01 09:00:00,2024-06-20,
undated,r3,Open,70,2024-01-01 09:00:00,,
undated_without_amount,r3,Open,,2024-01-01 09:00:00,,
"""
ACTIVITIES = """source_id,type,occurred_at,owner_id
a1,call,2024-03-05 10:00:00,r4
a2,email,2024-03-06 10:00:00,r4
a3,call,2024-02-29 10:00:00,r4
a4,call,2024-03-05 10:00:00,r1
"""


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """The company, loaded before and after one of its reps went to another team."""
    folder = tmp_path_factory.mktemp("quotas")
    exports = {"users": USERS, "opportunities": DEALS, "quotas": QUOTAS, "activities": ACTIVITIES}
    transferred = USERS.replace("Mover,rep,North,nora,,2024-01-01", "Mover,rep,South,,,2024-03-01")
    return _built(folder, exports, exports | {"users": transferred})


def _built(folder: Path, *loads: dict[str, str]) -> Published:
    file = folder / "company.yml"
    file.write_text(COMPANY.format(name="Quotas", as_of=AS_OF))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SALESOPS_DATA", str(folder / "data"))
        for exports in loads:
            for name, text in exports.items():
                (folder / f"{name}.csv").write_text(text)
            settings = load_company(file)
            load_source(settings, settings.sources[0])
        as_of = pd.Timestamp(AS_OF).to_pydatetime()
        CompiledModels.of(settings).build(as_of, now(), BUILT)
    return Published(file, folder / "data" / "quotas")


@pytest.mark.parametrize(
    ("cell", "won", "quota", "included", "excluded"),
    [
        # A team's own quota stands beside a rep's of another team: 33%, not 100%. It is a record.
        ("default month 2024-01-01 company all", 3000, 9000, 2, 0),
        ("default month 2024-01-01 team South", 0, 6000, 1, 0),
        ("default month 2024-01-01 team North", 3000, 3000, 1, 0),
        # Months without a quota count in no period; the target of a manager's team adds to no sum.
        ("default quarter 2024-01-01 rep r4", 500, 1000, 1, 0),
        ("default quarter 2024-01-01 company all", 3500, 10000, 3, 1),
        ("default month 2024-02-01 company all", 500, 1000, 1, 2),
        ("default quarter 2024-01-01 manager nora", 3121, 9100, 2, 0),
        # The player-coach's quota is marked as personal.
        ("default month 2024-04-01 rep coach", 1000, 2000, 1, 0),
        # A quota from mid-month on covers these days, a finer one holds for its own.
        ("default month 2024-04-01 rep r2", 800, 1600, 1, 0),
        ("default month 2024-05-01 rep r2", 50, 1400, 1, 0),
        ("default quarter 2024-04-01 rep r1", 0, 3000 + 5000 + 3000, 1, 0),
        ("default month 2024-04-01 company all", 1800, 2000 + 1600 + 3000, 3, 0),
        ("default month 2024-05-01 company all", 50, 5000 + 1400, 3, 0),
        # The company's own quota goes before all and covers everyone.
        ("default month 2024-06-01 company all", 2000, 30000, 2, 0),
        ("default all  company all", 3500 + 1850 + 2000, 10000 + 6600 + 6400 + 30000, 5, 1),
        # Quotas and wins are those of the team of then.
        ("deals month 2024-02-01 team North", 1, 29, 1, 1),
        ("deals month 2024-03-01 team South", 1, 31, 1, 0),
        ("activities month 2024-03-01 rep r4", 2, 3100, 1, 0),
        ("activities month 2024-03-01 company all", 2, 3100, 1, 1),
    ],
)  # fmt: skip
def test_attainment(
    company: Published, cell: str, won: float, quota: float, included: int, excluded: int
) -> None:
    variant, grain, start, cut, key = cell.split(" ")
    rows = company.warehouse(
        "select numerator, denominator, n_included, n_excluded from marts.kpi_values "
        "where metric = 'quota_attainment' "
        "and variant = ? and period_grain = ? and dimension = ? and dimension_key = ? "
        "and coalesce(cast(period_start as varchar), '') = ?",
        [variant, grain, cut, key, start],
    )
    (found,) = rows.astype(float).itertuples(index=False, name=None)
    assert found == pytest.approx((won, quota, included, excluded), abs=1e-5)


def test_a_targets_owner_is_no_rep_with_a_quota(company: Published) -> None:
    rows = company.warehouse(
        "select distinct dimension from marts.kpi_values "
        "where metric = 'quota_attainment' and dimension_key = 'nora'"
    )
    assert rows["dimension"].tolist() == ["manager"]


def test_who_is_excluded_is_named_by_period(company: Published) -> None:
    rows = company.warehouse(
        "select entity_id, reason from marts.kpi_exclusions where metric = 'quota_attainment' "
        "and variant = 'default' and period_grain = 'month' and period_start = '2024-02-01'"
    )
    assert sorted(rows.itertuples(index=False, name=None)) == [
        ("mover", "no_quota"),
        ("r1", "no_quota"),
    ]


def test_a_quota_of_0_is_neither_reached_nor_missed(company: Published) -> None:
    excluded = company.warehouse(
        "select entity_id, reason from marts.kpi_exclusions where metric = 'reps_at_quota' "
        "and period_grain = 'month' and period_start = '2024-05-01'"
    )
    assert list(excluded.itertuples(index=False, name=None)) == [("r3", "zero_quota")]
    counted = company.warehouse(
        "select n_included, n_excluded from marts.kpi_values "
        "where metric = 'reps_at_quota' and dimension = 'company' "
        "and period_grain = 'month' and period_start = '2024-05-01'"
    )
    assert list(counted.itertuples(index=False, name=None)) == [(2, 1)]


def test_what_is_overdue_or_undated_is_due_in_no_period_and_shown(company: Published) -> None:
    rows = company.warehouse(
        "select due, overdue, overdue_deals, undated, undated_deals, won, quota "
        "from marts.mart_pipeline_coverage "
        "where dimension = 'company' and period_grain = 'month' and period_start = '2024-06-01'"
    )
    (found,) = rows.astype(float).itertuples(index=False, name=None)
    assert found == (40, 400, 1, 70, 2, 2000, 30000)
    excluded = company.warehouse(
        "select distinct entity_id, reason from marts.kpi_exclusions "
        "where metric = 'pipeline_coverage' and variant = 'default' order by entity_id"
    )
    assert list(excluded.itertuples(index=False, name=None)) == [
        ("overdue", "overdue"),
        ("undated", "no_close_date"),
        ("undated_without_amount", "no_close_date"),
    ]


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=thorough)])
def test_random_quotas_are_resolved_as_the_oracle_does(tmp_path: Path, seed: int) -> None:
    exports = _random_exports(random.Random(seed))
    built = _built(tmp_path, exports)
    wanted = expected(exported(tmp_path, AS_OF)).values
    for metric in ("quota_attainment", "reps_at_quota"):
        rows = built.warehouse("select * from marts.kpi_values where metric = ?", [metric])
        start = pd.to_datetime(rows["period_start"]).dt.strftime("%Y-%m-%d").fillna("")
        found = differences(
            rows.assign(period_start=start.astype(object)), wanted[wanted["metric"] == metric]
        )
        assert not found, f"{len(found)} differences\n" + "\n".join(found[:20])


def _random_exports(rng: random.Random) -> dict[str, str]:
    """Exports of users in a hierarchy of three levels, and of all kinds of quotas."""
    people = [f"p{number}" for number in range(12)]
    teams = ["East", "West", ""]
    users = ["source_id,name,role,team,manager_id,region,segment,left_on"]
    users.append("p0,p0,manager,East,,,,")
    for number, person in enumerate(people[1:], start=1):
        above = rng.choice(["", "p0", "p1", "p2"][: min(number, 3) + 1])
        region, left = rng.choice(["n", "s", ""]), rng.choice(["", "", "2024-02-10"])
        users.append(f"{person},{person},rep,{rng.choice(teams)},{above},{region},,{left}")

    def day(last_month: int) -> str:
        return f"2024-{rng.randint(1, last_month):02}-{rng.choice([1, 1, rng.randint(1, 28)]):02}"

    quotas: dict[str, str] = {}
    for _ in range(40):
        owner, team = rng.choice([(rng.choice(people), ""), (rng.choice(people), ""),
                                  ("", rng.choice(teams))])  # fmt: skip
        measure = rng.choice(["revenue", "revenue", "deals", "activities"])
        key = f"{owner},{team},{day(8)},{rng.choice(['month', 'month', 'quarter'])},{measure}"
        quotas[key] = f"{key},{rng.choice([0, rng.randint(1, 9000), rng.randint(1, 9000)])}"
    deals = ["source_id,owner_id,stage,amount,created_at,closed_at"]
    activities = ["source_id,type,occurred_at,owner_id"]
    for number in range(150):
        owner, moment = rng.choice([*people, ""]), f"{day(6)} 10:00:00"
        deals.append(f"d{number},{owner},Won,{rng.randint(0, 900)},2023-12-01 09:00:00,{moment}")
        activities.append(f"a{number},call,{moment},{owner}")
    return {
        "users": "\n".join(users),
        "quotas": "\n".join(["owner_id,team,period_start,period_grain,measure,amount",
                             *quotas.values()]),
        "opportunities": "\n".join(deals),
        "activities": "\n".join(activities),
    }  # fmt: skip
