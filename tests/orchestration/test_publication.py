"""Publication: whole, described, with its manifest inside, and swapped under readers' feet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from dagster_project.publication import PublicationError, in_place, open_published
from dagster_project.publication.publications import settle
from dagster_project.publishing.writing import publish
from expectations.report import CheckResult
from ingestion.company.reading import load_company
from ingestion.company.settings import Company
from ingestion.disk.links import lead
from ingestion.paths import CompanyPaths
from ingestion.warehouse.warehouse import Warehouse
from tests.orchestration.copies import EDGE_CASES, held_to_write
from tests.orchestration.one_mart import MANIFEST, audited, made_warehouse

pytestmark = pytest.mark.usefixtures("few_pages")


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Company:
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path))
    return load_company(EDGE_CASES / "company.yml")


@pytest.fixture
def warehouse(company: Company) -> Warehouse:
    return made_warehouse(company)


@contextmanager
def reader(company: Company) -> Iterator[duckdb.DuckDBPyConnection]:
    marts = CompanyPaths.of(company).marts
    with open_published(marts) as connection:
        yield connection


def test_tables_are_found_as_marts_with_their_descriptions(
    company: Company, warehouse: Warehouse
) -> None:
    publish(audited(company, warehouse, "one"), MANIFEST)
    with reader(company) as connection:
        assert connection.execute("select * from marts.dim_rep").fetchall() == [("ann",), ("bob",)]
        tables = "select schema_name, table_name, comment from duckdb_tables() order by 2"
        assert connection.execute(tables).fetchall() == [
            ("marts", "dim_rep", "All dim_rep; it's complete."),
            ("marts", "publication", None),
        ]
        comment = "select comment from duckdb_columns() where table_name = 'dim_rep'"
        assert connection.execute(comment).fetchall() == [("The rep's name.",)]
    parquet = CompanyPaths.of(company).published / "parquet"
    assert duckdb.read_parquet(str(parquet / "dim_rep.parquet")).fetchall() == [("ann",), ("bob",)]


def test_the_manifest_is_inside_and_beside(company: Company, warehouse: Warehouse) -> None:
    publish(audited(company, warehouse, "one"), MANIFEST)
    beside = json.loads((CompanyPaths.of(company).published / "manifest.json").read_text())
    assert beside["run_id"] == "one"
    assert beside["as_of"] == "2026-05-20 09:00:00"
    assert beside["row_counts"] == {"dim_rep": 2}
    assert [one["fingerprint"] for one in beside["inputs"]] == ["print-1"]
    with reader(company) as connection:
        inside = connection.execute("select * from marts.publication").df().to_dict("records")
    assert len(inside) == 1
    assert inside[0]["definitions_hash"] == beside["definitions_hash"]
    assert json.loads(inside[0]["row_counts"]) == beside["row_counts"]
    assert json.loads(inside[0]["inputs"]) == beside["inputs"]


def test_readers_keep_what_they_have_open(company: Company, warehouse: Warehouse) -> None:
    publish(audited(company, warehouse, "one"), MANIFEST)
    parquet = CompanyPaths.of(company).published / "parquet"
    with reader(company) as open_before, (parquet / "dim_rep.parquet").open("rb") as open_file:
        with duckdb.connect(warehouse.marts) as connection:
            connection.execute("insert into marts.dim_rep values ('cy')")
        publish(audited(company, warehouse, "two"), MANIFEST)
        assert open_before.execute("select count(*) from marts.dim_rep").fetchone() == (2,)
        assert open_file.read(4) == b"PAR1"
    with reader(company) as opened_after:
        assert opened_after.execute("select count(*) from marts.dim_rep").fetchone() == (3,)
    assert len(duckdb.read_parquet(str(parquet / "dim_rep.parquet"))) == 3


def test_a_tool_that_holds_the_file_to_write_stops_nobody(
    company: Company, warehouse: Warehouse
) -> None:
    publish(audited(company, warehouse, "one"), MANIFEST)
    file = CompanyPaths.of(company).marts
    with held_to_write(file, "delete from marts.dim_rep"):
        with pytest.raises(duckdb.IOException, match="lock"):
            duckdb.connect(file.resolve(), read_only=True)
        with reader(company) as connection:
            assert connection.execute("select count(*) from marts.dim_rep").fetchone() == (2,)
        publish(audited(company, warehouse, "two"), MANIFEST)
        with reader(company) as connection:
            assert connection.execute("select run_id from marts.publication").fetchone() == ("two",)
            assert connection.execute("select count(*) from marts.dim_rep").fetchone() == (2,)


def test_what_is_not_there_is_no_publication(tmp_path: Path) -> None:
    with pytest.raises(duckdb.IOException), open_published(tmp_path / "marts.duckdb"):
        pass
    assert in_place(tmp_path) is None


def publications(company: Company) -> list[str]:
    return sorted(path.name for path in CompanyPaths.of(company).publications.iterdir())


def test_the_last_publications_stay(company: Company, warehouse: Warehouse) -> None:
    for run_id in ("one", "two", "three", "four"):
        publish(audited(company, warehouse, run_id), MANIFEST)
    assert publications(company) == ["four", "three", "two"]
    assert CompanyPaths.of(company).published.readlink() == Path("publications/four")


def test_leftovers_of_killed_runs_are_removed(company: Company, warehouse: Warehouse) -> None:
    publish(audited(company, warehouse, "one"), MANIFEST)
    paths = CompanyPaths.of(company)
    publish(audited(company, warehouse, "killed"), MANIFEST)
    lead(paths.published, paths.publications / "one")
    (paths.publications / "half").mkdir()
    (paths.publications / "half" / "salesops.duckdb").touch()
    publish(audited(company, warehouse, "two"), MANIFEST)
    assert publications(company) == ["one", "two"]


def test_a_link_that_is_gone_leads_to_the_last_whole_publication_again(
    company: Company, warehouse: Warehouse
) -> None:
    for run_id in ("one", "two", "three"):
        publish(audited(company, warehouse, run_id), MANIFEST)
    paths = CompanyPaths.of(company)
    paths.published.unlink()
    (paths.publications / "three" / "parquet" / "dim_rep.parquet").unlink()
    settle(paths)
    assert paths.published.readlink() == Path("publications/two")


@pytest.mark.parametrize("missing", ["raw", "marts", "build"])
def test_nothing_unaudited_is_published(
    company: Company, warehouse: Warehouse, missing: str
) -> None:
    run = audited(company, warehouse, "one")
    run.audits.pop(missing, None)
    run.is_built = missing != "build"
    with pytest.raises(PublicationError, match="this run has not"):
        publish(run, MANIFEST)
    assert not run.paths.published.exists()


def test_a_critical_failure_is_not_published(company: Company, warehouse: Warehouse) -> None:
    failure = CheckResult(
        table="marts.dim_rep",
        name="named",
        severity="critical",
        success=False,
        checked=2,
        unexpected=1,
        sample_keys=("bob",),
        description="A rep has a name.",
        observed="",
    )
    run = audited(company, warehouse, "one")
    run.audits["marts"] = replace(run.audits["marts"], results=(failure,))
    with pytest.raises(PublicationError, match=r"marts\.dim_rep named"):
        publish(run, MANIFEST)
    assert not run.paths.published.exists()
