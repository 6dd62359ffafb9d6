"""What is published, attacked: killed as it is swapped, on a full disk, tampered with, in the way.

Most of it is a company of one mart, whose publication takes a tenth of a second.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import duckdb
import pytest

from dagster_project.publication import PublicationError, in_place, open_published
from dagster_project.publication.publications import settle
from dagster_project.publishing import writing
from dagster_project.publishing.ledger import keep_ledger
from dagster_project.publishing.writing import publish
from dagster_project.run.dbt_runner import Dbt
from dagster_project.run.logs import log_of_run
from dagster_project.run.opening import open_run
from expectations.docs import build
from ingestion.company.reading import load_company
from ingestion.company.settings import Company
from ingestion.disk.private import private
from ingestion.paths import CompanyPaths
from ingestion.warehouse.warehouse import Warehouse
from tests.conftest import Publish
from tests.faults.attacks import (
    Figures,
    Tampering,
    bites,
    held,
    killed_at,
    replaced,
    together,
    without,
)
from tests.faults.disks import fill, small_disk
from tests.faults.reader import poll, polling
from tests.orchestration.copies import EDGE_CASES, Copy, held_to_write
from tests.orchestration.one_mart import MANIFEST, audited, made_warehouse
from tests.thorough import IS_THOROUGH, at_length, thorough

pytestmark = pytest.mark.usefixtures("few_pages")

WRITING = "dagster_project.publishing.writing"
READING = "dagster_project.publication.reading"
NAMES = "select count(*) from marts.dim_rep"


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Company:
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path))
    return load_company(EDGE_CASES / "company.yml")


@pytest.fixture
def paths(company: Company) -> CompanyPaths:
    return CompanyPaths.of(company)


@pytest.fixture
def warehouse(company: Company) -> Warehouse:
    return made_warehouse(company)


@pytest.fixture
def first(company: Company, warehouse: Warehouse) -> str:
    """A company that has been published once, by this run."""
    publish(audited(company, warehouse, "first"), MANIFEST)
    return "first"


def run_once(company: Company, run_id: str, tampering: Tampering = lambda: None) -> None:
    """What a run does to what is published, from its beginning to its end."""
    tampering()
    paths = CompanyPaths.of(company)
    with private(paths.root):
        settle(paths)
        publish(audited(company, Warehouse.of(company), run_id), MANIFEST)


def exit_status(company: Company, run_id: str, tampering: Tampering) -> int:
    """`run_once` in a process of its own, which may be killed."""
    process = get_context("fork").Process(target=run_once, args=(company, run_id, tampering))
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


# A kill while the publication is written and swapped.

KILLED = "a run killed at any moment"
STEPS = ("os:mkdir", "os:symlink", "os:replace", "os:rename", "os:fsync", "os:chmod", "os:unlink")
EVERY = 1 if IS_THOROUGH else 5
"""A kill at each call of a step takes a minute: one at each fifth call stands for them."""


def killed_everywhere(company: Company, steps: tuple[str, ...]) -> int:
    """Kill a run at calls of each step, the first among them; returns the number of kills."""
    kills = 0
    for step in steps:
        for number in range(1, 1000, EVERY):
            status = exit_status(company, f"{step[3:]}-{number}", killed_at(step, number))
            if status == 0:
                break
            assert status == -signal.SIGKILL
            kills += 1
    return kills


@held(KILLED)
def test_a_reader_finds_one_run_whole_whenever_the_next_one_is_killed(
    company: Company, first: str, paths: CompanyPaths, tmp_path: Path, figures: Figures
) -> None:
    with polling(paths.published, tmp_path / "told") as polls:
        kills = killed_everywhere(company, STEPS)
    assert polls.failures == []
    assert kills >= 10
    assert len(list(paths.publications.iterdir())) <= 3
    figures.add(kills=kills, polls=polls.count)


@held(KILLED)
def test_a_company_killed_at_its_first_publication_has_none_or_a_whole_one(
    company: Company, warehouse: Warehouse, paths: CompanyPaths, figures: Figures
) -> None:
    for number, step in enumerate(("os:replace", "os:symlink", "os:fsync")):
        assert exit_status(company, f"killed-{number}", killed_at(step, 1)) == -signal.SIGKILL
        assert not paths.published.exists() or poll(paths.published)
    figures.add(kills=3)
    run_once(company, "done")
    assert poll(paths.published) == "done"


def lead_in_two_steps(link: Path, to: Path) -> None:
    link.unlink()
    link.symlink_to(os.path.relpath(to, link.parent))


@bites(KILLED)
def test_a_link_that_is_removed_and_made_anew_is_missed_by_readers(
    company: Company, first: str, paths: CompanyPaths
) -> None:
    tampering = together(
        without("dagster_project.publication.publications:lead", lead_in_two_steps),
        killed_at("os:symlink", 1),
    )
    assert exit_status(company, "killed", tampering) == -signal.SIGKILL
    with pytest.raises(FileNotFoundError):
        poll(paths.published)


# A disk that is full.

FULL_DISK = "a disk that is full while a publication is written"


@pytest.fixture
def little_room(
    company: Company, first: str, warehouse: Warehouse, paths: CompanyPaths
) -> Iterator[Path]:
    """A published company with 8 MB for its publications."""
    before = paths.publications.rename(paths.root / "before")
    with small_disk(paths.publications, "8m"):
        shutil.copytree(before, paths.publications, dirs_exist_ok=True)
        yield paths.publications


@pytest.fixture
def mountable(tmp_path: Path) -> None:
    """Skips where no file system can be mounted."""
    with small_disk(tmp_path / "probe", "64k"):
        pass


@contextmanager
def full_while_it_is_closed(room: Path, put_into_files: Callable[..., None]) -> Iterator[None]:
    """The disk is full when DuckDB is to write out what it holds, and has room again after that."""
    close = writing._close

    def fill_first(connection: duckdb.DuckDBPyConnection, *databases: str) -> None:
        fill(room)
        put_into_files(connection, *databases)

    def with_room_again(*arguments: object) -> None:
        (room / "filler").unlink()
        close(*arguments)  # type: ignore[arg-type]

    with (
        replaced(f"{WRITING}:put_into_files", fill_first),
        replaced(f"{WRITING}:_close", with_room_again),
    ):
        yield


@held(FULL_DISK)
@pytest.mark.parametrize("kilobytes", at_length([4, 16, 300, 600, 1000], 16, 600, 1000))
def test_what_does_not_fit_is_refused(
    company: Company, little_room: Path, paths: CompanyPaths, kilobytes: int
) -> None:
    filler = fill(little_room)
    os.truncate(filler, filler.stat().st_size - kilobytes * 1024)
    expected = nullcontext() if kilobytes == 1000 else pytest.raises(PublicationError)
    with expected:
        run_once(company, "second")
    assert poll(paths.published) == ("second" if kilobytes == 1000 else "first")
    filler.unlink()
    run_once(company, "third")
    assert poll(paths.published) == "third"


@held(FULL_DISK)
@pytest.mark.parametrize("hidden", [False, True])
def test_a_failed_checkpoint_is_refused_even_where_duckdb_hides_it(
    company: Company, little_room: Path, paths: CompanyPaths, hidden: bool
) -> None:
    put_into_files = (lambda *_: None) if hidden else writing.put_into_files
    with (
        full_while_it_is_closed(little_room, put_into_files),
        pytest.raises(PublicationError, match=r"mak(e|ing) room"),
    ):
        run_once(company, "second")
    assert poll(paths.published) == "first"
    (little_room / "filler").unlink(missing_ok=True)
    run_once(company, "third")
    assert sorted(path.name for path in little_room.iterdir()) == ["first", "third"]


@bites(FULL_DISK)
def test_duckdb_hides_that_nothing_more_got_into_the_file(
    company: Company, little_room: Path, paths: CompanyPaths
) -> None:
    with (
        full_while_it_is_closed(little_room, lambda *_: None),
        replaced(f"{WRITING}:write_pages", None),
        replaced(f"{WRITING}:defect", None),
        replaced(f"{WRITING}:write_ahead_log", Path("/none")),
    ):
        run_once(company, "second")
    (paths.marts.parent / "salesops.duckdb.wal").unlink()
    with (
        duckdb.connect(paths.marts, read_only=True) as connection,
        pytest.raises(duckdb.CatalogException, match="publication"),
    ):
        connection.execute("select run_id from marts.publication")


# A tool that writes.

TOOL = "a tool that opened the published file to write, wrote and died"


def tampered_with(file: Path, table: str = "marts.dim_rep") -> None:
    """A tool deletes rows of a published file and is killed; what it wrote lies beside the file."""
    with held_to_write(file, f"delete from {table} where name = 'ann'"):
        pass
    assert Path(f"{file.resolve()}.wal").exists()


def rows(file: Path) -> int:
    """The names that a tool of any kind finds."""
    with duckdb.connect(file, read_only=True) as connection:
        [(found,)] = connection.execute(NAMES).fetchall()
    return found


@held(TOOL)
def test_what_a_tool_wrote_is_read_by_no_run_and_gone_with_the_next_publication(
    company: Company, first: str, paths: CompanyPaths
) -> None:
    tampered_with(paths.marts)
    assert rows(paths.marts) == 1
    with open_published(paths.marts) as connection:
        assert connection.execute(NAMES).fetchall() == [(2,)]
    assert in_place(paths.published) is None
    run_once(company, "second")
    assert rows(paths.marts) == 2
    run_once(company, "third")
    assert rows(paths.marts) == 2


@held(TOOL)
def test_a_tool_that_has_the_file_open_writes_into_that_one(
    company: Company, first: str, paths: CompanyPaths
) -> None:
    """It opened the file through the link, which has led elsewhere since."""
    old = paths.marts.resolve()
    with held_to_write(paths.marts, "set checkpoint_threshold = '1GB'"):
        run_once(company, "second")
    assert rows(paths.marts) == 2
    tampered_with(old)
    assert rows(paths.marts) == 2


@held(TOOL)
def test_nobody_but_root_can_open_it_to_write(first: str, paths: CompanyPaths) -> None:
    assert stat.S_IMODE(paths.marts.stat().st_mode) == 0o444


@bites(TOOL)
def test_duckdb_takes_what_a_tool_wrote_for_published(
    company: Company, first: str, paths: CompanyPaths
) -> None:
    """Where nobody looks for it, and where each publication takes the place of the one before."""

    def over_the_one_before(paths: CompanyPaths, folder: Path) -> None:
        (folder / "salesops.duckdb").replace(paths.marts.resolve())

    tampered_with(paths.marts)
    with (
        replaced(f"{READING}:write_ahead_log", Path("/none")),
        open_published(paths.marts) as connection,
    ):
        assert connection.execute(NAMES).fetchall() == [(1,)]
    with replaced(f"{WRITING}:show", over_the_one_before):
        run_once(company, "second")
    assert rows(paths.marts) == 1
    Path(f"{paths.marts.resolve()}.wal").unlink()
    assert rows(paths.marts) == 2


# Something else where publications go.

IN_THE_WAY = "something else where the link to what is published belongs"


def a_file(published: Path) -> None:
    published.write_text("mine")


def a_folder(published: Path) -> None:
    published.mkdir()
    (published / "mine.csv").touch()


def a_link_to_nothing(published: Path) -> None:
    published.symlink_to("nowhere")


def a_link_elsewhere(published: Path) -> None:
    elsewhere = published.parent.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine.csv").touch()
    published.symlink_to(elsewhere)


def what_killed_runs_have_left(published: Path) -> None:
    published.with_name(".published.new").symlink_to("nowhere")


@held(IN_THE_WAY)
@pytest.mark.parametrize(
    "put", [a_file, a_folder, a_link_to_nothing, a_link_elsewhere, what_killed_runs_have_left]
)
def test_whatever_is_there_is_replaced_and_nothing_of_it_is_lost(
    company: Company, warehouse: Warehouse, paths: CompanyPaths, put: Callable[[Path], None]
) -> None:
    put(paths.published)
    mine = paths.published.resolve()
    run_once(company, "second")
    assert poll(paths.published) == "second"
    aside = paths.root / "published.aside-1"
    assert aside.exists() == (put in (a_file, a_folder))
    assert (mine / "mine.csv").exists() == (put is a_link_elsewhere)
    run_once(company, "third")
    assert poll(paths.published) == "third"


@held(IN_THE_WAY)
@pytest.mark.parametrize("put", [a_folder, a_link_elsewhere])
def test_what_hides_the_last_publication_is_not_taken_for_none(
    first: str, paths: CompanyPaths, put: Callable[[Path], None]
) -> None:
    paths.published.unlink()
    put(paths.published)
    settle(paths)
    assert poll(paths.published) == first
    aside = paths.root / "published.aside-1"
    assert not aside.exists() or aside.stat().st_mode & 0o077 == 0


@bites(IN_THE_WAY)
def test_a_folder_cannot_be_replaced_by_a_link(
    company: Company, warehouse: Warehouse, paths: CompanyPaths
) -> None:
    a_folder(paths.published)
    with (
        replaced("ingestion.disk.links:_moved_aside", lambda path: path),
        pytest.raises(PublicationError, match="directory"),
    ):
        run_once(company, "second")


# A company as earlier versions left it.

OLD_LAYOUT = "a company as earlier versions left it"


def as_before(paths: CompanyPaths, *, is_parquet_linked: bool = True) -> None:
    """Put what is published as earlier versions did: three things in a folder, renamed in turn."""
    folder = paths.published.resolve()
    (folder / "salesops.duckdb").rename(folder / "marts.duckdb")
    if is_parquet_linked:
        (folder / "parquet").rename(folder / f"parquet.{folder.name}")
        (folder / "parquet").symlink_to(f"parquet.{folder.name}")
    paths.published.unlink()
    folder.rename(paths.published)
    paths.publications.rmdir()


def whole(paths: CompanyPaths) -> str:
    """The run that is published, all of it."""
    publication = in_place(paths.published)
    assert publication
    return publication.run_id


@held(OLD_LAYOUT)
@pytest.mark.parametrize("is_parquet_linked", [True, False])
def test_it_is_taken_over_and_readers_of_both_names_find_it(
    company: Company, first: str, paths: CompanyPaths, is_parquet_linked: bool
) -> None:
    as_before(paths, is_parquet_linked=is_parquet_linked)
    tampered_with(paths.published / "marts.duckdb", "marts.marts.dim_rep")
    settle(paths)
    with duckdb.connect(paths.published / "marts.duckdb", read_only=True) as connection:
        assert connection.execute("select count(*) from marts.marts.dim_rep").fetchall() == [(2,)]
    assert whole(paths) == "first"
    run_once(company, "second")
    assert poll(paths.published) == "second"
    assert in_place(paths.publications / "first")


@held(OLD_LAYOUT)
@pytest.mark.parametrize(
    "step",
    at_length(["os:rename", "os:symlink", "os:replace", "os:fsync"], "os:rename", "os:replace"),
)
def test_a_kill_while_it_is_taken_over_loses_nothing(
    company: Company, first: str, paths: CompanyPaths, step: str, figures: Figures
) -> None:
    as_before(paths)
    assert exit_status(company, "killed", killed_at(step, 1)) == -signal.SIGKILL
    figures.add(kills=1)
    settle(paths)
    assert whole(paths) == "first"
    run_once(company, "second")
    assert poll(paths.published) == "second"


def entered(company: Company) -> list[str]:
    """The runs whose publication a further run would find in the history."""
    with open_run(company, "asked") as run:
        keep_ledger(run, Dbt.of(company).manifest())
        found = run.warehouse.read("select run_id from history.publications")
    return found["run_id"].to_pylist()


@pytest.fixture
def edge_cases(published: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Copy:
    """A copy of the edge-case company, published once by a whole run."""
    copy = Copy.of(published("edge_cases"), tmp_path)
    monkeypatch.setenv("SALESOPS_DATA", str(copy.data.parent))
    return copy


@held(OLD_LAYOUT)
def test_its_publication_gets_into_the_history(edge_cases: Copy) -> None:
    paths = CompanyPaths(edge_cases.data)
    run_id = paths.published.resolve().name
    as_before(paths)
    assert entered(load_company(edge_cases.file)) == [run_id]


@bites(OLD_LAYOUT)
def test_without_being_taken_over_its_history_ends(edge_cases: Copy) -> None:
    as_before(CompanyPaths(edge_cases.data))
    with replaced("dagster_project.run.opening:settle"):
        assert entered(load_company(edge_cases.file)) == []


# A published file that is damaged.

DAMAGED = "a published file that is damaged"


@held(DAMAGED)
@pytest.mark.parametrize(
    "counts", at_length([None, 1, "x", [None], {"dim_rep": None}], None, {"dim_rep": None})
)
def test_a_manifest_that_is_json_and_none_of_ours_stops_no_run(
    company: Company, first: str, paths: CompanyPaths, counts: object
) -> None:
    manifest = (paths.published / "manifest.json").resolve()
    told = json.loads(manifest.read_text(encoding="utf-8"))
    manifest.chmod(0o644)
    manifest.write_text(json.dumps(told | {"row_counts": counts}), encoding="utf-8")
    run_once(company, "second")
    assert poll(paths.published) == "second"
    assert (paths.publications / first).is_dir()


def cut(file: Path, share: float) -> None:
    file = file.resolve()
    file.chmod(0o644)
    os.truncate(file, int(file.stat().st_size * share))


def scribble(file: Path) -> None:
    """Bytes in the middle that are no text and no checksum's."""
    file = file.resolve()
    file.chmod(0o644)
    with file.open("r+b") as content:
        content.seek(12_288)
        content.write(b"\xff\xfe\x00scribble" * 10_000)


DAMAGES: dict[str, Callable[[Path], None]] = {
    "empty": partial(cut, share=0),
    "half": partial(cut, share=0.5),
    "almost whole": partial(cut, share=0.99),
    "scribbled on": scribble,
}


@held(DAMAGED)
@pytest.mark.parametrize("damage", at_length(DAMAGES, "half", "scribbled on"))
def test_the_parquet_files_of_the_same_publication_enter_the_history(
    edge_cases: Copy, damage: str
) -> None:
    DAMAGES[damage](edge_cases.marts)
    assert in_place(edge_cases.marts.parent) is None
    run_id = edge_cases.marts.resolve().parent.name
    assert entered(load_company(edge_cases.file)) == [run_id]


def without_parquet(copy: Copy) -> None:
    shutil.rmtree(copy.marts.resolve().parent / "parquet")


@held(DAMAGED)
@pytest.mark.parametrize("damage", at_length(["empty", "half"], "half"))
def test_where_these_are_gone_too_that_is_said_and_the_run_goes_on(
    edge_cases: Copy, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    DAMAGES[damage](edge_cases.marts)
    without_parquet(edge_cases)
    assert entered(load_company(edge_cases.file)) == []
    assert "mart_restatements is without its numbers" in caplog.text


@bites(DAMAGED)
def test_without_a_guard_the_run_that_would_mend_it_stops(edge_cases: Copy) -> None:
    cut(edge_cases.marts, 0.5)
    without_parquet(edge_cases)
    with (
        replaced("dagster_project.publishing.ledger:optional", lambda _: nullcontext()),
        pytest.raises(duckdb.Error),
    ):
        entered(load_company(edge_cases.file))


# What a run can do without.

DISPENSABLE = "Data Docs and logs that cannot be written"


def docs_killed_at(company: Company, step: str) -> int:
    def build_killed() -> None:
        killed_at(step, 1)()
        build(company)

    process = get_context("fork").Process(target=build_killed)
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


@held(DISPENSABLE)
@pytest.mark.parametrize("step", ["os:symlink", "os:replace", "os:fsync"])
def test_data_docs_are_built_after_a_kill_at_any_step(
    company: Company, paths: CompanyPaths, step: str, figures: Figures
) -> None:
    index = build(company)
    assert docs_killed_at(company, step) == -signal.SIGKILL
    figures.add(kills=1)
    assert index.exists()
    assert build(company).exists()
    assert len(list((paths.root / "audit" / "sites").iterdir())) == 1


@held(DISPENSABLE)
def test_what_lies_about_in_the_place_of_data_docs_is_moved_aside(
    company: Company, paths: CompanyPaths
) -> None:
    paths.data_docs.mkdir(parents=True)
    assert build(company).exists()
    assert (paths.root / "data_docs.aside-1").is_dir()
    (paths.root / "audit" / "marts.json").write_text('{"report": {')
    assert build(company).exists()


@held(DISPENSABLE)
def test_a_log_that_cannot_be_written_is_given_up_which_is_said_once(
    mountable: None,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "file").touch()
    with log_of_run(tmp_path / "file", "run") as none:
        assert none is None
    with small_disk(tmp_path / "logs", "64k"), log_of_run(tmp_path / "logs", "run"):
        for _ in range(30):
            logging.getLogger("salesops").warning("x" * 10_000)
    assert caplog.text.count("the log ends here") == 1
    assert "Traceback" not in capfd.readouterr().err


@bites(DISPENSABLE)
def test_what_is_in_the_way_of_data_docs_would_stop_every_run(
    company: Company, paths: CompanyPaths
) -> None:
    paths.data_docs.mkdir(parents=True)
    with (
        replaced("ingestion.disk.links:_moved_aside", lambda path: path),
        pytest.raises(IsADirectoryError),
    ):
        build(company)


# Other people on the machine.

NOSY = "somebody else on the machine who looks into a company's folder"


def can_read(path: Path) -> bool:
    """Whether nobody in particular can read a file."""

    def try_to() -> None:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        with path.open("rb") as file:
            file.read(1)

    process = get_context("fork").Process(target=try_to)
    process.start()
    process.join()
    return process.exitcode == 0


@pytest.fixture
def passage(tmp_path: Path) -> None:
    """Others get as far as the data root."""
    if os.geteuid():
        pytest.skip("only root can become somebody else")
    for folder in (tmp_path, *tmp_path.parents):
        mode = stat.S_IMODE(folder.stat().st_mode)
        if not mode & 0o001:
            folder.chmod(mode | 0o011)


@held(NOSY)
def test_others_read_what_is_published_and_nothing_else(
    company: Company, warehouse: Warehouse, paths: CompanyPaths, passage: None
) -> None:
    (paths.root / "logs").mkdir()
    (paths.root / "logs" / "run.log").touch()
    with open_run(company, "one") as run, duckdb.connect(warehouse.location) as connection:
        connection.execute("set checkpoint_threshold = '1GB'; create table made as select 1")
        assert not can_read(Path(f"{warehouse.location}.wal"))
        connection.close()
        publish(audited(run.company, warehouse, "one"), MANIFEST)
    for name in ("salesops.duckdb", "manifest.json", "parquet/dim_rep.parquet"):
        assert can_read(paths.published / name)
    for name in ("warehouse.duckdb", "run.lock", "logs/run.log"):
        assert not can_read(paths.root / name)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in paths.root.iterdir()}
    assert stat.S_IMODE(paths.root.stat().st_mode) == modes.pop("publications") == 0o711
    assert modes.pop("published") == stat.S_IMODE((paths.published / "parquet").stat().st_mode)
    assert stat.S_IMODE(paths.published.stat().st_mode) == 0o755
    assert not [name for name, mode in modes.items() if mode & 0o077]


@bites(NOSY)
def test_without_a_guard_others_read_the_warehouse(
    company: Company, warehouse: Warehouse, paths: CompanyPaths, passage: None
) -> None:
    with (
        replaced("dagster_project.run.opening:private", lambda _: nullcontext()),
        open_run(company, "one"),
    ):
        assert can_read(paths.warehouse)


# Whole runs.


@held(OLD_LAYOUT)
@thorough
def test_a_run_takes_it_over_and_restatements_go_on(edge_cases: Copy, tmp_path: Path) -> None:
    """As they do for a twin that had the new layout from the beginning."""
    restated = """select * exclude (first_run_id, run_id)
        from marts.mart_restatements order by all"""
    twin = Copy(tmp_path / "twin")
    shutil.copytree(edge_cases.root, twin.root, symlinks=True)
    as_before(CompanyPaths(edge_cases.data))
    found = []
    for copy in (edge_cases, twin):
        export = copy.export("opportunities.csv")
        text = export.read_text(encoding="utf-8")
        export.write_text(text.replace("Won,8000,USD", "Won,9500,USD", 1), encoding="utf-8")
        done = copy.run()
        assert done.returncode == 0, done.stdout + done.stderr
        with open_published(copy.marts) as connection:
            found.append((connection.execute(restated).fetchall(), copy.kpis()))
    assert found[0] == found[1]
    with open_published(edge_cases.marts) as connection:
        corrected = "select count(*) from marts.mart_restatements where corrections <> 0"
        assert connection.execute(corrected).fetchall() != [(0,)]


@held(DAMAGED)
@thorough
@pytest.mark.parametrize("damage", ["empty", "scribbled on"])
def test_a_run_mends_it(edge_cases: Copy, damage: str) -> None:
    kpis = edge_cases.kpis()
    DAMAGES[damage](edge_cases.marts)
    without_parquet(edge_cases)
    done = edge_cases.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "mart_restatements is without its numbers" in done.stderr
    assert edge_cases.kpis() == kpis


@held(DISPENSABLE)
@thorough
def test_a_run_without_docs_and_logs_publishes(edge_cases: Copy) -> None:
    for name in ("audit", "logs"):
        shutil.rmtree(edge_cases.data / name)
        (edge_cases.data / name).touch()
    done = edge_cases.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no log is kept" in done.stderr
    assert "the Data Docs stay as they were" in done.stderr


@held(FULL_DISK)
@thorough
def test_a_run_on_a_full_disk_says_so_and_leaves_what_was_published(
    mountable: None, edge_cases: Copy
) -> None:
    paths = CompanyPaths(edge_cases.data)
    run_id = paths.published.resolve().name
    before = paths.publications.rename(paths.root / "before")
    with small_disk(paths.publications, "40m"):
        shutil.copytree(before, paths.publications, dirs_exist_ok=True)
        filler = fill(paths.publications)
        os.truncate(filler, filler.stat().st_size - 3 * 1024 * 1024)
        done = edge_cases.run("--force")
        assert done.returncode == 2
        assert "the publication could not be written" in done.stderr
        assert "Traceback" not in done.stderr
        assert poll(paths.published) == run_id
