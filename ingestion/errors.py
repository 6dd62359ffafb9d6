"""Errors that a user can act on: each message names what is wrong, where, and the remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import NamedTuple


class SalesopsError(Exception):
    """Something that the user can put right; printed without a traceback."""


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


def one_of(given: str, allowed: Iterable[str]) -> str:
    """What is allowed, and the nearest to what was given.

    >>> one_of("amuont", ["amount", "stage"])
    "did you mean 'amount'? Allowed: amount, stage"
    """
    names = sorted(allowed)
    near = difflib.get_close_matches(given, names, n=3 if len(names) > 60 else 1)
    guess = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
    return f"{guess}Allowed: {', '.join(names) if len(names) <= 60 else f'one of {len(names)}'}"


def first_line(error: BaseException) -> str:
    """What an error of another library says, without what it adds on further lines."""
    return str(error).partition("\n")[0].strip()
