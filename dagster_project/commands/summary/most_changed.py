"""Which headlines have changed most, beside how they usually change."""

from __future__ import annotations

import datetime as dt
import math
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from dagster_project.commands.summary.kpis import change, complete_periods, shown
from dagster_project.numbers.headlines import (
    MATURING,
    Block,
    Figure,
    Figures,
    Period,
    blocks,
    headline,
    headlines,
)
from dagster_project.numbers.untold import ALL_TOLD, Untold

SHOWN = 3
LEAST_RECORDS = 10
"""Of fewer on either side a change says nothing."""
CHANGES = 12
LEAST_CHANGES = 6
"""How many changes before are looked at, and of how few one cannot tell what is usual."""
LEAST_SCATTER = 0.005
"""Half a percent, or half a point: what hardly ever moves would else make news of a trifle."""
UNUSUAL, BY_CHANCE = 2, 3
"""From so many times its usual scatter a change is told; up to so many it may well be chance: some
twenty headlines are looked at."""


@dataclass(frozen=True)
class Change:
    """A headline's last complete period beside the one before.

    `usual` is its mean change from period to period before, as a difference of ratios or a share;
    `scatters` how many times their usual scatter the change lies from that.
    """

    name: str
    period: Period
    figure: Figure
    before: Figure
    usual: float
    scatters: float

    def told(self) -> str:
        """The change, and how usual it is, in words."""
        is_ratio = self.figure.unit == "ratio"
        usual = f"{100 * self.usual:+.1f} pt" if is_ratio else f"{self.usual:+.1%}"
        return (
            f"{self.name} {shown(self.figure)} in {self.period.label}, "
            f"{change(self.figure, self.before)} on {self.period.previous.label}, usually {usual}: "
            f"{self.scatters:.1f} × the usual scatter "
            f"({self.figure.n_included:,} and {self.before.n_included:,} records)"
        )


def most_changed(
    figures: Figures, moment: dt.datetime, untold: Untold = ALL_TOLD
) -> tuple[str, list[str]]:
    """What is said of what changed most, and a sentence on each such headline.

    Each is judged by its last complete month; where that, or too many of the months before it, has
    too few records, or rests on what is not all told, by its last complete quarter.
    """
    found = [it for block in blocks(figures) for it in _changes(figures, block, moment, untold)]
    if not found:
        said = (
            f"What changed most nobody can say: it takes {LEAST_RECORDS} records a month or "
            f"quarter, in {LEAST_CHANGES + 2} of them in a row."
        )
        return said, []
    told = sorted((it for it in found if it.scatters >= UNUSUAL), key=lambda it: -it.scatters)
    if not told:
        judged = f"{len(found)} had enough records to judge"
        return f"No headline changed by over {UNUSUAL} × its usual scatter: {judged}.", []
    said = (
        "Changed most, in multiples of the usual scatter of a headline's own changes "
        f"(up to {BY_CHANCE} may be chance):"
    )
    return said, [it.told() for it in told[:SHOWN]]


def _changes(
    figures: Figures, block: Block, moment: dt.datetime, untold: Untold
) -> Iterator[Change]:
    periods = complete_periods(figures, block, moment)
    for metric, name in headlines(figures, block).items():
        if metric not in MATURING:
            judged = (
                _change(figures, metric, name, period)
                for period in periods
                if not untold.of(metric, period.grain, period.start)
            )
            if found := next((it for it in judged if it), None):
                yield found


def _change(figures: Figures, metric: str, name: str, period: Period) -> Change | None:
    steps = list(_steps(figures, metric, period))
    if len(steps) <= LEAST_CHANGES:
        return None
    last, *usual = steps
    scatter = max(statistics.stdev(usual), LEAST_SCATTER) * math.sqrt(1 + 1 / len(usual))
    figure = headline(figures, metric, period.grain, period.start)
    before = headline(figures, metric, period.grain, period.previous.start)
    assert figure
    assert before
    mean = statistics.fmean(usual)
    usually = mean if figure.unit == "ratio" else math.expm1(mean)
    return Change(name, period, figure, before, usually, abs(last - mean) / scatter)


def _steps(figures: Figures, metric: str, period: Period) -> Iterator[float]:
    """The changes from period to period, the last one first, as far back as they can be told.

    Differences of ratios, of all else those of logarithms: twice is as far as half.
    """
    values = _values(figures, metric, period)
    for now, before in pairwise(values):
        yield now - before


def _values(figures: Figures, metric: str, period: Period) -> Iterator[float]:
    for _ in range(CHANGES + 2):
        figure = headline(figures, metric, period.grain, period.start)
        if figure is None or figure.value is None or figure.n_included < LEAST_RECORDS:
            return
        if figure.unit == "ratio":
            yield figure.value
        elif figure.value > 0:
            yield math.log(figure.value)
        else:
            return
        period = period.previous
