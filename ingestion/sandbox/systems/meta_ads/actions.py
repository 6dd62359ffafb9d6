"""What people did after an ad: actions by type, and by the window in which an ad is credited.

The world's conversions are those of the default setting, seven days after a click and one after a
view. They are split among the windows row by row of the world, so that whatever is added up of them
is split alike: 1d_click <= 7d_click <= 28d_click, and 7d_click + 1d_view = the world's.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from ingestion.sandbox.world.calendar import Ints

WINDOWS = ("1d_click", "7d_click", "28d_click", "1d_view")
"""The windows that can be asked for; those of seven and 28 days after a view are no more."""
CLICK_WINDOWS = WINDOWS[:3]
CONVERSION_TYPES = ("lead", "offsite_conversion.fb_pixel_lead")
"""The same leads twice: all of them, and those that the pixel saw, which here are all."""
LINK_CLICK = "link_click"


def split(conversions: Ints, values: Ints, kind: Ints) -> dict[str, Ints]:
    """Conversions and their values by window (`value_<window>`), row by row; none is below 0.

    `kind` varies the shares.
    """
    view = (conversions + kind % 3) // 3
    week = conversions - view
    day = (week * 3 + kind % 2 * 2) // 5
    later = (week + kind % 4) // 4
    value_view = values * view // np.maximum(conversions, 1)
    value_week = values - value_view
    return {
        "1d_click": day,
        "7d_click": week,
        "28d_click": week + later,
        "1d_view": view,
        "value_1d_click": value_week * day // np.maximum(week, 1),
        "value_7d_click": value_week,
        "value_28d_click": value_week + values * later // np.maximum(conversions, 1),
        "value_1d_view": value_view,
    }


def actions(
    figures: Mapping[str, int], windows: Sequence[str], types: Collection[str]
) -> list[dict[str, str]]:
    """Counts by type, as `actions` has them; types of which there was nothing are left out."""
    found = [
        _stat(kind, figures["conversions"], {w: figures[w] for w in windows}, str)
        for kind in CONVERSION_TYPES
        if kind in types and _any(figures["conversions"], figures, windows)
    ]
    links = figures["link_clicks"]
    if links and LINK_CLICK in types:
        shown = {window: links for window in windows if window in CLICK_WINDOWS}
        found.append(_stat(LINK_CLICK, links, shown, str))
    return found


def action_values(
    figures: Mapping[str, int], windows: Sequence[str], types: Collection[str]
) -> list[dict[str, str]]:
    """The money behind the actions, in the account's currency, as `action_values` has it."""
    values = {window: figures[f"value_{window}"] for window in windows}
    total = figures["conversion_value"]
    return [
        _stat(kind, total, values, money)
        for kind in CONVERSION_TYPES
        if kind in types and (total or any(values.values()))
    ]


def money(cents: int) -> str:
    """Hundredths as Meta writes money: no more digits than needed."""
    text = f"{Decimal(cents).scaleb(-2):f}"
    return text.rstrip("0").rstrip(".")


def _any(total: int, figures: Mapping[str, int], windows: Sequence[str]) -> bool:
    return bool(total or any(figures[window] for window in windows))


def _stat(kind: str, total: int, windows: Mapping[str, int], text: Any) -> dict[str, str]:
    """One entry: windows in which nothing happened are left out."""
    shown = {window: text(count) for window, count in windows.items() if count}
    return {"action_type": kind, "value": text(total), **shown}
