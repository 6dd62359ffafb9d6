"""Errors that a user can act on: each message names what is wrong, where, and the remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from ingestion.visible import visible_lines

SHOWN = 50
"""The problems that an error lists; of others it says how many there are."""
MAX_VALUE = 80
MAX_LINE = 2_000
"""How much of what another library says is told: it may repeat a whole value."""


class SalesopsError(Exception):
    """Something that the user can put right, or several things: a line each, no traceback.

    What of them would command a terminal, as values and names of files may, is written as escapes.
    """

    def __init__(self, *problems: str) -> None:
        told = tuple(visible_lines(problem, indent="") for problem in problems)
        super().__init__(*told)
        self.problems = told

    @property
    def told(self) -> list[str]:
        """The problems that are shown, and how many others there are."""
        left_out = len(self.problems) - SHOWN
        more = [f"… and {left_out:,} more"] if left_out > 0 else []
        return [*self.problems[:SHOWN], *more]

    def __str__(self) -> str:
        return "\n".join(self.told)


class CompanyError(SalesopsError):
    """company.yml is wrong."""


class Problem(NamedTuple):
    """Something wrong in settings: the path of keys to it, its value where it has one, and what."""

    key: tuple[str | int, ...]
    value: object
    message: str


class SourceError(SalesopsError):
    """A source cannot be read as company.yml says."""


class WarehouseError(SalesopsError):
    """The warehouse cannot be used."""


class StorageError(SalesopsError):
    """A disk is full or read-only, or a file or folder is not for the user that runs this."""


@dataclass
class Gathered:
    """What is wrong with sources, found step by step, to be told at once."""

    problems: list[str] = field(default_factory=list)

    @contextmanager
    def each(self) -> Iterator[None]:
        """Keep the problems that a step raises as SourceError, and go on."""
        try:
            yield
        except SourceError as error:
            self.problems += error.problems

    def raise_any(self, also: Iterable[str] = ()) -> None:
        """Raise SourceError of all that was found, each thing once, and what else is to be told."""
        if self.problems:
            raise SourceError(*dict.fromkeys([*self.problems, *also]))


def one_of(given: str, allowed: Iterable[str]) -> str:
    """What is allowed, and the nearest to what was given.

    >>> one_of("amuont", ["amount", "stage"])
    "did you mean 'amount'? Allowed: amount, stage"
    """
    names = sorted(allowed)
    near = difflib.get_close_matches(given, names, n=3 if len(names) > 60 else 1)
    guess = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
    return f"{guess}Allowed: {', '.join(names) if len(names) <= 60 else f'one of {len(names)}'}"


def with_causes(error: BaseException) -> list[BaseException]:
    """An error and all that led to it, the nearest first.

    One that is raised again may have led to itself. What a driver said is the `orig` of
    SQLAlchemy's error.
    """
    found = [error]
    for one in found:
        for cause in (one.__cause__, one.__context__, getattr(one, "orig", None)):
            if isinstance(cause, BaseException) and not any(cause is known for known in found):
                found.append(cause)
    return found


def first_line(error: BaseException) -> str:
    """What an error of another library says, without what it adds on further lines."""
    line = str(error).partition("\n")[0].strip()
    return line if len(line) <= MAX_LINE else f"{line[:MAX_LINE]}…"


def shorten(value: object) -> str:
    """The value as an error shows it, where it is long its beginning."""
    text = repr(value)
    return text if len(text) <= MAX_VALUE else text[: MAX_VALUE - 3] + "..."
