"""No join of models and tests outgrows the data."""

from __future__ import annotations

from tests.conftest import Publish
from tests.joins import of_all_pairs


def test_no_join_compares_all_pairs_of_rows(published: Publish) -> None:
    assert of_all_pairs(published("edge_cases")) == {}
