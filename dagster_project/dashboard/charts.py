"""The charts of the KPI boards, as Vega-Lite has them; the page gives them their rows.

Colours are the page's own (`var(--…)`), so that one drawing serves light, dark and paper.
"""

from __future__ import annotations

from typing import Any

Spec = dict[str, Any]
SERIES = [f"var(--series-{number})" for number in range(1, 7)]
"""The colours of series; each has dashes and points of its own, too."""
DASHES = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [4, 1], [1, 3]]
SHAPES = ["circle", "square", "triangle-up", "diamond", "triangle-down", "cross"]


def trend() -> Spec:
    """A line per key over periods; what has yet to change is hollow, a target is a tick.

    Of a row: `at` (a moment in milliseconds), `key`, `value`, `target`, `is_hollow`, and
    `is_joined`, whether the line goes through it.
    """
    key = {"field": "key", "type": "nominal", "title": None, "sort": None}
    legend = {"orient": "top", "symbolSize": 80, "labelLimit": 150, "columns": 3}
    x = {
        "field": "at",
        "type": "temporal",
        "scale": {"type": "utc"},
        "title": None,
        "axis": {"formatType": "period", "labelOverlap": "greedy", "grid": False},
    }
    y = {
        "field": "value",
        "type": "quantitative",
        "title": None,
        "axis": {"formatType": "figure", "tickCount": 4, "domain": False, "ticks": False},
    }
    return {
        **_frame(),
        "height": 190,
        "encoding": {
            "x": x,
            "color": {**key, "scale": {"range": SERIES}, "legend": None},
            "strokeDash": {**key, "scale": {"range": DASHES}, "legend": None},
            "tooltip": {"field": "told"},
        },
        "layer": [
            {
                "transform": [{"filter": "datum.is_joined"}],
                "mark": {"type": "line", "strokeWidth": 2},
                "encoding": {"y": y, "tooltip": {"value": None}},
            },
            {
                "transform": [{"filter": "isValid(datum.value)"}],
                "mark": {
                    "type": "point",
                    "size": 28,
                    "opacity": 1,
                    "strokeWidth": 1.5,
                    "tooltip": True,
                },
                "encoding": {
                    "y": y,
                    "shape": {**key, "scale": {"range": SHAPES}, "legend": legend},
                    "strokeDash": {"value": [1, 0]},
                    "fill": {
                        **key,
                        "condition": {"test": "datum.is_hollow", "value": "var(--card)"},
                        "scale": {"range": SERIES},
                        "legend": legend,
                    },
                },
            },
            _target({"y": {**y, "field": "target"}}, size=14),
        ],
    }


def bars() -> Spec:
    """A bar per key in the rows' order, with its number at the end; a target is a tick.

    Of a row: `key`, `value`, `text`, `target`, and `is_few`: it rests on few records.
    """
    x = {"field": "value", "type": "quantitative", "title": None, "axis": None}
    axis = {"labelLimit": 150, "domain": False, "ticks": False, "labelPadding": 8}
    return {
        **_frame(),
        "height": {"step": 28},
        "encoding": {
            "y": {"field": "key", "type": "nominal", "sort": None, "title": None, "axis": axis},
            "tooltip": {"field": "told"},
        },
        "layer": [
            {
                "mark": {"type": "bar", "color": SERIES[0], "height": 14, "cornerRadiusEnd": 2},
                "encoding": {
                    "x": {**x, "scale": {"padding": 56}},
                    "opacity": {"condition": {"test": "datum.is_few", "value": 0.45}, "value": 1},
                },
            },
            {
                "mark": {"type": "text", "align": "left", "dx": 6, "color": "var(--ink)"},
                "encoding": {"x": x, "text": {"field": "text"}},
            },
            _target({"x": {**x, "field": "target"}}, size=20),
        ],
    }


def _frame() -> Spec:
    return {
        "data": {"name": "rows"},
        "width": "container",
        "autosize": {"type": "fit-x", "contains": "padding"},
    }


def _target(encoding: Spec, size: int) -> Spec:
    return {
        "transform": [{"filter": "isValid(datum.target)"}],
        "mark": {"type": "tick", "thickness": 2, "size": size},
        "encoding": {
            **encoding,
            "color": {"value": "var(--target)"},
            "strokeDash": {"value": [1, 0]},
        },
    }
