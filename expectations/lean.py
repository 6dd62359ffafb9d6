"""Great Expectations without the work that no check of ours needs."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration


def load_when_used(name: str) -> None:
    """Have a module of a package loaded once something of it is used, and not when it is imported.

    `import` asks a module for more than its name, and so loads it; `from package import module`
    asks the package, which is therefore told.
    """
    if name in sys.modules:
        return
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.loader is not None
    spec.loader = importlib.util.LazyLoader(spec.loader)
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    package, _, child = name.rpartition(".")
    setattr(sys.modules[package], child, module)


@contextmanager
def configured_once() -> Iterator[None]:
    """Have each expectation make its configuration once; it is asked for it a hundred times."""
    from great_expectations.expectations.expectation import Expectation

    theirs = Expectation.configuration
    made: dict[int, tuple[Expectation, ExpectationConfiguration]] = {}

    def once(expectation: Expectation) -> ExpectationConfiguration:
        if id(expectation) not in made:
            made[id(expectation)] = expectation, theirs.__get__(expectation)
        return made[id(expectation)][1]

    Expectation.configuration = property(once)
    try:
        yield
    finally:
        Expectation.configuration = theirs
