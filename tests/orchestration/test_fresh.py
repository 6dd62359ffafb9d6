"""FRESH=1: a company starts anew, and what was before is kept."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from dagster_project.cli import main
from dagster_project.run.opening import open_run
from ingestion.company.reading import load_company
from ingestion.company.settings import Company
from ingestion.errors import WarehouseError
from ingestion.paths import CompanyPaths
from ingestion.pipeline import load_source
from tests.orchestration.copies import Copy
from tests.thorough import thorough

COMPANY = """\
name: Tiny
currency: USD
timezone: Pacific/Auckland
sources:
  - name: crm
    type: files
    path: exports
    entities:
      users: {from: people, columns: {source_id: id, name: name}}
"""
OLD_ID, NEW_ID = "source_id: id", "source_id: name"
REMAPPED = "{from: select * replace ('x' || source_id as source_id) from opportunities}"


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Company:
    """A company that has been loaded once, and published."""
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path / "data"))
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "people.csv").write_text("id,name\n1,Ann\n2,Bob\n")
    (tmp_path / "company.yml").write_text(COMPANY)
    company = load_company(tmp_path / "company.yml")
    load_source(company, company.sources[0])
    marts = CompanyPaths.of(company).marts
    marts.parent.mkdir(parents=True)
    marts.write_bytes(b"published")
    return company


def users(warehouse: Path) -> list[str]:
    with duckdb.connect(warehouse, read_only=True) as connection:
        found = connection.execute("select source_id from raw_files.users order by 1").fetchall()
    return [source_id for (source_id,) in found]


def test_the_old_warehouse_is_kept_and_the_next_load_is_the_first(company: Company) -> None:
    paths = CompanyPaths.of(company)
    company.path.write_text(COMPANY.replace(OLD_ID, NEW_ID))
    remapped = load_company(company.path)
    with open_run(remapped, "fresh", fresh=True) as run:
        assert not paths.warehouse.exists()
        load_source(run.company, run.company.sources[0])
    [aside] = paths.root.glob("warehouse-*.duckdb")
    assert users(aside) == ["1", "2"]
    assert users(paths.warehouse) == ["Ann", "Bob"]
    assert paths.marts.read_bytes() == b"published"


def test_what_is_only_in_the_write_ahead_log_is_kept_too(company: Company) -> None:
    paths = CompanyPaths.of(company)
    with duckdb.connect(paths.warehouse) as connection:
        connection.execute("set checkpoint_threshold = '1GB'")
        connection.execute("pragma disable_checkpoint_on_shutdown")
        connection.execute("update raw_files.users set source_id = 'late' where source_id = '2'")
    assert Path(f"{paths.warehouse}.wal").exists()
    with open_run(company, "fresh", fresh=True):
        assert not Path(f"{paths.warehouse}.wal").exists()
    [aside] = paths.root.glob("warehouse-*.duckdb")
    assert users(aside) == ["1", "late"]


def test_a_company_without_a_warehouse_is_fresh_already(company: Company) -> None:
    CompanyPaths.of(company).warehouse.unlink()
    with open_run(company, "fresh", fresh=True):
        pass
    assert not list(CompanyPaths.of(company).root.glob("warehouse*"))


def test_a_look_back_is_not_fresh(company: Company, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["run", "--company", str(company.path), "--fresh", "--as-of", "2024-01-31"]
    assert main(arguments) == 2
    assert "FRESH goes with neither AS_OF nor KNOWN_AT" in capsys.readouterr().err
    assert users(CompanyPaths.of(company).warehouse) == ["1", "2"]


def test_postgres_is_left_alone(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALESOPS_POSTGRES_URL", "postgresql://localhost:1/acme")
    elsewhere = company.model_copy(update={"destination": "postgres"})
    with (
        pytest.raises(WarehouseError, match="name another database in SALESOPS_POSTGRES_URL"),
        open_run(elsewhere, "fresh", fresh=True),
    ):
        pass


@thorough
def test_a_refused_mapping_is_published_by_a_fresh_run(copy: Copy) -> None:
    text = copy.file.read_text(encoding="utf-8")
    copy.file.write_text(text.replace("{from: opportunities.csv}", REMAPPED), encoding="utf-8")
    published = copy.published()
    refused = copy.run()
    assert refused.returncode == 2
    assert "FRESH=1" in refused.stderr
    assert copy.published() == published
    done = copy.run("--fresh")
    assert done.returncode == 0, done.stdout + done.stderr
    assert copy.loads() == 1
    assert len(list(copy.data.glob("warehouse-*.duckdb"))) == 1
