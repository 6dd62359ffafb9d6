"""What the suite of attacks is made of: marks, figures, and runs with something tampered with.

An attack is one test or more, each marked `held(NAME)`, and one marked `bites(NAME)`, which takes
the guard away and shows that the attack then does its harm: a guard that nothing needs proves
nothing. `make faults` prints each attack by its name.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

import pytest

Tampering = Callable[[], object]
"""What is done to a process before it runs the command; picklable, so of a module's top level."""


def held(attack: str) -> pytest.MarkDecorator:
    """The test shows that an attack does no harm."""
    return pytest.mark.attack(attack, "held")


def bites(attack: str) -> pytest.MarkDecorator:
    """The test shows that the attack does its harm where the guard is off."""
    return pytest.mark.attack(attack, "bites")


@dataclass(frozen=True)
class Figures:
    """Counts that a test adds to those that `make faults` prints, such as `kills` or `polls`."""

    properties: list[tuple[str, object]]

    def add(self, **counts: int) -> None:
        """Add to the counts by name."""
        self.properties.extend(counts.items())


def together(*tamperings: Tampering) -> Tampering:
    """All of these, one after the other."""
    return partial(_each, tamperings)


def without(guard: str, instead: Any = None) -> Tampering:
    """Replace a guard, as `package.module:name` or `package.module:Class.name`.

    It becomes a function that returns `instead`, or `instead` itself where that can be called.
    """
    return partial(_replace, guard, instead)


def killed_at(call: str, number: int) -> Tampering:
    """Kill the process, without warning, before the given call of `os:rename` and the like.

    `call` is `module:name` of what is called, `number` counts from 1.
    """
    return partial(_kill_at, call, number)


def failing_at(call: str, number: int, error: Exception) -> Tampering:
    """Raise an error at the given call, as `killed_at` counts them, and at each one after it."""
    return partial(_fail_at, call, number, error)


@contextmanager
def replaced(guard: str, instead: Any = None) -> Iterator[None]:
    """`without`, in this process and for a while."""
    owner, name = _found(guard)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, _callable(instead))
        yield


def _each(tamperings: Sequence[Tampering]) -> None:
    for tampering in tamperings:
        tampering()


def _found(place: str) -> tuple[Any, str]:
    """The module or class that has a name, and the name."""
    module, _, path = place.partition(":")
    owner: Any = import_module(module)
    *classes, name = path.split(".")
    for one in classes:
        owner = getattr(owner, one)
    assert hasattr(owner, name), f"{place} is not there to be tampered with"
    return owner, name


def _callable(instead: Any) -> Any:
    return instead if callable(instead) else lambda *_, **__: instead


def _replace(guard: str, instead: Any) -> None:
    owner, name = _found(guard)
    setattr(owner, name, _callable(instead))


def _counted(call: str, number: int, happen: Callable[[], None]) -> None:
    owner, name = _found(call)
    original = getattr(owner, name)
    calls = 0

    def counting(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls >= number:
            happen()
        return original(*arguments, **named)

    setattr(owner, name, counting)


def _kill_at(call: str, number: int) -> None:
    _counted(call, number, lambda: os.kill(os.getpid(), signal.SIGKILL))


def _fail_at(call: str, number: int, error: Exception) -> None:
    def fail() -> None:
        raise error

    _counted(call, number, fail)


@dataclass
class Tally:
    """What has become of an attack."""

    tests: int = 0
    passed: int = 0
    is_shown_to_bite: bool = False

    @property
    def is_held(self) -> bool:
        """Whether all of its tests passed, among them one that shows the guard to be needed."""
        return self.passed == self.tests and self.is_shown_to_bite

    @property
    def verdict(self) -> str:
        """In a word or two."""
        if self.passed < self.tests:
            return "NOT HELD"
        return "held" if self.is_shown_to_bite else "NOT SHOWN TO BITE"


def lines(tallies: Mapping[str, Tally], counts: Mapping[str, int]) -> list[str]:
    """A line per attack, and the figures of the suite."""
    width = max(map(len, tallies))
    told = [f"{name:<{width}}  {tally.verdict}" for name, tally in tallies.items()]
    figures = {
        "attacks": len(tallies),
        "held": sum(tally.is_held for tally in tallies.values()),
        **counts,
        "failures": sum(tally.tests - tally.passed for tally in tallies.values()),
    }
    return [*told, ", ".join(f"{name} {count}" for name, count in figures.items())]
