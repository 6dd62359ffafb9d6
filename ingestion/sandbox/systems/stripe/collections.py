"""Lists of objects: who is in them, in which order, and where a page of one begins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ingestion.sandbox.systems.stripe import questions
from ingestion.sandbox.systems.stripe.errors import StripeError, UnknownObjectError
from ingestion.sandbox.systems.stripe.questions import Question
from ingestion.sandbox.world.calendar import Ints

Document = dict[str, Any]
Mask = npt.NDArray[np.bool_]
Render = Callable[[int, int], Document]
"""An object by its key, as it was at a moment (microseconds)."""
Filter = Callable[[Question, str], Mask]
"""Which objects, in the order of keys, a parameter wants."""


@dataclass(frozen=True)
class Ids:
    """Ids of one kind of object: a prefix, and a number for each key."""

    prefix: str
    first: int = 0

    def of(self, key: int) -> str:
        """The id of a key."""
        return f"{self.prefix}{key + self.first}"

    def key(self, object_id: str) -> int | None:
        """The key of an id; none where it is not one of this kind."""
        number = object_id.removeprefix(self.prefix)
        if number == object_id or not number.isdigit() or len(number) > 18:
            return None
        return int(number) - self.first


class Named(Protocol):
    """How the objects of a kind are called."""

    def of(self, key: int) -> str:
        """The id of a key."""

    def key(self, object_id: str) -> int | None:
        """The key of an id; none where it is not one of this kind."""


@dataclass(frozen=True)
class Kind:
    """All objects of one kind, and the parameters by which they can be listed.

    `created` holds seconds by key. A key that is not `present` is no object; one that is `deleted`
    is in no list. Filters that are `always` on have a default; `required` ones have none.
    """

    name: str
    label: str
    ids: Named
    created: Ints
    render: Render
    filters: Mapping[str, Filter] = field(default_factory=dict)
    windows: Mapping[str, Ints] = field(default_factory=dict)
    present: Mask | None = None
    deleted: Mask | None = None
    required: tuple[str, ...] = ()
    always: tuple[str, ...] = ()
    is_dated: bool = True

    @cached_property
    def order(self) -> Ints:
        """Keys, the oldest first."""
        keys = np.arange(len(self.created))
        if self.present is not None:
            keys = keys[self.present]
        found: Ints = keys[np.argsort(self.created[keys], kind="stable")]
        return found

    @cached_property
    def positions(self) -> Ints:
        """Where each key is in `order`; -1 for none."""
        positions = np.full(len(self.created), -1, np.int64)
        positions[self.order] = np.arange(len(self.order))
        return positions

    @cached_property
    def _moments(self) -> Ints:
        moments: Ints = self.created[self.order]
        return moments

    def known(self) -> set[str]:
        """The parameters of this kind's list."""
        windows = [*self.windows, *(["created"] if self.is_dated else [])]
        return {
            "expand[]", *questions.PAGING, *self.filters,
            *(name for window in windows for name in questions.window(window)),
        }  # fmt: skip

    def find(self, object_id: str, param: str = "id") -> int:
        """The key of an id. Raises UnknownObjectError."""
        key = self.ids.key(object_id)
        if key is None or not 0 <= key < len(self.positions) or self.positions[key] < 0:
            raise UnknownObjectError(self.label, object_id, param)
        return key

    def matching(self, question: Question) -> Ints:
        """Positions in `order` of what is asked for."""
        for name in self.required:
            if name not in question.single:
                raise StripeError(f"Missing required param: {name}.", "parameter_missing", name)
        low, high = question.seconds("created") if self.is_dated else (None, None)
        start, stop = 0, len(self.order)
        if low is not None:
            start = int(np.searchsorted(self._moments, low))
        if high is not None:
            stop = int(np.searchsorted(self._moments, high))
        keys = self.order[start:stop]
        wanted = np.ones(len(keys), bool)
        if self.deleted is not None:
            wanted &= ~self.deleted[keys]
        for name, moments in self.windows.items():
            first, last = question.seconds(name)
            if first is not None:
                wanted &= moments[keys] >= first
            if last is not None:
                wanted &= moments[keys] < last
        for name, chosen in self.filters.items():
            plain = name.removesuffix("[]")
            if name in (*question.single, *self.always) or plain in question.lists:
                wanted &= chosen(question, plain)[keys]
        return start + np.flatnonzero(wanted)


@dataclass(frozen=True)
class Page:
    """Keys of a page, the newest first, and whether there are more behind it."""

    keys: list[int]
    has_more: bool


def page(kind: Kind, question: Question, repeat: bool) -> Page:
    """The page that a question asks for.

    With `repeat` half of the page before comes again, as when an answer was lost on the way.
    """
    limit, positions = question.limit(), kind.matching(question)
    after, before = question.single.get("starting_after"), question.single.get("ending_before")
    if after is not None and before is not None:
        raise StripeError("Received both ending_before and starting_after parameters.")
    if before is not None:
        cursor = kind.positions[kind.find(before, "ending_before")]
        start = int(np.searchsorted(positions, cursor, side="right"))
        found, has_more = positions[start : start + limit], start + limit < len(positions)
        return Page(kind.order[found][::-1].tolist(), has_more)
    stop = len(positions)
    if after is not None:
        cursor = kind.positions[kind.find(after, "starting_after")]
        stop = int(np.searchsorted(positions, cursor))
        if repeat:
            stop = min(stop + limit // 2, len(positions))
    found = positions[max(0, stop - limit) : stop]
    return Page(kind.order[found][::-1].tolist(), stop > limit)
