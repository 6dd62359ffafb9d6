"""The dbt project, parsed once for companies of other zones, currencies and fiscal years."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_project.run import dbt_runner
from dagster_project.run.clock import now
from dagster_project.run.dbt_runner import Dbt, run_values
from ingestion.company.reading import load_company
from ingestion.company.settings import Company

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
def own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A data root of the test's own, in which nothing has been parsed."""
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path / "data"))


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


def test_companies_share_one_parse_and_have_sql_of_their_own(tmp_path: Path) -> None:
    models = ["dim_date", "fct_pipeline_daily", "fct_opportunity_changes"]
    sql, parsed = {}, set()
    for one in (
        company(tmp_path, "north", "Europe/Oslo", "NOK", 1),
        company(tmp_path, "south", "Pacific/Auckland", "NZD", 4),
    ):
        dbt = Dbt.of(one)
        compiled = dbt.compiled(models, run_values(now(), now()))
        sql[one.name] = "".join(compiled[model] for model in models)
        parsed.add(dbt._parsed())
    assert len(parsed) == 1
    assert not parsed.pop().is_relative_to(tmp_path)
    fiscal = "cast(9 as bigint) * interval 1 month"
    for name, here, there in (
        ("north", ["Europe/Oslo", "'NOK'"], ["Pacific/Auckland", "'NZD'", fiscal]),
        ("south", ["Pacific/Auckland", "'NZD'", fiscal], ["Europe/Oslo", "'NOK'"]),
    ):
        assert all(text in sql[name] for text in here), sql[name]
        assert not any(text in sql[name] for text in there), sql[name]


def test_a_project_that_cannot_be_written_to_is_parsed_beside_the_company(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here a file is where the folder of parsed projects would be."""
    monkeypatch.setattr(dbt_runner, "SHARED", tmp_path / "file" / "target")
    (tmp_path / "file").touch()
    monkeypatch.setattr(Dbt, "_parse", lambda dbt, folder: (folder / "parsed").touch())
    dbt = Dbt.of(company(tmp_path, "north", "Europe/Oslo", "NOK", 1))
    assert (dbt._parsed() / "parsed").exists()
    assert dbt._parsed().parent == tmp_path / "data" / "north" / "dbt"


def test_the_parse_depends_on_files_and_kinds_of_sources(tmp_path: Path) -> None:
    north = Dbt.of(company(tmp_path, "north", "Europe/Oslo", "NOK", 1))
    south = Dbt.of(company(tmp_path, "south", "Pacific/Auckland", "NZD", 4))
    crm = Dbt.of(company(tmp_path, "crm", "Europe/Oslo", "NOK", 1, "hubspot"))
    assert north.fingerprint() == south.fingerprint() != crm.fingerprint()
