"""A warehouse that cannot be read is left alone; what is corrupt is moved aside whole."""

from __future__ import annotations

import os
import resource
import struct
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dagster_project.cli import main
from ingestion.company.settings import Company
from ingestion.errors import WarehouseError
from ingestion.paths import CompanyPaths
from ingestion.warehouse.warehouse import Warehouse
from tests.faults.attacks import Figures, bites, held, replaced
from tests.ingestion.conftest import Exports
from tests.ingestion.conftest import empty_warehouse as empty_warehouse
from tests.ingestion.conftest import exports as exports  # a fixture of theirs
from tests.orchestration.copies import held_to_write

UNREADABLE = "a warehouse that cannot be read for now"
LOGGED = "a corrupt warehouse, of which some is only in its log"
USERS = {"users": {"rows": [{"source_id": "1", "name": "Ann"}]}}
NOBODY = 65534

Attack = Callable[[Path], AbstractContextManager[object]]


@pytest.fixture
def company(exports: Exports) -> Company:
    """A company that was loaded once, and of whose warehouse a table is only in the log."""
    exports.load(USERS)
    company = exports.company(USERS)
    with duckdb.connect(CompanyPaths.of(company).warehouse) as connection:
        connection.execute("pragma disable_checkpoint_on_shutdown")
        connection.execute("create table only_in_log as select 1")
    return company


def files(company: Company) -> dict[str, bytes]:
    """The warehouse, its log, and what was moved aside, by name."""
    found = CompanyPaths.of(company).root.glob("warehouse*")
    return {path.name: path.read_bytes() for path in found}


@contextmanager
def no_permission(path: Path) -> Iterator[None]:
    """Nobody may read the file; who is root becomes somebody who may not enter its folder."""
    if os.geteuid():
        path.chmod(0)
        yield
        path.chmod(0o600)
        return
    folder = path.parent
    folder.chmod(0o700)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@contextmanager
def no_permission_for_log(path: Path) -> Iterator[None]:
    log = Path(f"{path}.wal")
    kept = log.rename(path.parent / "kept")
    log.mkdir()
    try:
        yield
    finally:
        log.rmdir()
        kept.rename(log)


@contextmanager
def disk_error(path: Path) -> Iterator[None]:
    """The first byte of this process's memory can be read no more than that of a broken disk."""
    kept = path.rename(path.parent / "kept")
    path.symlink_to("/proc/self/mem")
    try:
        yield
    finally:
        path.unlink()
        kept.rename(path)


@contextmanager
def too_many_open_files(path: Path) -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    with ExitStack() as stack:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, limits[1]))
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, limits)
        try:
            while True:
                stack.enter_context(Path(os.devnull).open("rb"))
        except OSError:
            yield


@contextmanager
def newer_storage_version(path: Path) -> Iterator[None]:
    """A header as a later DuckDB writes it: with another version, and the checksum of that."""
    content = path.read_bytes()
    header = content[8:12] + struct.pack("<Q", 999) + content[20:4096]
    path.write_bytes(struct.pack("<Q", checksum(header)) + header + content[4096:])
    assert checksum(content[8:4096]) == struct.unpack("<Q", content[:8])[0]
    try:
        yield
    finally:
        path.write_bytes(content)


def checksum(block: bytes) -> int:
    """The checksum of a block of a DuckDB file."""
    found = 5381
    for (word,) in struct.iter_unpack("<Q", block):
        found ^= word * 0xBF58476D1CE4E5B9 % 2**64
    return found


@contextmanager
def out_of_memory(path: Path) -> Iterator[None]:
    def fail(*_: object, **__: object) -> Any:
        raise duckdb.OutOfMemoryException("Out of Memory Error: could not allocate block")

    with replaced("duckdb:connect", fail):
        yield


@held(UNREADABLE)
@pytest.mark.parametrize(
    ("attack", "told"),
    [
        (no_permission, "Permission denied"),
        (no_permission_for_log, "Is a directory"),
        (disk_error, "Input/output error"),
        (too_many_open_files, "Too many open files"),
        (newer_storage_version, "version of salesops that wrote it"),
        (out_of_memory, "could not allocate"),
    ],
)
def test_nothing_is_touched(
    company: Company,
    attack: Attack,
    told: str,
    figures: Figures,
) -> None:
    before = files(company)
    with attack(CompanyPaths.of(company).warehouse):
        with pytest.raises(WarehouseError, match="cannot be read") as error:
            Warehouse.of(company).check()
        with pytest.raises(WarehouseError, match="cannot be read"):
            Warehouse.of(company).check_readable()
    assert told in str(error.value)
    assert "left as it is" in str(error.value)
    assert files(company) == before
    assert Warehouse.of(company).read("from only_in_log").num_rows == 1
    figures.add(runs_refused=1)


@held(UNREADABLE)
@pytest.mark.parametrize("attack", [disk_error, newer_storage_version])
def test_the_run_says_so_and_ends_with_2(
    company: Company, attack: Attack, capsys: pytest.CaptureFixture[str]
) -> None:
    with attack(CompanyPaths.of(company).warehouse):
        assert main(["run", "--company", str(company.path)]) == 2
    assert "cannot be read" in capsys.readouterr().err
    assert Warehouse.of(company).read("from only_in_log").num_rows == 1


@held(UNREADABLE)
def test_another_process_that_writes_keeps_its_file(company: Company) -> None:
    path = CompanyPaths.of(company).warehouse
    with held_to_write(path), pytest.raises(WarehouseError, match="in use by process"):
        Warehouse.of(company).check()
    assert sorted(files(company)) == ["warehouse.duckdb", "warehouse.duckdb.wal"]


@bites(UNREADABLE)
def test_whatever_cannot_be_read_was_moved_aside(company: Company, exports: Exports) -> None:
    taken_for_corrupt = replaced(
        "ingestion.warehouse.warehouse:Warehouse._defect", "Permission denied"
    )
    with taken_for_corrupt, pytest.raises(WarehouseError, match="moved aside"):
        Warehouse.of(company).check()
    assert exports.load(USERS)["users"].rows_new == 1
    assert not Warehouse.of(company).table_exists("main", "only_in_log")


@held(LOGGED)
@pytest.mark.parametrize("part", ["file", "log", "cut"])
def test_the_log_goes_with_the_file(company: Company, part: str) -> None:
    path = CompanyPaths.of(company).warehouse
    spoil(Path(f"{path}.wal") if part == "log" else path, is_cut=part == "cut")
    before = files(company)
    with pytest.raises(WarehouseError, match=r"moved aside to warehouse\.duckdb\.unusable-1"):
        Warehouse.of(company).check()
    aside = {name.replace(".duckdb", ".duckdb.unusable-1"): it for name, it in before.items()}
    assert files(company) == aside


@bites(LOGGED)
def test_the_log_was_deleted(company: Company) -> None:
    path = CompanyPaths.of(company).warehouse
    content = path.read_bytes()
    spoil(path)
    forgetful = replaced(
        "ingestion.warehouse.warehouse:_move", lambda path, aside: path.rename(aside)
    )
    with forgetful, pytest.raises(WarehouseError, match="moved aside"):
        Warehouse.of(company).check()
    [aside] = path.parent.glob("*unusable*")
    aside.write_bytes(content)
    with duckdb.connect(aside, read_only=True) as mended, pytest.raises(duckdb.CatalogException):
        mended.execute("from only_in_log")


def spoil(path: Path, is_cut: bool = False) -> None:
    """Turn bytes in the first third of a file over, or cut it there."""
    content = bytearray(path.read_bytes())
    middle = 4096 if len(content) > 12_288 else 40
    content[middle : middle + 8] = bytes(byte ^ 0x5A for byte in content[middle : middle + 8])
    path.write_bytes(content[: len(content) // 3] if is_cut else content)
