"""Teams in `cost_teams` are teams that have costs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ingestion.company.cost_teams import check_cost_teams
from ingestion.company.reading import load_company
from ingestion.company.settings import Company
from ingestion.errors import CompanyError
from ingestion.pipeline import load_source
from ingestion.warehouse.warehouse import Warehouse

COMPANY = """
name: Costs
currency: USD
timezone: UTC
marketing: {{cost_teams: {{{team}: other}}}}
sources:
  - name: books
    type: files
    path: .
    entities:
      costs: {{from: costs.csv}}
"""
COSTS = "month,category,team,amount\n2024-01-01,tools,Customer Success,5\n2024-01-01,tools,,5\n"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Warehouse]:
    """The folder of a company whose costs are loaded, and its warehouse."""
    folder = tmp_path_factory.mktemp("costs")
    (folder / "costs.csv").write_text(COSTS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SALESOPS_DATA", str(folder / "data"))
        company = written(folder, "Customer Success")
        load_source(company, company.sources[0])
        return folder, Warehouse.of(company)


def written(folder: Path, team: str) -> Company:
    file = folder / "company.yml"
    file.write_text(COMPANY.format(team=team))
    return load_company(file)


@pytest.mark.parametrize("team", ["Customer Success", "customer-success"])
def test_a_team_is_known_however_it_is_written(loaded: tuple[Path, Warehouse], team: str) -> None:
    folder, warehouse = loaded
    check_cost_teams(written(folder, team), warehouse)


def test_a_typo_is_told_by_file_key_value_and_remedy(loaded: tuple[Path, Warehouse]) -> None:
    folder, warehouse = loaded
    told = (
        f"{folder / 'company.yml'}: marketing.cost_teams.Customer Sucess = 'other': no costs are "
        "of this team; did you mean 'Customer Success'? Allowed: Customer Success"
    )
    with pytest.raises(CompanyError, match=f"^{re.escape(told)}$"):
        check_cost_teams(written(folder, "Customer Sucess"), warehouse)
