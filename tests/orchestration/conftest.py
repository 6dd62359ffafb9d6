"""A published copy of the edge-case company, shared by the tests of a module."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.orchestration.copies import Copy


@pytest.fixture(scope="module")
def published_copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """A copy that has been run once."""
    copy = Copy.make(tmp_path_factory.mktemp("copy"))
    done = copy.run()
    assert done.returncode == 0, done.stdout + done.stderr
    return copy


@pytest.fixture
def copy(published_copy: Copy) -> Iterator[Copy]:
    """The published copy; what the test does to its files is undone."""
    folder = published_copy.file.parent
    kept = published_copy.root / "kept"
    shutil.copytree(folder, kept)
    yield published_copy
    shutil.rmtree(folder)
    kept.rename(folder)


@pytest.fixture
def new_copy(tmp_path: Path) -> Copy:
    """A copy that has never been run."""
    return Copy.make(tmp_path)
