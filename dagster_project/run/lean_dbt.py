"""dbt without the work that nobody sees: a tenth of what building a small company takes.

What is built is the same, and so is what dbt logs: docs/decisions/0049-a-day-beside-the-models.md.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

if TYPE_CHECKING:
    from dbt.clients.jinja import MacroGenerator
    from dbt.context.macros import MacroNamespace, MacroNamespaceBuilder
    from dbt_common.events.base_types import BaseEvent, EventLevel


@contextmanager
def lean() -> Iterator[None]:
    """Have dbt leave out, in all of this process, what is explained below."""
    from dbt.context.macros import MacroNamespace, MacroNamespaceBuilder
    from dbt_common.behavior_flags import BehaviorFlagRendered
    from dbt_common.events.base_types import DebugLevel
    from dbt_common.events.event_manager import EventManager

    theirs = EventManager.fire_event

    def fire_unless_debugging(
        manager: EventManager,
        e: BaseEvent,
        level: EventLevel | None = None,
        *args: Any,
        **named: Any,
    ) -> None:
        """Nobody hears what is said for debugging; its line was written before it was left out."""
        if (level or e.level_tag()).value not in ("debug", "test"):
            theirs(manager, e, level, *args, **named)

    with (
        patch.object(EventManager, "fire_event", fire_unless_debugging),
        patch.object(DebugLevel, "__init__", _say_later),
        patch.object(DebugLevel, "pb_msg", _Message(), create=True),
        patch.object(BehaviorFlagRendered, "_default_source", staticmethod(_calling_module)),
        patch.object(MacroNamespaceBuilder, "build_namespace", _build_namespace),
        patch.object(MacroNamespace, "_keys", lambda space: set(_flat(space))),
        patch.object(MacroNamespace, "keys", lambda space: _flat(space).keys()),
        patch.object(MacroNamespace, "__getitem__", lambda space, key: _flat(space)[key]),
    ):
        yield


def _say_later(event: BaseEvent, **said: Any) -> None:
    """Keep what an event is made of: most of them are heard by nobody."""
    vars(event)["said"] = said


class _Message:
    """The message of an event, made when it is asked for."""

    def __get__(self, event: BaseEvent, of: type | None = None) -> Any:
        from dbt_common.events.base_types import BaseEvent

        if event is None:
            return self
        BaseEvent.__init__(event, **vars(event).pop("said"))
        return vars(event)["pb_msg"]


def _calling_module() -> str:
    """As dbt's own, which reads the source of each module that is under way."""
    frame = inspect.currentframe()
    while frame := frame and frame.f_back:
        module = str(frame.f_globals.get("__name__"))
        if module != "dbt_common.behavior_flags":
            return module
    return "Unknown"


def _build_namespace(
    self: MacroNamespaceBuilder, macros_by_package: Mapping[str, Mapping[str, Any]], ctx: Any
) -> MacroNamespace:
    """As dbt's own, which asks for each of 800 macros, twice for each node, where it belongs."""
    from dbt.clients.jinja import MacroGenerator
    from dbt.context.macros import MacroNamespace

    def generator(macro: Any) -> MacroGenerator:
        made = MacroGenerator.__new__(MacroGenerator)
        vars(made).update(context=ctx, macro=macro, node=self.node, stack=self.thread_ctx)
        return made

    spaces = {
        package: {macro.name: generator(macro) for macro in macros.values()}
        for package, macros in macros_by_package.items()
    }
    internal: dict[str, MacroGenerator] = {}
    for package in reversed(self.internal_package_names_order):
        internal |= spaces.get(package, {})
    packages = {
        package: space
        for package, space in spaces.items()
        if package not in self.internal_package_names
    }
    local = packages.get(self.search_package, {})
    root = {} if self.search_package == self.root_package else packages.get(self.root_package, {})
    return MacroNamespace(root, local, internal, packages)


def _flat(space: MacroNamespace) -> Mapping[str, Any]:
    """What is found by each name: the first of what dbt looks through."""
    if "flat" not in vars(space):
        flat: dict[str, Any] = {}
        for names in reversed([*space._search_order()]):
            flat |= names
        vars(space)["flat"] = flat
    found: Mapping[str, Any] = vars(space)["flat"]
    return found
