"""The warehouse: read from it, and what happens when it cannot be."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import duckdb
import pytest

from ingestion.errors import WarehouseError
from ingestion.paths import CompanyPaths
from ingestion.warehouse.duckdb_sql import THREADS
from ingestion.warehouse.warehouse import ROW_GROUP, Warehouse
from tests.ingestion.conftest import Exports

pytestmark = pytest.mark.usefixtures("through_dlt")

USERS = {"users": {"rows": [{"source_id": "1", "name": "Ann"}]}}


def test_reads_with_parameters_and_leaves_nothing_open(exports: Exports) -> None:
    exports.load(USERS)
    company = exports.company(USERS)
    warehouse = Warehouse.of(company)
    found = warehouse.read("select name from raw_files.users where source_id = ?", ["1"])
    assert found.to_pylist() == [{"name": "Ann"}]
    assert warehouse.table_exists("raw_files", "users")
    assert not warehouse.table_exists("raw_files", "people")
    with duckdb.connect(str(CompanyPaths.of(company).warehouse)) as connection:
        connection.execute("create table written_after as select 1")


def test_reads_while_this_process_has_it_open_for_writing(exports: Exports) -> None:
    exports.load(USERS)
    warehouse = Warehouse.of(exports.company(USERS))
    with duckdb.connect(warehouse.location):
        assert warehouse.read("select 1 as one").to_pylist() == [{"one": 1}]


def test_a_missing_warehouse_is_fine_until_it_is_read(exports: Exports) -> None:
    warehouse = Warehouse.of(exports.company(USERS))
    warehouse.check()
    assert warehouse.columns("raw_files") == {}
    with pytest.raises(WarehouseError, match="no warehouse yet"):
        warehouse.read("select 1")


@pytest.mark.parametrize("content", [b"", b"not a database, " * 999], ids=["empty", "text"])
def test_what_is_no_database_is_moved_aside_and_built_anew(
    exports: Exports, content: bytes
) -> None:
    exports.load(USERS)
    path = CompanyPaths.of(exports.company(USERS)).warehouse
    for number in (1, 2):
        path.write_bytes(content)
        with pytest.raises(WarehouseError, match=rf"moved aside to {path.name}\.unusable-{number}"):
            exports.load(USERS)
        assert path.with_name(f"{path.name}.unusable-{number}").read_bytes() == content
    assert exports.load(USERS)["users"].rows_new == 1


def test_another_process_that_writes_is_named(exports: Exports, tmp_path: Path) -> None:
    exports.load(USERS)
    path = CompanyPaths.of(exports.company(USERS)).warehouse
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import duckdb; c = duckdb.connect({str(path)!r}); print(flush=True); input()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(WarehouseError, match=f"in use by process {holder.pid}"):
            exports.load(USERS)
        assert path.exists()
    finally:
        holder.kill()
        holder.communicate()


def test_postgres_needs_an_address(exports: Exports, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SALESOPS_POSTGRES_URL", raising=False)
    exports.settings["destination"] = "postgres"
    with pytest.raises(
        WarehouseError, match="needs the environment variable SALESOPS_POSTGRES_URL"
    ):
        exports.load(USERS)


def test_a_postgres_that_does_not_answer_is_named_without_its_password(
    exports: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALESOPS_POSTGRES_URL", "postgresql://me:secret@localhost:1/db")
    exports.settings["destination"] = "postgres"
    with pytest.raises(WarehouseError, match="PostgreSQL at localhost:1/db: ") as error:
        exports.load(USERS)
    assert "secret" not in str(error.value)


def test_dlt_takes_no_settings_from_elsewhere(
    exports: Exports, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A stray .dlt folder or variable of another project must not redirect or break a load."""
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / ".dlt").mkdir(parents=True)
    (elsewhere / ".dlt" / "config.toml").write_text(
        '[load]\nworkers = "many"\n[normalize]\nworkers = "many"\n[schema]\nnaming = "no.such"\n'
    )
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("DATA_WRITER__BUFFER_MAX_ITEMS", "many")
    monkeypatch.setenv("HOME", str(elsewhere))
    assert exports.load(USERS)["users"].rows_new == 1
    assert sorted(path.name for path in elsewhere.rglob("*")) == [".dlt", "config.toml"]


KILLED = textwrap.dedent(
    """
    import os, signal, sys
    from pathlib import Path
    from ingestion.company.reading import load_company
    from ingestion.pipeline import load_source
    import {module}

    def die(*args, **kwargs):
        os.kill(os.getpid(), signal.SIGKILL)

    {target} = die
    company = load_company(Path(sys.argv[1]))
    load_source(company, company.sources[0])
    """
)


@pytest.mark.parametrize(
    ("module", "target"),
    [
        ("dlt.normalize.normalize", "dlt.normalize.normalize.Normalize.run"),
        ("dlt.load.load", "dlt.load.load.Load.run"),
        ("dlt.load.load", "dlt.load.load.Load.complete_package"),
    ],
    ids=["extracted", "normalized", "rows_in_tables"],
)
def test_a_load_that_is_killed_leaves_no_trace(exports: Exports, module: str, target: str) -> None:
    rows = "".join(f"{n},Open,{n}\n" for n in range(1000))
    exports.write("deals.csv", f"id,stage,amount\n{rows}")
    columns = {"source_id": "id", "stage": "stage", "amount": "amount"}
    entities = {"opportunities": {"from": "deals", "columns": columns}}
    company = exports.company(entities)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED.format(module=module, target=target), str(company.path)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        check=False,
    )
    assert killed.returncode == -9
    assert exports.load(entities)["opportunities"].rows_new == 1000
    complete = exports.rows(
        "select count(*) as n, count(distinct source_id) as ids from raw_files.opportunities "
        "where _dlt_load_id in (select load_id from raw_files._dlt_loads where status = 0)"
    )
    assert complete == [{"n": 1000, "ids": 1000}]
    assert exports.load(entities)["opportunities"].is_unchanged


def test_threads_are_as_many_as_raw_tables_have_rows_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(THREADS, "3")
    warehouse = Warehouse("duckdb", str(tmp_path / "warehouse.duckdb"))
    assert warehouse.threads() == 1
    for rows, threads in ((ROW_GROUP, 1), (ROW_GROUP + 1, 3)):
        with duckdb.connect(warehouse.location) as connection:
            connection.execute("create schema if not exists raw_files")
            connection.execute(f"create or replace table raw_files.users as from range({rows})")
            connection.execute(f"create or replace table big as from range({2 * ROW_GROUP})")
        assert warehouse.threads() == threads
