"""Answers in Google's JSON."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
from starlette.responses import Response

BATCH = 1_000
"""Rows in an object of a stream."""


def of(document: object, status: int = 200) -> Response:
    """A document."""
    return Response(orjson.dumps(document), status, media_type="application/json; charset=UTF-8")


def stream(
    documents: Sequence[object], field_mask: str, request_id: str, error: object = None
) -> Response:
    """Rows as searchStream gives them: an array of objects, each with some; without rows, of one.

    With `error` it breaks off half way: that is then the last object.
    """
    if error is not None:
        documents = documents[: len(documents) // 2]
    batches = [documents[start : start + BATCH] for start in range(0, len(documents), BATCH)]
    told: list[object] = [
        {
            **({"results": batch} if batch else {}),
            "fieldMask": field_mask,
            "requestId": request_id,
            "queryResourceConsumption": str(100 + len(batch)),
        }
        for batch in batches or [[]]
    ]
    return of(told if error is None else [*told, error])


def unknown_page(path: str) -> Response:
    """What Google's front end says of an address that no API has."""
    return Response(
        "<!DOCTYPE html>\n<html lang=en>\n<title>Error 404 (Not Found)!!1</title>\n<p><b>404.</b> "
        f"<ins>That’s an error.</ins>\n<p>The requested URL <code>{path}</code> was not found on "
        "this server. <ins>That’s all we know.</ins>\n",
        404, media_type="text/html; charset=UTF-8",
    )  # fmt: skip
