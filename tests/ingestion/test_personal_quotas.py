"""Who is named in `personal_quotas` is somebody."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ingestion.company.personal_quotas import check_personal_quotas
from ingestion.company.reading import load_company
from ingestion.company.settings import Company
from ingestion.errors import CompanyError
from ingestion.pipeline import load_source
from ingestion.warehouse.warehouse import Warehouse

COMPANY = """
name: Personal
currency: USD
timezone: UTC
personal_quotas: [{owner}]
sources:
  - name: crm
    type: files
    path: .
    entities:
      users: {{from: users.csv}}
      quotas: {{from: quotas.csv}}
"""
USERS = "source_id,name,email\nr7,Ann Lee,ann@example.com\nr8,Bob,\n"
QUOTAS = "owner_id,period_start,period_grain,measure,amount\nx1,2024-01-01,month,revenue,5\n"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Warehouse]:
    """The folder of a company whose users and quotas are loaded, and its warehouse."""
    folder = tmp_path_factory.mktemp("personal")
    (folder / "users.csv").write_text(USERS)
    (folder / "quotas.csv").write_text(QUOTAS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SALESOPS_DATA", str(folder / "data"))
        company = written(folder, "r7")
        load_source(company, company.sources[0])
        return folder, Warehouse.of(company)


def written(folder: Path, owner: str) -> Company:
    file = folder / "company.yml"
    file.write_text(COMPANY.format(owner=owner))
    return load_company(file)


@pytest.mark.parametrize("owner", ["r7", "x1"])
def test_users_and_owners_of_quotas_are_somebody(
    loaded: tuple[Path, Warehouse], owner: str
) -> None:
    folder, warehouse = loaded
    check_personal_quotas(written(folder, owner), warehouse)


@pytest.mark.parametrize(
    ("owner", "remedy"),
    [
        ("r77", "no user has this id; did you mean 'r7'? Allowed: r7, r8, x1"),
        ("Ann Lee", "the user of this name has the id 'r7': write that"),
        ("ann@example.com", "the user of this name has the id 'r7': write that"),
    ],
)
def test_a_typo_is_told_by_file_key_value_and_remedy(
    loaded: tuple[Path, Warehouse], owner: str, remedy: str
) -> None:
    folder, warehouse = loaded
    told = f"{folder / 'company.yml'}: personal_quotas.0 = '{owner}': {remedy}"
    with pytest.raises(CompanyError, match=f"^{re.escape(told)}$"):
        check_personal_quotas(written(folder, owner), warehouse)
