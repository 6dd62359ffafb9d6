"""The bench's other way to the pipeline: one row per open deal and day."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_project.bench.models import EXPLODED, MODELS, RESTS_ON, compare
from tests.conftest import Publish


def test_exploding_gives_the_rows_of_the_models(
    published: Publish,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    company = published("edge_cases").copied_to(tmp_path)
    monkeypatch.setenv("SALESOPS_DATA", str(company.folder.parent))
    compare(company.company)
    [_, *lines] = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [model for model, *_ in lines] == list(MODELS)
    compared = {model for model, _rows, _seconds, *by_exploding in lines if by_exploding}
    assert compared == {*EXPLODED, *RESTS_ON}
