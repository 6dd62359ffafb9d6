"""What repeats a proof on more seeds or moments: run with SALESOPS_THOROUGH=1."""

from __future__ import annotations

import os

import pytest

IS_THOROUGH = bool(os.environ.get("SALESOPS_THOROUGH"))

thorough = pytest.mark.skipif(
    not IS_THOROUGH, reason="repeats a proof at length: set SALESOPS_THOROUGH=1 to run it"
)
