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

BLUE = "#0072b2"
SKY = "#56b4e9"
GREEN = "#009e73"
AMBER = "#e69f00"
RED = "#d55e00"
GREY = "#808080"
BAND = 28
"""Height of one bar with the room about it."""
LABELS = 170
"""Width that a name beside a bar may take; a longer one is cut, and whole in the table."""


def rows_by_name(down: alt.Y) -> alt.Chart:
    """A picture of the board's rows, which the page hands in by name, one band for each name."""
    import altair as alt

    return alt.Chart(alt.NamedData("rows")).encode(down)


def finished(chart: alt.TopLevelMixin, height: int | None = None) -> Spec:
    """The specification: as wide as its place, as high as its bands or as said."""
    spec: Spec = chart.to_dict(validate=False)
    spec.pop("config", None)
    spec |= {"width": "container", "height": height or {"step": BAND}}
    spec |= {"autosize": {"type": "fit-x", "contains": "padding"}}
    return spec


def money(number: str, signed: bool = False) -> str:
    """The expression of a sum of money in a few characters; what is NULL is not known."""
    sign = "+" if signed else ""
    short = f"replace(replace(format({number}, '{sign}$.3~s'), 'G', 'B'), 'k', 'K')"
    return f"!isValid({number}) ? 'not known' : abs({number}) < 1000 ? format({number}, '{sign}$,.0f') : {short}"


def share(number: str, digits: int = 0) -> str:
    """The expression of a share of 1."""
    return f"!isValid({number}) ? 'not known' : format({number}, '.{digits}%')"


def amount(number: str, unit: str) -> str:
    """The expression of a number of that unit of `kpi_values`."""
    if unit.startswith("money"):
        return money(number)
    if unit == "ratio":
        return share(number, 1)
    return f"!isValid({number}) ? 'not known' : format({number}, ',.3~r')"


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
        **more,
    )


def unit_axis(unit: str) -> alt.Axis:
    """An axis of a unit of `kpi_values`."""
    import altair as alt

    if unit.startswith("money"):
        return money_axis()
    percent = {"format": ".0%"} if unit == "ratio" else {"format": ",~r"}
    return alt.Axis(title=None, tickCount=4, labelFlush=True, **percent)


def across(field: str, unit: str, right: int = 0, left: int = 0) -> alt.X:
    """Where something is from left to right, with so much room beside it for words."""
    import altair as alt

    room = {"range": [left, {"expr": f"width - {right}"}]}
    return alt.X(
        field,
        axis=unit_axis(unit),
        scale=alt.Scale(zero=True, **room),
        stack="zero" if "(" in field else None,
    )


def names(field: str, order: Sequence[Any] | None, label: str | None = None) -> alt.Y:
    """The rows' names down the left side, in the order of the business."""
    import altair as alt

    more = {"labelExpr": label} if label else {}
    axis = alt.Axis(
        title=None, labelLimit=LABELS, ticks=False, domain=False, labelPadding=6, **more
    )
    return alt.Y(f"{field}:N", sort=list(order) if order is not None else None, axis=axis)


def legend(columns: int = 0) -> alt.Legend:
    """What the colours mean, above the picture."""
    import altair as alt

    return alt.Legend(title=None, orient="top", symbolOpacity=1, columns=columns, labelLimit=220)


def meaning(field: str, colours: dict[str, str], columns: int = 0) -> alt.Color:
    """The colours by what they mean."""
    import altair as alt

    scale = alt.Scale(domain=list(colours), range=list(colours.values()))
    return alt.Color(f"{field}:N", scale=scale, legend=legend(columns))


def unique(values: Sequence[Any]) -> list[Any]:
    """Each value once, in the order of its first appearance."""
    return list(dict.fromkeys(values))
