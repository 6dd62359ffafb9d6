"""What a company wants to reach, as company.yml says it: goals on metrics."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from ingestion.contract.columns import Entity
from ingestion.errors import Problem, one_of
from ingestion.extension.folder import Extension
from ingestion.extension.metrics import Metric, metrics_of
from ingestion.settings import Settings

QUOTA = "quota:"
"""How the names of quotas begin, which are goals, too."""
ADVERBS = {"month": "monthly", "quarter": "quarterly", "year": "yearly"}


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise ValueError("not a number to reach")
    return number


class Goal(Settings):
    """A value of a metric that every fiscal month, quarter or year is to reach.

    `of` is the part that it is for, as {team: East}; without it the company. The periods are those
    that begin from the day `from` on, and no later than `until`.
    """

    name: str | None = Field(None, min_length=1)
    metric: str
    variant: str = "default"
    of: Mapping[str, Annotated[str, Field(min_length=1)]] = {}
    period: Literal["month", "quarter", "year"]
    target: Annotated[float, AfterValidator(_finite)]
    first_day: dt.date | None = Field(None, alias="from")
    last_day: dt.date | None = Field(None, alias="until")

    @field_validator("name")
    @classmethod
    def _no_quota(cls, name: str | None) -> str | None:
        if name and name.startswith(QUOTA):
            raise ValueError(f"the names of quotas begin with '{QUOTA}'; choose another")
        return name

    @field_validator("of")
    @classmethod
    def _one_part(cls, of: Mapping[str, str]) -> Mapping[str, str]:
        if len(of) > 1:
            raise ValueError("a goal is for one part, as {team: East}; write one goal for each")
        return of

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> Goal:
        if self.first_day and self.last_day and self.first_day > self.last_day:
            raise ValueError("'from' is after 'until': no period would be meant")
        return self

    @property
    def title(self) -> str:
        """Its name; where none is written, what it is for."""
        if self.name:
            return self.name
        variant = "" if self.variant == "default" else f" ({self.variant})"
        part = "".join(f" of {cut} {key}" for cut, key in self.of.items())
        return f"{ADVERBS[self.period]} {self.metric}{variant}{part}"

    @property
    def variables(self) -> dict[str, Any]:
        """What the models read."""
        [(dimension, key)] = self.of.items() or [("company", "all")]
        return {
            "goal": self.title,
            "metric": self.metric,
            "variant": self.variant,
            "dimension": dimension,
            "dimension_key": key,
            "period_grain": self.period,
            "target": self.target,
            "first_day": self.first_day and self.first_day.isoformat(),
            "last_day": self.last_day and self.last_day.isoformat(),
        }


def goal_problems(
    goals: Sequence[Goal], extension: Extension, entities: Mapping[str, Entity]
) -> Iterator[Problem]:
    """What is wrong with goals beyond the form of their settings."""
    metrics = metrics_of(extension, entities) if goals else {}
    for number, goal in enumerate(goals):
        key = ("goals", number)
        if goal.metric not in metrics:
            message = f"no metric; {one_of(goal.metric, metrics)}"
            yield Problem((*key, "metric"), goal.metric, message)
        else:
            for step, value, message in _misfits(goal, metrics[goal.metric]):
                yield Problem((*key, *step), value, message)
        for other in goals[:number]:
            if goal.title == other.title and _meet(goal, other):
                message = (
                    f"another goal has the name '{goal.title}' at the same time: write 'name', or "
                    "let one end ('until') before the other begins ('from')"
                )
                yield Problem(key, None, message)
                break


def _misfits(goal: Goal, metric: Metric) -> Iterator[tuple[tuple[str, ...], object, str]]:
    variant = metric.variants.get(goal.variant)
    if variant is None:
        message = f"no variant of {goal.metric}; {one_of(goal.variant, metric.variants)}"
        yield ("variant",), goal.variant, message
        return
    for cut in goal.of:
        if cut not in metric.cuts:
            allowed = one_of(cut, metric.cuts) if metric.cuts else "it has none: leave 'of' out"
            yield ("of", cut), None, f"no cut of {goal.metric}; {allowed}"
    if not variant.is_dated:
        message = f"{goal.metric} is of now: it has no {goal.period}s, and so no goals"
        yield ("period",), goal.period, message
    if variant.kind == "share" and not 0 <= goal.target <= 1:
        yield ("target",), goal.target, "a share is from 0 to 1: write 0.3 for 30%"


def _meet(goal: Goal, other: Goal) -> bool:
    """Whether a period may be meant by both."""
    for one, two in ((goal, other), (other, goal)):
        if one.last_day and two.first_day and one.last_day < two.first_day:
            return False
    return True
