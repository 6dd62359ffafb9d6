"""The dbt project, parsed once for companies of other zones, currencies and fiscal years."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_project import dbt_runner
from dagster_project.dbt_runner import Dbt, run_values
from dagster_project.pipeline_run import now
from ingestion.company import Company, load_company

COMPANY = """
name: {name}
currency: {currency}
timezone: {timezone}
fiscal_year_start_month: {month}
sources: [{{name: crm, type: {source_type}, {settings}}}]
"""
STAGES = "{rows: [{stage: Won, stage_order: 1, status: won}]}"
SETTINGS = {
    "files": f"path: ., entities: {{pipeline_stages: {STAGES}}}",
    "hubspot": "token_env: TOKEN",
}


@pytest.fixture(autouse=True)
def own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place of parsed projects and a data root of the test's own."""
    monkeypatch.setattr(dbt_runner, "SHARED", tmp_path / "shared")
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path / "data"))
    return tmp_path


def company(
    root: Path, name: str, timezone: str, currency: str, month: int, source_type: str = "files"
) -> Company:
    path = root / f"{name}.yml"
    path.write_text(
        COMPANY.format(
            name=name,
            timezone=timezone,
            currency=currency,
            month=month,
            source_type=source_type,
            settings=SETTINGS[source_type],
        )
    )
    return load_company(path)


def test_companies_share_one_parse_and_have_sql_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parses: list[Path] = []
    parse = Dbt._parse
    monkeypatch.setattr(
        Dbt, "_parse", lambda dbt, folder: (parses.append(folder), parse(dbt, folder))[1]
    )
    sql = {}
    for one in (
        company(tmp_path, "north", "Europe/Oslo", "NOK", 1),
        company(tmp_path, "south", "Pacific/Auckland", "NZD", 4),
    ):
        models = ["dim_date", "int_quotas__monthly"]
        sql[one.name] = Dbt.of(one).compiled(models, run_values(now(), now()))
    assert len(parses) == 1
    assert len(list((tmp_path / "shared").glob("parsed-duckdb-*"))) == 1
    for name, zone, currency in (("north", "Oslo", "NOK"), ("south", "Auckland", "NZD")):
        text = "".join(sql[name].values())
        assert zone in text
        assert f"'{currency}'" in text
    assert not {"Auckland", "NZD"} & set("".join(sql["north"].values()).replace("'", " ").split())
    shift = "interval (-9) month"
    assert shift not in sql["north"]["dim_date"]


def test_the_parse_depends_on_files_and_kinds_of_sources(tmp_path: Path) -> None:
    north = Dbt.of(company(tmp_path, "north", "Europe/Oslo", "NOK", 1))
    south = Dbt.of(company(tmp_path, "south", "Pacific/Auckland", "NZD", 4))
    crm = Dbt.of(company(tmp_path, "crm", "Europe/Oslo", "NOK", 1, "hubspot"))
    assert north._fingerprint() == south._fingerprint() != crm._fingerprint()
