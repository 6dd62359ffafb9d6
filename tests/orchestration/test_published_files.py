"""What the files of publications share: Parquet files that are still true, and nothing else."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dagster_project.publication import PublicationError, in_place, open_published
from dagster_project.publication.reading import size_of
from dagster_project.publishing.writing import publish
from ingestion.company.reading import load_company
from ingestion.company.settings import Company
from ingestion.disk.copying import copy_file
from ingestion.paths import CompanyPaths
from ingestion.warehouse.warehouse import Warehouse
from tests.faults.attacks import replaced
from tests.orchestration.copies import EDGE_CASES
from tests.orchestration.one_mart import MANIFEST, audited, made_warehouse, model

pytestmark = pytest.mark.usefixtures("few_pages")

NODES = {
    "model.salesops.fct_deals": model("fct_deals", "marts", deal="The deal."),
    "model.salesops.kpi_members": model("kpi_members", "marts", member="A record."),
}
THREE_MARTS: Mapping[str, Any] = MANIFEST | {"nodes": MANIFEST["nodes"] | NODES}
CODE = "dagster_project.publishing.writing:code_version"


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Company:
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path))
    return load_company(EDGE_CASES / "company.yml")


@pytest.fixture
def warehouse(company: Company) -> Warehouse:
    warehouse = made_warehouse(company)
    build(
        warehouse,
        "create table marts.fct_deals as from (values ('a', 1.5), ('b', null)) as t (deal, amount)",
        "create table marts.kpi_members as select 'a' as member",
    )
    return warehouse


def build(warehouse: Warehouse, *statements: str) -> None:
    """What a later run does to the marts."""
    with duckdb.connect(warehouse.marts) as connection:
        for statement in statements:
            connection.execute(statement)


def published(company: Company, run_id: str) -> Path:
    """The folder of a publication by a further run."""
    publish(audited(company, Warehouse.of(company), run_id), THREE_MARTS)
    folder = CompanyPaths.of(company).published.resolve()
    assert in_place(folder)
    return folder


def parquet(folder: Path, table: str) -> Path:
    return folder / "parquet" / f"{table}.parquet"


def test_a_table_that_did_not_change_has_the_file_of_before(
    company: Company, warehouse: Warehouse
) -> None:
    one = published(company, "one")
    build(
        warehouse,
        "create or replace table marts.dim_rep as from marts.dim_rep order by name desc",
        "update marts.fct_deals set amount = 2.5 where deal = 'a'",
    )
    two = published(company, "two")
    assert parquet(one, "dim_rep").samefile(parquet(two, "dim_rep"))
    assert not parquet(one, "fct_deals").samefile(parquet(two, "fct_deals"))
    amounts = [duckdb.read_parquet(str(parquet(it, "fct_deals"))) for it in (one, two)]
    assert [sorted(it.fetchall())[0] for it in amounts] == [("a", 1.5), ("a", 2.5)]


@pytest.mark.parametrize(
    "change",
    [
        "insert into marts.fct_deals values ('b', null)",
        "update marts.fct_deals set deal = null, amount = 3 where deal = 'b'",
        "alter table marts.fct_deals rename amount to value",
        "alter table marts.fct_deals alter amount type double",
        "alter table marts.fct_deals add column further varchar",
    ],
)
def test_whatever_differs_is_written_anew(
    company: Company, warehouse: Warehouse, change: str
) -> None:
    one = published(company, "one")
    build(warehouse, change)
    two = published(company, "two")
    assert not parquet(one, "fct_deals").samefile(parquet(two, "fct_deals"))
    assert parquet(one, "dim_rep").samefile(parquet(two, "dim_rep"))


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size - 1)


def scribble(file: Path) -> None:
    with file.open("r+b") as content:
        content.seek(4)
        content.write(b"\xff" * 40)


def other_rows(file: Path) -> None:
    duckdb.sql("from (values ('bob'), ('cy')) as t (name)").write_parquet(str(file))


@pytest.mark.parametrize("damage", [cut, scribble, other_rows, os.unlink])
def test_a_damaged_file_is_never_linked(
    company: Company, warehouse: Warehouse, damage: Callable[[Path], None]
) -> None:
    one = published(company, "one")
    parquet(one, "dim_rep").chmod(0o644)
    damage(parquet(one, "dim_rep"))
    two = published(company, "two")
    found = duckdb.read_parquet(str(parquet(two, "dim_rep"))).fetchall()
    assert sorted(found) == [("ann",), ("bob",)]


def test_what_other_code_has_written_is_not_linked(company: Company, warehouse: Warehouse) -> None:
    with replaced(CODE, "v1"):
        one = published(company, "one")
    with replaced(CODE, "v2"):
        two = published(company, "two")
    assert not parquet(one, "dim_rep").samefile(parquet(two, "dim_rep"))


def test_where_nothing_can_be_linked_it_is_written(
    company: Company, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EMLINK, "Too many links")

    published(company, "one")
    monkeypatch.setattr(os, "link", refuse)
    assert parquet(published(company, "two"), "dim_rep").stat().st_nlink == 1


def test_nothing_shares_what_a_later_build_writes_to(
    company: Company, warehouse: Warehouse
) -> None:
    one = published(company, "one")
    built = {path.stat().st_ino for path in CompanyPaths.of(company).root.glob("*.duckdb*")}
    shown = {path.stat().st_ino for path in one.rglob("*")}
    assert not built & shown
    before = (one / "salesops.duckdb").read_bytes()
    build(warehouse, "delete from marts.dim_rep", "drop table marts.fct_deals")
    assert (one / "salesops.duckdb").read_bytes() == before
    with open_published(one / "salesops.duckdb") as reader:
        assert reader.execute("select count(*) from marts.fct_deals").fetchone() == (2,)


def test_receipts_have_no_parquet_file(company: Company, warehouse: Warehouse) -> None:
    one = published(company, "one")
    with open_published(one / "salesops.duckdb") as reader:
        assert reader.execute("from marts.kpi_members").fetchall() == [("a",)]
    names = {path.name for path in (one / "parquet").iterdir()}
    assert names == {"dim_rep.parquet", "fct_deals.parquet", "publication.parquet"}


def test_what_is_only_in_the_log_of_the_marts_is_published(
    company: Company, warehouse: Warehouse
) -> None:
    build(
        warehouse,
        "set checkpoint_threshold = '1GB'",
        "pragma disable_checkpoint_on_shutdown",
        "insert into marts.dim_rep values ('cy')",
    )
    assert Path(f"{warehouse.marts}.wal").exists()
    one = published(company, "one")
    assert len(duckdb.read_parquet(str(parquet(one, "dim_rep")))) == 3


def test_free_blocks_at_the_end_are_not_taken_for_a_cut(
    company: Company, warehouse: Warehouse
) -> None:
    """DuckDB counts them, and does not write them out."""
    for _ in range(3):
        build(
            warehouse,
            "create or replace table marts.former as select hash(range) as it from range(1000000)",
        )
    with duckdb.connect() as connection:
        connection.execute(f"attach '{warehouse.marts}' as built (read_only)")
        assert size_of(connection, "built") > warehouse.marts.stat().st_size
    file = published(company, "one") / "salesops.duckdb"
    file.chmod(0o644)
    os.truncate(file, file.stat().st_size - 1)
    assert in_place(file.parent) is None


@pytest.mark.parametrize("missing", [1, 2 << 18])
def test_a_copy_that_lacks_its_end_is_refused(
    company: Company, warehouse: Warehouse, missing: int
) -> None:
    def cut_short(source: Path, target: Path) -> None:
        copy_file(source, target)
        os.truncate(target, target.stat().st_size - missing)

    with (
        replaced("dagster_project.run.copying:copy_file", cut_short),
        pytest.raises(PublicationError, match="copied in part"),
    ):
        published(company, "one")


def test_what_is_no_table_to_publish_stays_behind(company: Company, warehouse: Warehouse) -> None:
    build(
        warehouse,
        "create schema build",
        "create table build.last as select 1 as one",
        "create table marts.former as select 1 as one",
        "create table main.stray as select 1 as one",
    )
    one = published(company, "one")
    with open_published(one / "salesops.duckdb") as reader:
        found = reader.execute(
            "select schema_name || '.' || table_name from duckdb_tables() order by 1"
        ).fetchall()
    tables = ("dim_rep", "fct_deals", "kpi_members", "publication")
    assert found == [(f"marts.{table}",) for table in tables]


@pytest.mark.parametrize("refusal", [None, errno.EXDEV, errno.ENOSYS])
def test_a_file_is_copied_whatever_the_disk_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusal: int | None
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(refusal, "no")

    content = os.urandom(3_000_000)
    (tmp_path / "source").write_bytes(content)
    if refusal:
        monkeypatch.setattr(os, "copy_file_range", refuse)
    copy_file(tmp_path / "source", tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == content
