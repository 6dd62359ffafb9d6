"""Great Expectations is spared work, and judges as it would."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from expectations.lean import configured_once, load_when_used


def test_a_module_is_loaded_once_it_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "rarely_used"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "slow.py").write_text("from pathlib import Path\nPath(__file__ + '.loaded').touch()")
    loaded = package / "slow.py.loaded"
    monkeypatch.syspath_prepend(tmp_path)
    load_when_used("rarely_used.slow")
    slow = importlib.import_module("rarely_used").slow
    assert not loaded.exists()
    assert slow.Path is Path
    assert loaded.exists()
    load_when_used("rarely_used.slow")
    assert sys.modules["rarely_used.slow"] is slow


def test_an_expectation_makes_its_configuration_once() -> None:
    from great_expectations.expectations import ExpectColumnValuesToBeBetween

    one, other = (ExpectColumnValuesToBeBetween(column="n", min_value=least) for least in (1, 2))
    before = one.configuration
    assert one.configuration is not before
    with configured_once():
        assert one.configuration is one.configuration
        assert one.configuration == before
        assert other.configuration.kwargs == {"column": "n", "min_value": 2}
    assert one.configuration is not before
