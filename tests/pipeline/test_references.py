"""One company whose references point at nothing in every way that exports do, told by its run."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

import pytest

from tests.kpis.companies import Published
from tests.runs import run

COMPANY = """
name: References
currency: EUR
timezone: UTC
as_of: 2024-06-30
rejected_tolerance: 0
sources:
  - name: crm
    type: files
    path: .
    entities:
      users: {from: users.csv}
      accounts: {from: accounts.csv}
      opportunities: {from: deals.csv}
      leads: {from: leads.csv}
      field_changes: {from: changes.csv}
      pipeline_stages:
        rows:
          - {stage: Open, stage_order: 1, status: open, probability: 0.5}
          - {stage: Won, stage_order: 2, status: won, probability: 1}
  - name: sheets
    type: files
    path: .
    entities:
      users: {from: people.csv}
      quotas: {from: quotas.csv}
"""
DEAL = (
    "source_id,owner_id,account_id,stage,amount,created_at,closed_at,merged_into_id,"
    "source_updated_at"
)
DECOMPOSED = unicodedata.normalize("NFD", "Jörg Süß")
FILES = {
    "users.csv": """source_id,name,email,manager_id
u17,Ann Ax,ann@example.com,u20
u18,Bob Bo,bob@example.com,u20
u19,Jörg Süß,joerg@example.com,gone
u20,Mia Mo,mia@example.com,
""",
    "accounts.csv": """source_id,name
001A00000012abcDEF,Acme
0042,Brick
""",
    "deals.csv": f"""{DEAL}
known,u17,001A00000012abcDEF,Won,1000,2024-01-02,2024-02-01,,
owner_in_capitals,U17,0042,Won,200,2024-01-02,2024-02-02,,
owner_by_name,bob bo,42,Open,300,2024-01-02,,,
owner_by_email,Bob@example.com,0042.0,Open,400,2024-01-02,,,
short_account,u18,001A00000012abc,Won,500,2024-01-02,2024-02-03,,
into_nothing,u18,0042,Won,60,2024-01-02,2024-02-04,ghost,2024-02-10
circle_first,u18,0042,Won,7,2024-01-02,2024-02-04,circle_last,2024-03-01
circle_last,u18,0042,Won,8,2024-01-02,2024-02-04,circle_first,2024-03-02
into_itself,u18,0042,Won,9,2024-01-02,2024-02-04,into_itself,2024-03-02
""",
    "leads.csv": """source_id,created_at,opportunity_id,campaign_id,owner_id
converted,2024-01-01,known,spring,u17
astray,2024-01-01,unknown deal,spring,u17
""",
    "changes.csv": """entity,entity_id,field,old_value,new_value,changed_at,changed_by
opportunities,known,Stage,Open,Won,2024-02-01,u17
opportunities,known,stage,Offer,Won,2024-02-01,u17
opportunities,known,owner_id,u99,u17,2024-01-20,u17
opportunities,purged,stage,Open,Won,2024-02-01,robot
deals,known,stage,Open,Won,2024-02-01,u17
""",
    "people.csv": """source_id,name
u17,Zoe Zed
u18,BOB  bo
""",
    "quotas.csv": f"""owner_id,team,period_start,period_grain,measure,amount
u17,,2024-02-01,month,revenue,2000
u18 ,,2024-02-01,month,revenue,1000
{DECOMPOSED},,2024-02-01,month,revenue,500
Joerg Suess,,2024-03-01,month,revenue,700
Total,,2024-02-01,month,revenue,3500
,Nowhere,2024-03-01,month,revenue,50
""",
}


@dataclass(frozen=True)
class Told:
    """A company that was run: what it published, and what the run said."""

    published: Published
    said: str


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """The company, run once."""
    folder = tmp_path_factory.mktemp("references")
    for name, content in FILES.items():
        (folder / name).write_text(content, encoding="utf-8")
    company = folder / "company.yml"
    company.write_text(COMPANY, encoding="utf-8")
    done = run(company, folder / "data")
    assert done.returncode == 0, done.stdout + done.stderr
    said = " ".join(done.stdout.split())
    return Told(Published(company, folder / "data" / "references"), said)


def test_the_money_of_merges_counts_once(told: Told) -> None:
    """1,000 + 200 + 500; 60 merged into nothing; 8 of a circle of 7 and 8; 9 merged into itself."""
    assert told.published.kpi("revenue_won") == 1777
    removed = told.published.marts(
        "select opportunity_id from marts.fct_opportunities where removal = 'merged'"
    )
    assert list(removed["opportunity_id"]) == ["circle_first"]


def test_every_reference_to_nothing_is_told_with_its_money_and_what_was_meant(told: Told) -> None:
    for sentence in (
        "crm.opportunities: 3 of 9 (33.3%) owner_id resolve to nothing in users, money 900 (36.3%):"
        " (email) (1, 400: email instead of id 'u18'), 'bob bo' (1, 300: name instead of id 'u18'),"
        " 'U17' (1, 200: case 'u17')",
        "3 of 9 (33.3%) account_id resolve to nothing in accounts, money 1,200 (48.4%):"
        " '001A00000012abc' (1, 500: 15 against 18 characters '001A00000012abcDEF'),"
        " '0042.0' (1, 400: .0 at the end '0042'), '42' (1, 300: leading zeros '0042')",
        "1 of 4 (25.0%) merged_into_id resolve to nothing in opportunities, money 60",
        "3 of 4 (75.0%) merges go round in a circle (one deal of it counts), money 17",
        "1 of 2 (50.0%) opportunity_id resolve to nothing in opportunities: 'unknown deal' (1)",
        "2 of 2 (100.0%) campaign_id resolve to nothing in campaigns: 'spring' (2);"
        " likely: no source provides campaigns",
        "1 of 3 (33.3%) manager_id resolve to nothing in users: 'gone' (1)",
        "owner_id of histories resolve to nothing in users: 'u99' (1)",
        "changed_by of histories resolve to nothing in users: 'robot' (1)",
        "entity_id of histories resolve to nothing in opportunities: 'purged' (1)",
        "entity_id of histories resolve to nothing in deals: 'known'"
        " (1: deals is no entity of the contract)",
        "field of histories resolve to nothing in columns: 'opportunities.Stage'"
        " (1: case 'opportunities.stage')",
        "stage of histories resolve to nothing in pipeline_stages.stage: 'Offer' (1)",
        "1 of 2 (50.0%) ids have different names in two sources, money 1,000 (63.4%):"
        " 'u17': 'Ann Ax' in crm, 'Zoe Zed' in sheets",
    ):
        assert sentence in told.said


def test_quotas_of_nobody_are_named_with_what_they_do_to_attainment(told: Told) -> None:
    """1,000 of Ann's won against 7,750 of quotas, of which 2,050 are somebody's."""
    assert told.published.kpi("quota_attainment") == pytest.approx(1000 / 7750)
    assert (
        "sheets.quotas: 4 of 5 (80.0%) owner_id resolve to nothing in users, money 5,700 (74.0%):"
        " 'Total' (1, 3,500: a total), 'u18 ' (1, 1,000: blanks 'u18'),"
        " 'Joerg Suess' (1, 700: name instead of id 'u19'),"
        f" '{DECOMPOSED}' (1, 500: name instead of id 'u19')" in told.said
    )
    assert "quota_attainment is 12.9%, without them 48.8%" in told.said
    assert "1 of 1 (100.0%) team resolve to nothing in users.team, money 50" in told.said


def test_hygiene_ranks_them_by_money(told: Told) -> None:
    found = told.published.marts(
        "select entity, rule, failing, money_at_stake from marts.mart_data_hygiene "
        "where rep_id = 'all' and fix_rank <= 4 order by fix_rank"
    )
    assert list(found.itertuples(index=False, name=None)) == [
        ("quotas", "owner_unknown", 4, 5700),
        ("opportunities", "account_unknown", 3, 1200),
        ("users", "name_differs", 1, 1000),
        ("opportunities", "owner_unknown", 3, 900),
    ]
