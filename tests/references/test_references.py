"""One company whose references point at nothing in every way that exports do, told by its run."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from pathlib import Path

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
    "deals.csv": """source_id,owner_id,account_id,stage,amount,created_at,closed_at,merged_into_id,source_updated_at
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
    return Told(Published(company, folder / "data" / "references"), done.stdout)
