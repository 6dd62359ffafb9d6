"""What a request asks for: Stripe's bracketed parameters, read and checked."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from ingestion.sandbox.systems.stripe.errors import StripeError

PAGE_LIMIT = 100
PAGE_DEFAULT = 10
BOUNDS = ("gte", "gt", "lte", "lt")
PAGING = ("limit", "starting_after", "ending_before")
_NAME = re.compile(r"(\w+)((?:\[\w*\])*)")


@dataclass(frozen=True)
class Question:
    """Parameters by name: those given once, as `created[gte]`, and lists, as `expand`."""

    single: dict[str, str] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)

    def integer(self, name: str) -> int | None:
        """A parameter that is a number."""
        text = self.single.get(name)
        if text is None:
            return None
        if not re.fullmatch(r"-?\d{1,18}", text):
            raise StripeError(f"Invalid integer: {text}", "parameter_invalid_integer", name)
        return int(text)

    def boolean(self, name: str) -> bool | None:
        """A parameter that is true or false."""
        text = self.single.get(name)
        if text is None or text in ("true", "false"):
            return None if text is None else text == "true"
        raise StripeError(f"Invalid boolean: {text}", None, name)

    def limit(self) -> int:
        """How many objects a page is to hold."""
        given = self.integer("limit")
        limit = PAGE_DEFAULT if given is None else given
        if limit < 1:
            message = f"This value must be greater than or equal to 1 (it currently is '{limit}')."
            raise StripeError(message, "parameter_invalid_integer", "limit")
        if limit > PAGE_LIMIT:
            message = f"This value must be less than or equal to 100 (it currently is '{limit}')."
            raise StripeError(message, "parameter_invalid_integer", "limit")
        return limit

    def seconds(self, name: str) -> tuple[int | None, int | None]:
        """The first second of a window and the one after its last, of a parameter like created."""
        exact = self.integer(name)
        if exact is not None:
            return exact, exact + 1
        bounds = {bound: self.integer(f"{name}[{bound}]") for bound in BOUNDS}
        lows = [bounds["gte"], None if bounds["gt"] is None else bounds["gt"] + 1]
        highs = [bounds["lt"], None if bounds["lte"] is None else bounds["lte"] + 1]
        return (
            max((low for low in lows if low is not None), default=None),
            min((high for high in highs if high is not None), default=None),
        )


def read(given: Iterable[tuple[str, str]], known: Collection[str]) -> Question:
    """The parameters of a request; one that is not `known` (lists: `name[]`) is refused."""
    question = Question()
    for name, value in given:
        match = _NAME.fullmatch(name)
        if match is None:
            raise _unknown(name)
        listed = re.fullmatch(r"(.*)\[\d*\]", name)
        plain = f"{listed.group(1)}[]" if listed else name
        if plain not in known:
            raise _unknown(name)
        if listed:
            question.lists.setdefault(listed.group(1), []).append(value)
        else:
            question.single[name] = value
    return question


def window(name: str) -> tuple[str, ...]:
    """The parameters of a window of moments."""
    return (name, *(f"{name}[{bound}]" for bound in BOUNDS))


def _unknown(name: str) -> StripeError:
    return StripeError(f"Received unknown parameter: {name}", "parameter_unknown", name)
