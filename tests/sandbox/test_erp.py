"""The sandbox's ERP: it holds the world's finance, changes by the day, and outlives nobody."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import psycopg2
import pyarrow.compute as pc
import pytest

from ingestion.errors import SalesopsError
from ingestion.paths import PROJECT
from ingestion.sandbox import service
from ingestion.sandbox.systems.erp import database, postgres
from ingestion.sandbox.systems.erp.database import Erp
from ingestion.sandbox.systems.erp.tables import (
    CREDIT_MEMO,
    ENTITIES,
    INVOICE,
    RATE,
    READER,
    RECEIPT,
    SCHEMA,
    TABLES,
)
from ingestion.sandbox.world import World

GONE_SECONDS = 30
STARTS = """
import sys
from pathlib import Path
from ingestion.sandbox.systems.erp.postgres import running
with running("secret") as server:
    print(server.folder, flush=True)
    sys.stdin.read()
"""
"""Starts a server, says where, and waits."""


@pytest.fixture(scope="module")
def world() -> World:
    world = World.found(seed=7, scale=0.03)
    world.advance(400)
    return world


@pytest.fixture(scope="module")
def erp(world: World) -> Iterator[Erp]:
    if postgres.programs() is None:
        pytest.skip("PostgreSQL is not installed")
    with database.running(world) as erp:
        yield erp


def rows(erp: Erp, sql: str) -> list[tuple[object, ...]]:
    """What the reader is told."""
    with closing(psycopg2.connect(erp.url)) as connection, connection.cursor() as cursor:
        cursor.execute(f"set search_path to {SCHEMA}; {sql}")
        return cursor.fetchall()


def written(erp: Erp) -> dict[str, int]:
    """How many rows of each table the last transaction that wrote to it has written."""
    sql = "select count(*) from {0} where age(xmin) = (select min(age(xmin)) from {0})"
    return {t.name: int(str(rows(erp, sql.format(t.name))[0][0])) for t in TABLES}


def is_running(process: int) -> bool:
    """Whether there is such a process."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_each_table_has_the_rows_of_its_entity(erp: Erp, world: World) -> None:
    for table, entity in zip(TABLES, ENTITIES, strict=True):
        kept = pc.sum(pc.invert(world.table(entity)["is_deleted"])).as_py() or 0
        assert rows(erp, f"select count(*) from {table.name}") == [(kept,)]


def test_money_is_the_worlds(erp: Erp, world: World) -> None:
    for table, entity, ours, theirs in (
        ("contract", "subscriptions", "monthly_fee", "mrr"),
        ("ar_invoice", "invoices", "gross", "total"),
        ("ar_invoice", "invoices", "settled", "amount_paid"),
        ("ar_invoice_item", "invoice_lines", "net", "amount"),
        ("ar_receipt", "payments", "amount", "amount"),
        ("gl_expense", "costs", "amount", "amount"),
        ("exchange_rate", "fx_rates", "rate", "rate"),
    ):
        [(total,)] = rows(erp, f"select sum({ours}) from {table}")
        assert total == pc.sum(world.table(entity)[theirs]).as_py(), (table, ours)
    [(due,)] = rows(erp, "select sum(open_amount) from ar_open_item")
    invoices = world.table("invoices")
    still_open = invoices.filter(pc.equal(invoices["status"], "open"))
    owed = pc.sum(still_open["total"]).as_py() - pc.sum(still_open["amount_paid"]).as_py()
    assert due == owed > Decimal(0)


def test_days_write_their_rows_and_stamp_them(erp: Erp, world: World) -> None:
    before, rates = world.now, world.count("fx_rates")
    world.advance(14)
    erp.show(world)
    new = world.count("fx_rates") - rates
    assert 0 < new == written(erp)["exchange_rate"]
    since = f"'{before.isoformat()}'"
    for table, stamp in ((INVOICE, "changed_at"), (RATE, "entered_at"), (RECEIPT, "changed_at")):
        [(stamped,)] = rows(erp, f"select count(*) from {table.name} where {stamp} >= {since}")
        assert 0 < written(erp)[table.name] <= int(str(stamped))
        [(total,)] = rows(erp, f"select count(*) from {table.name}")
        assert int(str(stamped)) < int(str(total)) / 5
    erp.show(world)
    assert written(erp)["exchange_rate"] == new, "the same world writes nothing again"


def test_a_removed_customer_is_marked_and_a_removed_credit_is_gone_and_told(
    erp: Erp, world: World
) -> None:
    for entity in ("customers", "credit_notes"):
        rows_there = np.arange(min(2, world.count(entity)))
        world.state.change(entity, rows_there, "is_deleted", 1, world.state.now)
    erp.show(world)
    gone = {
        entity: pc.sum(world.table(entity)["is_deleted"]).as_py()
        for entity in ("customers", "credit_notes")
    }
    assert all(gone.values())
    marked = rows(erp, "select count(*), count(*) filter (where is_removed = 'Y') from debtor")
    assert marked == [(world.count("customers"), gone["customers"])]
    [(memos,)] = rows(erp, f"select count(*) from {CREDIT_MEMO.name}")
    assert memos == world.count("credit_notes") - gone["credit_notes"]
    told = rows(erp, "select table_name, count(*) from removed_key group by table_name")
    assert told == [(CREDIT_MEMO.name, gone["credit_notes"])]


def test_another_world_replaces_this_one(erp: Erp, world: World) -> None:
    other = World.found(seed=8, scale=0.02)
    other.advance(60)
    try:
        erp.show(other)
        test_each_table_has_the_rows_of_its_entity(erp, other)
        [(invoiced,)] = rows(erp, "select sum(gross) from ar_invoice")
        assert invoiced == pc.sum(other.table("invoices")["total"]).as_py()
    finally:
        erp.show(world)


def test_its_reader_may_read_and_nothing_else(erp: Erp) -> None:
    for sql in ("delete from ar_invoice returning 1", "create table mine (n int); select 1"):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            rows(erp, sql)


def test_passwords_are_not_shown(erp: Erp) -> None:
    assert erp.server.password not in repr(erp)
    assert erp.url not in repr(erp)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, None])
def test_the_server_outlives_nobody(end: signal.Signals | None) -> None:
    if postgres.programs() is None:
        pytest.skip("PostgreSQL is not installed")
    command = [sys.executable, "-c", STARTS]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=PROJECT
    ) as starter:
        assert starter.stdin is not None
        assert starter.stdout is not None
        folder = Path(starter.stdout.readline().strip())
        server = int((folder / "data" / "postmaster.pid").read_text().split()[0])
        os.kill(server, 0)
        starter.stdin.close() if end is None else starter.send_signal(end)
        starter.wait()
    assert await_(lambda: not folder.exists() and not is_running(server))


def test_a_server_whose_starter_is_killed_before_it_is_up_does_not_stay() -> None:
    if postgres.programs() is None:
        pytest.skip("PostgreSQL is not installed")
    with TemporaryDirectory() as place:
        # As that of temporary files is.
        Path(place).chmod(0o1777)
        command = [sys.executable, "-c", STARTS]
        environment = {**os.environ, "TMPDIR": place}
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd=PROJECT, env=environment
        ) as starter:
            began = await_(lambda: any(Path(place).glob("*/data/base")))
            starter.kill()
        assert began
        assert await_(lambda: not any(Path(place).iterdir()))


def await_(holds: Callable[[], bool]) -> bool:
    """Whether something holds before long."""
    deadline = time.monotonic() + GONE_SECONDS
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.01)
    return holds()


def test_only_a_company_that_reads_it_has_one(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.save(tmp_path / "sandbox" / "world")
    if postgres.programs():
        with service.running(tmp_path, service.Use(("hubspot", "sql"), ())) as sandbox:
            assert sandbox.systems.keys() == {"hubspot", "sql"}
            with closing(psycopg2.connect(sandbox.systems["sql"].url)) as connection:
                assert connection.info.user == READER
    monkeypatch.setattr(postgres, "programs", lambda: None)
    with service.running(tmp_path, service.Use(("hubspot",), ())) as sandbox:
        assert sandbox.systems.keys() == {"hubspot"}
    with (
        pytest.raises(SalesopsError, match="none is installed: install one"),
        service.running(tmp_path, service.Use(("sql",), ())),
    ):
        pass


def test_without_postgresql_the_remedy_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "programs", lambda: None)
    with (
        pytest.raises(postgres.PostgresError, match="apt-get install postgresql"),
        postgres.running("secret"),
    ):
        pass


def test_a_server_that_does_not_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    # The server's user, who is not root, may not look into pytest's folders.
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        for name, words in (("initdb", "the disk is full"), ("pg_ctl", "")):
            program = Path(folder, name)
            program.write_text(f"#!/bin/sh\necho {words}\nexit 1\n")
            program.chmod(0o755)
        monkeypatch.setattr(postgres, "programs", lambda: Path(folder))
        with (
            pytest.raises(postgres.PostgresError, match="says: the disk is full"),
            postgres.running("secret"),
        ):
            pass
