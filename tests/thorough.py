"""What repeats a proof on more seeds or moments: run with SALESOPS_THOROUGH=1."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import pytest

IS_THOROUGH = bool(os.environ.get("SALESOPS_THOROUGH"))

thorough = pytest.mark.skipif(
    not IS_THOROUGH, reason="repeats a proof at length: set SALESOPS_THOROUGH=1 to run it"
)


def at_length(cases: Iterable[Any], *always: Any) -> list[Any]:
    """The cases of a test as its parameters: those that are not `always` run at length only."""
    return [one if one in always else pytest.param(one, marks=thorough) for one in cases]
