"""A reader that polls what is published, as a BI tool does: with nothing of salesops but files.

It resolves the link `published` once a poll, and reads all that it needs below what that led to.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE, Popen

import duckdb

from ingestion.paths import PROJECT

PAUSE_SECONDS = 0.01
"""Between two polls, and between two looks at what a reader has told."""


@dataclass(frozen=True)
class Polls:
    """What a reader has told: a line per poll, a run's id or what was wrong."""

    file: Path

    @property
    def count(self) -> int:
        return len(self._lines())

    @property
    def failures(self) -> list[str]:
        return [line for line in self._lines() if not line.startswith("run ")]

    @property
    def runs(self) -> list[str]:
        """The runs that were seen, each once, in order."""
        return list(dict.fromkeys(line.removeprefix("run ") for line in self._lines()))

    def wait_for(self, more: int) -> None:
        """Wait until some more polls were made."""
        wanted = self.count + more
        while self.count < wanted:
            time.sleep(PAUSE_SECONDS)

    def _lines(self) -> list[str]:
        return self.file.read_text(encoding="utf-8").splitlines() if self.file.exists() else []


@contextmanager
def polling(published: Path, told: Path, pause: float = PAUSE_SECONDS) -> Iterator[Polls]:
    """A process that polls meanwhile, every so many seconds, and writes to a file what it finds."""
    arguments = [str(published), str(told), str(pause)]
    command = [sys.executable, "-m", "tests.faults.reader", *arguments]
    reader = Popen(command, stdin=PIPE, cwd=PROJECT)
    polls = Polls(told)
    try:
        polls.wait_for(1)
        yield polls
        polls.wait_for(2)
        reader.communicate()
        assert reader.returncode == 0
    finally:
        reader.kill()
        reader.wait()


def poll(published: Path) -> str:
    """The run whose numbers a reader finds; raises what a reader would stumble over."""
    folder = published.resolve(strict=True)
    told = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    with duckdb.connect(str(folder / "salesops.duckdb"), read_only=True) as connection:
        [inside] = connection.execute("select run_id from marts.publication").fetchall()
        rows = {
            table: _one(connection, f'select count(*) from marts."{table}"')
            for table in told["row_counts"]
        }
        exported = {
            table: _one(connection, f"select count(*) from '{folder}/parquet/{table}.parquet'")
            for table in told["row_counts"]
        }
        beside = _one(connection, f"select run_id from '{folder}/parquet/publication.parquet'")
    assert {told["run_id"], inside[0], beside, folder.name} == {folder.name}, "of several runs"
    assert told["row_counts"] == rows == exported, "not whole"
    return folder.name


def _one(connection: duckdb.DuckDBPyConnection, sql: str) -> object:
    [(value,)] = connection.execute(sql).fetchall()
    return value


def _main(published: Path, told: Path, pause: float) -> None:
    """Poll until the standard input is closed."""
    import select

    with told.open("a", encoding="utf-8", buffering=1) as file:
        while not select.select([sys.stdin], [], [], pause)[0]:
            try:
                file.write(f"run {poll(published)}\n")
            except Exception as error:
                file.write(f"{type(error).__name__}: {error}".replace("\n", " ") + "\n")


if __name__ == "__main__":
    _main(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]))
