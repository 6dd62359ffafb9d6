"""What Stripe's own types say of a document: the SDK's annotations are made from Stripe's OpenAPI.

The SDK itself checks nothing of what it reads.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from types import NoneType
from typing import (
    Any,
    ClassVar,
    ForwardRef,
    Literal,
    TypeVar,
    Union,
    _eval_type,  # type: ignore[attr-defined]
    get_args,
    get_origin,
)

from stripe import ListObject, StripeObject
from stripe._object_classes import OBJECT_CLASSES
from stripe._stripe_object import UntypedStripeObject

Document = Mapping[str, Any]


class UnknownObjectError(Exception):
    """The SDK has no class of an object of this name."""


def misfits(document: Document) -> list[str]:
    """All that is not as the class of the document's `object` says: `path: what is wrong`.

    A key that need not be there may be missing or null; one that the class lacks is wrong. Where
    an annotation has a list of words or any text, only the words of the list are right. Of an event
    the object that it is about is looked at, too, and what it says of its past.
    """
    found = [*_of_class(document, class_of(document["object"]), "", False)]
    if document["object"] == "event":
        found += _of_event(document["data"])
    return found


@cache
def class_of(name: str) -> type[StripeObject]:
    """The SDK's class of objects of a name. Raises UnknownObjectError."""
    if name not in OBJECT_CLASSES:
        raise UnknownObjectError(name)
    module, class_name = OBJECT_CLASSES[name]
    found: type[StripeObject] = getattr(importlib.import_module(module), class_name)
    return found


@cache
def hints(cls: type) -> dict[str, Any]:
    """What a class says of its keys, with all names resolved."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        if base is StripeObject or not issubclass(base, StripeObject):
            continue
        nested = _classes_around(base)
        for name, annotation in inspect.get_annotations(base).items():
            if name.startswith("_") or get_origin(annotation) is ClassVar:
                continue
            found[name] = _eval_type(_forward(annotation), _names(base.__module__), nested)
    return found


def _forward(annotation: Any) -> Any:
    return ForwardRef(annotation) if isinstance(annotation, str) else annotation


@cache
def _names(module_name: str) -> dict[str, Any]:
    """A module's names, with those that it imports for type checkers alone."""
    module = sys.modules[module_name]
    names = dict(vars(module))
    for statement in ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8")).body:
        if not (isinstance(statement, ast.If) and "TYPE_CHECKING" in ast.dump(statement.test)):
            continue
        for wanted in statement.body:
            if isinstance(wanted, ast.ImportFrom) and ".params" not in str(wanted.module):
                imported = importlib.import_module(str(wanted.module))
                for alias in wanted.names:
                    names[alias.asname or alias.name] = getattr(imported, alias.name)
    return names


def _classes_around(cls: type) -> dict[str, Any]:
    """The classes within a class, and within those that it stands in; the nearest ones count."""
    within: Any = sys.modules[cls.__module__]
    names: dict[str, Any] = {}
    for part in cls.__qualname__.split("."):
        within = getattr(within, part)
        names |= {name: it for name, it in vars(within).items() if isinstance(it, type)}
    return names


def _of_event(data: Document) -> Iterator[str]:
    cls = class_of(data["object"]["object"])
    yield from _of_class(data["object"], cls, "data.object.", False)
    yield from _of_class(
        data.get("previous_attributes") or {}, cls, "data.previous_attributes.", True
    )


def _of_class(value: Any, cls: type, path: str, is_partial: bool) -> Iterator[str]:
    """What is wrong with an object's keys; `is_partial` where only some of them are told."""
    if not isinstance(value, dict):
        yield f"{path.rstrip('.')}: {value!r} is no {cls.__qualname__}"
        return
    if value.get("deleted") is True:
        is_partial = True
    known = hints(cls)
    own_name = getattr(cls, "OBJECT_NAME", None)
    for key, content in value.items():
        if key == "object" and own_name and "object" not in known:
            if content != own_name:
                yield f"{path}object: {content!r} is not {own_name!r}"
        elif key in known:
            yield from _of_hint(content, known[key], path + key, is_partial)
        else:
            yield f"{path}{key}: {cls.__qualname__} has no such key"
    if not is_partial:
        for key, hint in known.items():
            if key not in value and not _is_optional(hint):
                yield f"{path}{key}: is missing"


def _is_optional(hint: Any) -> bool:
    return hint is Any or NoneType in get_args(hint)


def _of_hint(value: Any, hint: Any, path: str, is_partial: bool) -> Iterator[str]:
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any or isinstance(hint, TypeVar):
        return
    if origin is Union:
        yield from _of_union(value, arguments, path, is_partial)
    elif origin is Literal:
        if not any(value == word and type(value) is type(word) for word in arguments):
            yield f"{path}: {value!r} is none of its words"
    elif origin is list:
        yield from _of_list(value, arguments[0], path, is_partial)
    elif origin is dict or origin is UntypedStripeObject or hint is UntypedStripeObject:
        yield from _of_map(value, arguments[-1] if arguments else Any, path, is_partial)
    elif origin is ListObject:
        yield from _of_page(value, arguments[0], path, is_partial)
    elif isinstance(hint, type) and issubclass(hint, StripeObject):
        yield from _of_class(value, hint, f"{path}.", is_partial)
    elif not _is_plain(value, hint):
        yield f"{path}: {value!r} is no {getattr(hint, '__name__', hint)}"


def _of_union(value: Any, choices: tuple[Any, ...], path: str, is_partial: bool) -> Iterator[str]:
    if value is None and NoneType in choices:
        return
    choices = tuple(choice for choice in choices if choice is not NoneType)
    if any(get_origin(choice) is Literal for choice in choices):
        choices = tuple(choice for choice in choices if choice is not str)
    if isinstance(value, dict):
        named = [
            choice for choice in choices if getattr(choice, "OBJECT_NAME", 0) == value.get("object")
        ]
        choices = tuple(named) or tuple(it for it in choices if it is not str) or choices
    problems = [[*_of_hint(value, choice, path, is_partial)] for choice in choices]
    yield from min(problems, key=len)


def _of_list(value: Any, of: Any, path: str, is_partial: bool) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{path}: {value!r} is no list"
        return
    for position, element in enumerate(value):
        # What has changed in a list is told by the whole list.
        yield from _of_hint(element, of, f"{path}[{position}]", False)


def _of_map(value: Any, of: Any, path: str, is_partial: bool) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: {value!r} is no map"
        return
    for key, content in value.items():
        # A key that is new was null before.
        if not (is_partial and content is None):
            yield from _of_hint(content, of, f"{path}.{key}", is_partial)


def _of_page(value: Any, of: Any, path: str, is_partial: bool) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: {value!r} is no list object"
        return
    if value.get("object", "list" if is_partial else None) != "list":
        yield f"{path}.object: {value.get('object')!r} is not 'list'"
    yield from _of_list(value.get("data"), of, f"{path}.data", is_partial)
    for key, type_ in (("has_more", bool), ("url", str)):
        is_told = key in value or not is_partial
        if is_told and not isinstance(value.get(key), type_):
            yield f"{path}.{key}: {value.get(key)!r} is no {type_.__name__}"


def _is_plain(value: Any, hint: Any) -> bool:
    if hint is Decimal:
        return isinstance(value, str) and _is_number(value)
    if hint is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(hint, type) and isinstance(value, hint)


def _is_number(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False
