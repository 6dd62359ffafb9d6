"""How special boards look: few colours, each with one meaning, and numbers written at the marks.

The colours are Okabe and Ito's, told apart by people of all kinds of sight and seen on white as on
black. None says anything that words, signs or places do not say as well. Words within pictures have
no colour of their own: the page's is right in light and in dark.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dagster_project.dashboard.special.model import Spec

if TYPE_CHECKING:
    import altair as alt

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
BLUE = "#0072b2"
SKY = "#56b4e9"
GREEN = "#009e73"
AMBER = "#e69f00"
RED = "#d55e00"
PURPLE = "#8f2d56"
GREY = "#808080"
INK = "var(--ink, #444444)"
"""The page's own colour of words."""
BAND = 28
"""Height of one bar with the room about it."""
TALL = 46
"""That of one with its name above."""
LOWER = 9
"""How far below a band's middle that is which has its name above."""
LABELS = 170
"""Width that a name beside a bar may take; a longer one is cut, and whole in the table."""


def rows_by_name(down: alt.Y) -> alt.Chart:
    """A picture of the board's rows, which the page hands in by name, one band for each name."""
    import altair as alt

    return alt.Chart(alt.NamedData("rows")).encode(down)


def finished(*layers: alt.Chart, band: int = BAND) -> Spec:
    """The specification of what is drawn one upon the other, as wide as its place."""
    return {
        "$schema": SCHEMA,
        "data": {"name": "rows"},
        "layer": [_layer(layer) for layer in layers],
        "width": "container",
        "height": {"step": band},
        "autosize": {"type": "fit-x", "contains": "padding"},
    }


def _layer(chart: alt.Chart) -> Spec:
    layer: Spec = chart.to_dict(validate=False, context={"top_level": False})
    return {key: part for key, part in layer.items() if key not in ("data", "config", "$schema")}


def money(number: str, signed: bool = False) -> str:
    """The expression of a sum of money in a few characters; what is NULL is not known."""
    sign = "+" if signed else ""
    short = f"replace(replace(format({number}, '{sign}$.3~s'), 'G', 'B'), 'k', 'K')"
    digits = f"abs({number}) < 10 && {number} !== 0 ? '{sign}$,.2f' : '{sign}$,.0f'"
    long = f"format({number}, {digits})"
    return f"!isValid({number}) ? 'not known' : abs({number}) < 1000 ? {long} : {short}"


def share(number: str, digits: int = 0) -> str:
    """The expression of a share of 1."""
    return f"!isValid({number}) ? 'not known' : format({number}, '.{digits}%')"


def amount(number: str, unit: str) -> str:
    """The expression of a number of that unit of `kpi_values`."""
    if unit.startswith("money"):
        return money(number)
    if unit == "ratio":
        return share(number, 1)
    few = f"format({number}, abs({number}) < 100 ? ',.3~r' : ',.0f')"
    return f"!isValid({number}) ? 'not known' : {few}"


def month(day: str) -> str:
    """The expression of the month that begins on an ISO day."""
    return f"utcFormat(toDate({day}), '%b %Y')"


def period(day: str, grain: str) -> str:
    """The expression of the month, (fiscal) quarter or year that begins on an ISO day."""
    starts = f"toDate({day})"
    if grain == "month":
        return month(day)
    months = 2 if grain == "quarter" else 11
    # The last month's first day, by calendar: months do not have as many days as one another.
    last = f"utc(utcyear({starts}), utcmonth({starts}) + {months}, 1)"
    return f"utcFormat({starts}, '%b %Y') + ' – ' + utcFormat({last}, '%b %Y')"


def money_axis(**more: Any) -> alt.Axis:
    """An axis of money, which has few ticks: the numbers are at the marks."""
    import altair as alt

    return alt.Axis(
        title=None,
        format="$~s",
        labelExpr=money("datum.value"),
        tickCount=4,
        labelFlush=True,
        labelOverlap="greedy",
        labelSeparation=8,
        **more,
    )


def unit_axis(unit: str) -> alt.Axis:
    """An axis of a unit of `kpi_values`."""
    import altair as alt

    if unit.startswith("money"):
        return money_axis()
    percent: Any = {"format": ".0%"} if unit == "ratio" else {"format": ",~r"}
    return alt.Axis(
        title=None,
        tickCount=4,
        labelFlush=True,
        labelOverlap="greedy",
        labelSeparation=8,
        **percent,
    )


def across(field: str, unit: str, right: int = 0, left: int = 0) -> alt.X:
    """Where something is from left to right, with so much room beside it for words."""
    import altair as alt

    room: Any = [left, {"expr": f"width - {right}"}]
    return alt.X(
        field,
        axis=unit_axis(unit),
        scale=alt.Scale(zero=True, range=room),
        stack="zero" if "(" in field else None,
    )


def hidden(field: str, order: Sequence[Any]) -> alt.Y:
    """Bands in the order of the business, whose names are written above them."""
    import altair as alt

    return alt.Y(f"{field}:N", sort=list(order), axis=None)


def names(field: str, order: Sequence[Any] | None, label: str | None = None) -> alt.Y:
    """The rows' names down the left side, in the order of the business."""
    import altair as alt

    more: Any = {"labelExpr": label} if label else {}
    axis = alt.Axis(
        title=None, labelLimit=LABELS, ticks=False, domain=False, labelPadding=6, **more
    )
    return alt.Y(f"{field}:N", sort=list(order) if order is not None else None, axis=axis)


def above(base: alt.Chart, field: str) -> alt.Chart:
    """Long names above their bars, as wide as the picture."""
    import altair as alt

    return base.mark_text(
        align="left", x=0, yOffset=-11, limit={"expr": "width"}, fontWeight="bold"
    ).encode(alt.Text(f"{field}:N"))


def legend(columns: int | None = None) -> alt.Legend:
    """What colours and forms mean, above the picture.

    In as many columns as there is room for, unless said: beside names on the left Vega knows the
    room too late.
    """
    import altair as alt

    fitting: Any = columns or {"expr": "max(1, floor(width / 165))"}
    return alt.Legend(
        title=None, orient="top", symbolOpacity=1, columns=fitting, labelLimit=220, offset=8
    )


def meaning(field: str, colours: dict[str, str], columns: int | None = None) -> alt.Color:
    """The colours by what they mean."""
    import altair as alt

    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    return alt.Color(f"{field}:N", scale=scale, legend=legend(columns))


def shapes(field: str, forms: dict[str, str]) -> alt.Shape:
    """The forms by what they mean, which the colours mean, too."""
    import altair as alt

    scale = alt.Scale(domain=list(forms), range=list(forms.values()))
    return alt.Shape(f"{field}:N", scale=scale, legend=legend())


def unique(values: Sequence[Any]) -> list[Any]:
    """Each value once, in the order of its first appearance."""
    return list(dict.fromkeys(values))
