"""The parsed dbt project, which the pages and lists of the project are held against."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from dagster_project.run.dbt_runner import Dbt
from ingestion.company.reading import load_company
from ingestion.paths import PROJECT

EDGE_CASES = PROJECT / "tests/companies/edge_cases/company.yml"


@pytest.fixture(scope="session")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """The parsed dbt project."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SALESOPS_DATA", str(tmp_path_factory.mktemp("data")))
        return Dbt.of(load_company(EDGE_CASES)).manifest()
