"""The tables of `raw_meta_ads`: those of all platforms, and conversions by attribution window."""

from __future__ import annotations

from collections.abc import Mapping

from ingestion.contract.columns import Column, Entity
from ingestion.sources.ads.tables import DESCRIPTIONS as DESCRIPTIONS
from ingestion.sources.ads.tables import tables_with
from ingestion.sources.meta_ads.settings import WINDOWS

_WORDS = {
    "1d_click": "within a day of a click",
    "7d_click": "within 7 days of a click",
    "28d_click": "within 28 days of a click",
    "1d_view": "within a day of a view without a click",
}
TABLES = tables_with(
    *(
        Column(f"conversions_{window}", "number", f"Conversions {_WORDS[window]}.")
        for window in WINDOWS
    )
)
"""Columns of every table. Rows are versions, and only ever appended."""


def tables_of(entities: Mapping[str, Entity]) -> Mapping[str, tuple[Column, ...]]:
    """The tables, whatever columns a company adds: Meta has no others."""
    return TABLES
