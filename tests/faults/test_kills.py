"""A hundred runs killed while a reader polls; a twin that never was attacked has the same numbers.

Before each run something new is told. A run is killed at each rename that it makes, in whatever
library, and at random moments.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from tests.conftest import Publish
from tests.faults.attacks import Figures, held, killed_at
from tests.faults.reader import Polls, polling
from tests.faults.test_publish import KILLED
from tests.orchestration.copies import Copy
from tests.thorough import thorough

pytestmark = thorough

KILLS = int(os.environ.get("SALESOPS_KILLS", "100"))
"""Kills at random moments make up the number."""
CALL = "news-{0},call,out,{1} 17:30:00,aiko,ordinary_won_1,,,tama,900,connected,\n"
TO_COME, PAST = "2026-06-01", "2025-02-13"
"""Days after and before the moment that counts as now."""
SEED = 11


@dataclass
class Victim:
    """A company whose runs are killed, and a twin that is told the same."""

    copy: Copy
    twin: Copy
    polls: Polls
    told: int = 0
    kills: int = 0

    def tell(self) -> None:
        """Tell both of a call; the last ones are of the past, which a run then builds again."""
        self.told += 1
        day = TO_COME if self.kills < 0.9 * KILLS else PAST
        for copy in (self.copy, self.twin):
            with copy.export("activities.csv").open("a", encoding="utf-8") as file:
                file.write(CALL.format(self.told, day))

    def killed_at(self, call: str, number: int) -> bool:
        """Run and be killed at a call; whether the run made so many."""
        self.tell()
        done = self.copy.run(tampered=killed_at(call, number))
        return self._is_killed(done.returncode, done.stderr)

    def killed_after(self, seconds: float) -> bool:
        """Run and be killed after a time; whether the run took so long."""
        self.tell()
        with self.copy.started() as run:
            run.process.join(seconds)
            if run.process.is_alive():
                run.signal(signal.SIGKILL)
            done = run.end()
        return self._is_killed(done.returncode, done.stderr)

    def _is_killed(self, status: int, errors: str) -> bool:
        assert status in (0, -signal.SIGKILL), errors
        self.kills += status != 0
        return status != 0

    def seconds(self) -> float:
        """How long a run takes that is let alone."""
        self.tell()
        started = time.monotonic()
        done = self.copy.run()
        assert done.returncode == 0, done.stdout + done.stderr
        return time.monotonic() - started


@pytest.fixture
def victim(published: Publish, tmp_path: Path) -> Iterator[Victim]:
    copies = [Copy.of(published("edge_cases"), tmp_path / name) for name in ("victim", "twin")]
    with polling(copies[0].data / "published", tmp_path / "told", pause=0.1) as polls:
        yield Victim(*copies, polls)


def loaded(copy: Copy) -> Counter[str]:
    """How often finished loads have each of the activities."""
    with duckdb.connect(copy.data / "warehouse.duckdb", read_only=True) as connection:
        found = connection.execute(
            """select source_id from raw_files.activities where _dlt_load_id in (
                select load_id from raw_files._dlt_loads where status = 0)"""
        ).fetchall()
    return Counter(source_id for (source_id,) in found)


@held(KILLED)
def test_nothing_is_lost_doubled_or_missed_by_a_reader(victim: Victim, figures: Figures) -> None:
    for call in ("os:rename", "os:replace", "os:symlink"):
        number = 1
        while victim.killed_at(call, number):
            number += 1
    seconds = victim.seconds()
    moments = random.Random(SEED)
    while victim.kills < KILLS:
        victim.killed_after(moments.uniform(0, seconds))
    for copy in (victim.copy, victim.twin):
        done = copy.run("--force")
        assert done.returncode == 0, done.stdout + done.stderr

    found, wanted = loaded(victim.copy), loaded(victim.twin)
    figures.add(
        kills=victim.kills,
        polls=victim.polls.count,
        failed_polls=len(victim.polls.failures),
        lost=(wanted - found).total(),
        doubled=(found - wanted).total(),
    )
    assert victim.polls.failures == []
    assert found == wanted
    assert victim.copy.kpis() == victim.twin.kpis()
    assert len(list((victim.copy.data / "publications").iterdir())) <= 3
