"""What Google's own message types say of an answer, and of the fields that a query asks for.

The SDK's classes are made from the API's protocol buffers: a name, a type or a word of an enum that
they do not have is wrong.
"""

from __future__ import annotations

import datetime as dt
import importlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

VERSION = "v26"
FAILURE = f"type.googleapis.com/google.ads.googleads.{VERSION}.errors.GoogleAdsFailure"
WORDS = ("SELECT", "FROM", "WHERE", "ORDER BY", "LIMIT", "PARAMETERS")
CONDITION = re.compile(
    r"""^(?P<field>[a-z_.]+)\s*
        (?:(?:=|!=|>=|<=|>|<)\s*(?P<one>\S.*?)
        |(?:NOT\s+)?IN\s*\((?P<some>[^)]*)\)
        |BETWEEN\s+(?P<low>\S+)\s+AND\s+(?P<high>\S+)
        |IS\s+(?:NOT\s+)?NULL)$""",
    re.VERBOSE,
)
INTEGERS = (
    *(FieldDescriptor.TYPE_INT64, FieldDescriptor.TYPE_INT32),
    *(FieldDescriptor.TYPE_UINT64, FieldDescriptor.TYPE_UINT32),
)

ABSENT = "nothing"
DATE = "segments.date"

Document = Mapping[str, Any]


def message(module: str, name: str) -> Any:
    """A class of messages of the API, of plain protocol buffers; `module` as "services.types.x"."""
    found = getattr(importlib.import_module(f"google.ads.googleads.{VERSION}.{module}"), name)
    return found.pb()


def stream_answer() -> Any:
    """The class of one batch of rows that searchStream answers."""
    return message("services.types.google_ads_service", "SearchGoogleAdsStreamResponse")


def row() -> Descriptor:
    """What a row may have."""
    found: Descriptor = message("services.types.google_ads_service", "GoogleAdsRow").DESCRIPTOR
    return found


def failure() -> Any:
    """The class of what an error tells of itself."""
    return message("errors.types.errors", "GoogleAdsFailure")


def misfits(answer: object) -> list[str]:
    """All that is not as searchStream answers: batches of rows, or one error object at the end."""
    if not isinstance(answer, list) or not answer:
        return [f"{answer!r} is no array of batches"]
    found: list[str] = []
    for position, batch in enumerate(answer):
        if isinstance(batch, dict) and "error" in batch:
            found += of_error(batch)
            if position < len(answer) - 1:
                found.append("an error is not the last")
        else:
            found += of_batch(batch)
    return found


def of_batch(batch: Document) -> list[str]:
    """What is wrong with one batch of rows; its mask of fields has what its rows have."""
    found = round_trip(batch, stream_answer())
    if not found:
        asked = batch.get("fieldMask", "").split(",")
        found += [f"fieldMask: {path} is unknown" for path in asked if not known(snake(path))]
        for each in batch.get("results", ()):
            found += [
                f"{path}: is not in fieldMask"
                for path in paths(each)
                if not path.endswith("resourceName") and path not in asked
            ]
        if not batch.get("requestId"):
            found.append("requestId: is missing")
    return found


def of_error(answer: Document) -> list[str]:
    """What is wrong with an error: its status, and the failure that it tells in its details."""
    error = answer["error"]
    found = [f"{key}: is missing" for key in ("code", "message", "status") if not error.get(key)]
    told = [it for it in error.get("details", ()) if it.get("@type", "").endswith("Failure")]
    for it in told:
        if it["@type"] != FAILURE:
            found.append(f"@type: {it['@type']!r} is not {FAILURE!r}")
        found += round_trip({key: it[key] for key in it if key != "@type"}, failure())
        if not it.get("errors"):
            found.append("errors: is missing")
        found += [f"errorCode: of {each!r}" for each in it["errors"] if not each.get("errorCode")]
    return found


def round_trip(document: Document, cls: Any) -> list[str]:
    """What a class of messages refuses, or tells otherwise than the document does."""
    parsed: Message = cls()
    try:
        json_format.ParseDict(document, parsed)
    except json_format.ParseError as error:
        return [str(error)]
    return [*_differences(document, json_format.MessageToDict(parsed), "")]


def _differences(given: Any, told: Any, path: str) -> Iterator[str]:
    if isinstance(given, dict) and isinstance(told, dict):
        for key in sorted(given.keys() | told.keys()):
            yield from _differences(
                given.get(key, ABSENT), told.get(key, ABSENT), f"{path}.{key}".lstrip(".")
            )
    elif isinstance(given, list) and isinstance(told, list) and len(given) == len(told):
        for position, (ours, theirs) in enumerate(zip(given, told, strict=True)):
            yield from _differences(ours, theirs, f"{path}[{position}]")
    elif given != told or isinstance(given, bool) is not isinstance(told, bool):
        yield f"{path}: {given!r} is told as {told!r}"


def paths(document: Document, within: str = "") -> Iterator[str]:
    """The names of all that a row has, as a mask of fields writes them."""
    for key, value in document.items():
        if isinstance(value, dict):
            yield from paths(value, f"{within}{key}.")
        else:
            yield f"{within}{key}"


def snake(path: str) -> str:
    """A name in lower camel case as queries write it."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda it: f"_{it[1].lower()}", path)


def field(path: str) -> FieldDescriptor | None:
    """What a row has under a name, as queries write it; none where it has no such thing."""
    descriptor: Descriptor | None = row()
    found: FieldDescriptor | None = None
    for part in path.split("."):
        # A word of Python's, as type, has an underscore behind it in the SDK alone.
        own = descriptor.fields_by_name if descriptor else {}
        found = own.get(part) or own.get(f"{part}_")
        if found is None:
            return None
        descriptor = found.message_type
    return found


def known(path: str) -> bool:
    """Whether a row has a value under a name."""
    found = field(path)
    return found is not None and found.message_type is None


def refusals(query: str) -> list[str]:
    """All that Google would refuse in a query, as far as its message types tell.

    Names and resources that are not there, words that an enum does not have, days and numbers that
    are none, and fields of WHERE and ORDER BY of segments that are not selected.
    """
    parts = clauses(query)
    if not parts.get("SELECT") or not parts.get("FROM"):
        return [f"{query!r} has no SELECT or no FROM"]
    selected = [name.strip() for name in parts["SELECT"].split(",")]
    found = [f"SELECT: {name} is unknown" for name in selected if not known(name)]
    found += [f"SELECT: {name} stands twice" for name in {*selected} if selected.count(name) > 1]
    resource = parts["FROM"].strip()
    if resource not in row().fields_by_name:
        found.append(f"FROM: {resource} is unknown")
    for condition in _conditions(parts.get("WHERE", "")):
        found += of_condition(condition, selected)
    if DATE in selected and not _is_finite(parts.get("WHERE", "")):
        found.append(f"WHERE: {DATE} is selected without a first and a last day")
    for name in filter(None, map(str.strip, parts.get("ORDER BY", "").split(","))):
        name = re.sub(r"\s+(ASC|DESC)$", "", name)
        if not known(name):
            found.append(f"ORDER BY: {name} is unknown")
        elif name not in selected:
            found.append(f"ORDER BY: {name} is not selected")
    if not re.fullmatch(r"\d*", parts.get("LIMIT", "").strip()):
        found.append(f"LIMIT: {parts['LIMIT'].strip()!r} is no number")
    return found


def clauses(query: str) -> dict[str, str]:
    """The parts of a query by the word that begins each."""
    pattern = "|".join(word.replace(" ", r"\s+") for word in WORDS)
    parts = re.split(rf"\b({pattern})\b", " ".join(query.split()))
    return {parts[at]: parts[at + 1].strip() for at in range(1, len(parts) - 1, 2)}


def _conditions(where: str) -> list[str]:
    """The conditions of a WHERE; the AND of a BETWEEN parts none."""
    parts = re.split(r"(?<!\S)AND(?!\S)", where)
    found: list[str] = []
    for part in map(str.strip, filter(str.strip, parts)):
        if found and re.search(r"BETWEEN\s+\S+$", found[-1]):
            found[-1] += f" AND {part}"
        else:
            found.append(part)
    return found


def _is_finite(where: str) -> bool:
    """Whether a WHERE has a first and a last day."""
    of_days = re.findall(rf"{re.escape(DATE)}\s*(BETWEEN|DURING|[<>=]+)", where)
    words = {word.rstrip("=") or word for word in of_days}
    return bool(words & {"BETWEEN", "DURING", "="}) or {"<", ">"} <= words


def of_condition(condition: str, selected: list[str]) -> list[str]:
    """What is wrong with one condition."""
    parsed = CONDITION.match(condition)
    if not parsed:
        return [f"WHERE: {condition!r} is no condition"]
    name = parsed["field"]
    it = field(name)
    if it is None or it.message_type is not None:
        return [f"WHERE: {name} is unknown"]
    found = []
    if name.startswith("segments.") and name != DATE and name not in selected:
        found.append(f"WHERE: {name} is not selected")
    given = [parsed["one"], *(parsed["some"] or "").split(","), parsed["low"], parsed["high"]]
    for value in (text.strip() for text in given if text):
        if problem := _of_literal(name, it, value):
            found.append(f"WHERE: {name}: {value} {problem}")
    return found


def _of_literal(name: str, it: FieldDescriptor, written: str) -> str:
    """What is wrong with a value that a condition compares with; nothing if it is right."""
    value = written.strip("'\"")
    if it.enum_type is not None:
        words = [word.name for word in it.enum_type.values]
        return "" if value in words else f"is none of the words of {it.enum_type.name}"
    if name == DATE:
        return "" if written != value and _is_day(value) else "is no day in quotes"
    if it.type in INTEGERS:
        return "" if re.fullmatch(r"-?\d+", value) else "is no number"
    if it.type == FieldDescriptor.TYPE_BOOL:
        return "" if written.upper() in ("TRUE", "FALSE") else "is neither TRUE nor FALSE"
    if it.type == FieldDescriptor.TYPE_STRING:
        return "" if written != value else "is a text without quotes"
    return ""


def _is_day(text: str) -> bool:
    try:
        return dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
