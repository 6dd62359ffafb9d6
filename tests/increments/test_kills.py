"""An increment that dies between any two models: the next run gives what a whole build does."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ingestion.company.reading import load_company
from tests.increments.days import Build, Days
from tests.increments.story import Story
from tests.runs import IMPORTED
from tests.thorough import thorough

SEED = 5
AFTER = range(1, 100, 9)
"""Models that are made before."""


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("kills")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SALESOPS_DATA", str(folder / "data"))
        yield Story.begun(SEED, folder)


@thorough
@pytest.mark.parametrize("after", AFTER)
def test_a_killed_build_is_made_good(story: Story, after: int) -> None:
    story.pass_time("busy day")
    build = story.plan()
    assert build.is_increment
    kill(story.folder / "company.yml", build, after)
    found = story.step("quiet day")
    assert not found, "\n".join([*story.told, *map(str, found)])


def kill(company: Path, build: Build, after: int) -> None:
    """Build in a process that is killed without warning when so many models are made."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*IMPORTED])
    process = context.Process(target=_die, args=(company, dict(os.environ), build, after))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL


def _die(company: Path, environment: Mapping[str, str], build: Build, after: int) -> None:
    os.environ.update(environment)
    made: list[dict[str, Any]] = []

    def on_result(result: dict[str, Any]) -> None:
        made.append(result)
        if len(made) == after:
            os.kill(os.getpid(), signal.SIGKILL)

    Days(lambda: load_company(company), company.parent).build(build, on_result)
