"""The waterfall: how a sum came from its opening to its closing, by signed steps."""

from __future__ import annotations

from dagster_project.dashboard.special.look import (
    BLUE,
    GREEN,
    GREY,
    RED,
    across,
    finished,
    meaning,
    money,
    names,
    rows_by_name,
    unique,
)
from dagster_project.dashboard.special.model import Rows, Spec

KINDS = {"total": GREY, "in": BLUE, "won": GREEN, "out": RED}
"""`kind` of a row by its colour. What is won leaves a pipeline, too, and is good."""


def waterfall(rows: Rows) -> Spec:
    """The picture of rows with `label`, `kind`, `position`, `amount`, `from_amount`, `to_amount`.

    The bars lie between the two sums; where they are NULL, nobody knows where, and words say so.
    Steps of 0 are only in the table.
    """
    import altair as alt

    drawn = [row for row in rows if row["kind"] == "total" or row["amount"] != 0]
    base = (
        rows_by_name(names("label", unique([row["label"] for row in drawn])))
        .transform_filter("datum.kind === 'total' || datum.amount !== 0")
        .transform_window(next="lead(label)", sort=[alt.SortField("position")])
        .transform_calculate(
            at="isValid(datum.to_amount) && isValid(datum.from_amount)"
            " ? max(datum.from_amount, datum.to_amount) : 0",
            text=f"datum.kind === 'total' ? ({money('datum.amount')})"
            f" : ({money('datum.amount', signed=True)})",
        )
    )
    placed = base.transform_filter("isValid(datum.to_amount) && isValid(datum.from_amount)")
    lines = (
        placed.transform_filter("isValid(datum.next)")
        .mark_rule(strokeDash=[2, 2], strokeOpacity=0.6)
        .encode(across("to_amount:Q", "money", right=80), alt.Y2("next:N"))
    )
    shown = {
        kind: colour for kind, colour in KINDS.items() if any(r["kind"] == kind for r in drawn)
    }
    bars = placed.mark_bar(height=18).encode(
        across("from_amount:Q", "money", right=80),
        alt.X2("to_amount"),
        meaning("kind", shown, columns=4),
        tooltip=[
            alt.Tooltip("label:N", title="Step"),
            alt.Tooltip("amount:Q", title="Amount", format="+$,.2f"),
            alt.Tooltip("to_amount:Q", title="After it", format="$,.2f"),
        ],
    )
    words = base.mark_text(align="left", dx=6).encode(
        across("at:Q", "money", right=80), alt.Text("text:N")
    )
    return finished(lines, bars, words)
