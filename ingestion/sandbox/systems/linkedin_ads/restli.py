"""Rest.li 2.0: what a query string says.

A value is text, `List(a,b)` or a record `(key:value,…)`, each of values again. `(`, `)`, `,`, `:`
and `'` mean something where they stand as they are; in text they are percent-encoded.
https://linkedin.github.io/rest.li/spec/protocol
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote

from ingestion.sandbox.systems.linkedin_ads.errors import SyntaxLinkedInError

Value = str | list["Value"] | dict[str, "Value"]
RESERVED = "(),:'"


def read(query: str) -> Mapping[str, Value]:
    """The parameters of a query string. Raises SyntaxLinkedInError."""
    found: dict[str, Value] = {}
    for piece in query.split("&") if query else ():
        name, sign, text = piece.partition("=")
        if not name or not sign or name in found:
            raise SyntaxLinkedInError
        found[unquote(name)] = _whole(text)
    return found


def _whole(text: str) -> Value:
    """A value that is all of a text; one without brackets may have commas, as `fields` has."""
    if not text.startswith(("(", "List(")):
        if set(text) & set("():'"):
            raise SyntaxLinkedInError
        return _text(text)
    value, rest = _value(text)
    if rest:
        raise SyntaxLinkedInError
    return value


def _value(text: str) -> tuple[Value, str]:
    """The value that a text begins with, and what is behind it."""
    if text.startswith("List("):
        return _list(text[len("List(") :])
    if text.startswith("("):
        return _record(text[1:])
    end = min((text.find(sign) for sign in RESERVED if sign in text), default=len(text))
    if not end:
        raise SyntaxLinkedInError
    return _text(text[:end]), text[end:]


def _list(text: str) -> tuple[Value, str]:
    values: list[Value] = []
    if text.startswith(")"):
        return values, text[1:]
    while True:
        value, text = _value(text)
        values.append(value)
        if text.startswith(")"):
            return values, text[1:]
        text = _behind(",", text)


def _record(text: str) -> tuple[Value, str]:
    record: dict[str, Value] = {}
    while True:
        name, sign, text = text.partition(":")
        if not sign or not name or set(name) & set(RESERVED) or name in record:
            raise SyntaxLinkedInError
        record[unquote(name)], text = _value(text)
        if text.startswith(")"):
            return record, text[1:]
        text = _behind(",", text)


def _behind(sign: str, text: str) -> str:
    if not text.startswith(sign):
        raise SyntaxLinkedInError
    return text[1:]


def _text(text: str) -> str:
    return unquote(text.replace("+", " "))
