"""Answers in HubSpot's JSON: pages, batches, documents and errors."""

from __future__ import annotations

import orjson
from starlette.responses import Response

from ingestion.sandbox.systems.hubspot.errors import HubSpotError

CORRELATION_ID = "00000000-0000-4000-8000-000000000000"


def page(
    records: list[bytes], following: str | None, path: str, total: int | None = None
) -> Response:
    """A page of records, each as JSON, with the cursor of the `following` one if there is one."""
    head = b"{" if total is None else b'{"total":%d,' % total
    tail = b""
    if following is not None:
        link = {"next": {"after": following, "link": f"{path}?after={following}"}}
        tail = b',"paging":' + orjson.dumps(link)
    return of_json(head + b'"results":[' + b",".join(records) + b"]" + tail + b"}")


def batch(
    records: list[bytes], missing: list[str], message: str, category: str, detail: str | None = None
) -> Response:
    """A batch answer: 200, or 207 with errors that name what was not found."""
    times = b',"startedAt":"2026-01-01T00:00:00Z","completedAt":"2026-01-01T00:00:00Z"'
    content = b'{"status":"COMPLETE","results":[' + b",".join(records) + b"]" + times
    if not missing:
        return of_json(content + b"}")
    problem = {
        "status": "error", "category": category, "message": message, "context": {"ids": missing},
        **({"subCategory": detail} if detail else {}),
    }  # fmt: skip
    errors = b',"numErrors":%d,"errors":%s}' % (len(missing), orjson.dumps([problem]))
    return of_json(content + errors, 207)


def of(document: object) -> Response:
    """A document that is not JSON yet."""
    return of_json(orjson.dumps(document))


def of_json(content: bytes, status: int = 200) -> Response:
    """A document that is JSON already."""
    return Response(content, status, media_type="application/json")


def error(status: int, category: str, message: str) -> Response:
    """A request that was not answered."""
    document = {
        "status": "error", "message": message, "correlationId": CORRELATION_ID,
        "category": category,
    }  # fmt: skip
    return of_json(orjson.dumps(document), status)


def problem(raised: HubSpotError) -> Response:
    """A request that cannot be answered as asked."""
    return error(raised.status, raised.category, str(raised))


def too_many(policy: str, retry_after_seconds: int) -> Response:
    """A request above the rate of a policy."""
    document = {
        "status": "error", "message": f"You have reached your {policy.lower()} limit.",
        "errorType": "RATE_LIMIT", "correlationId": CORRELATION_ID, "policyName": policy,
    }  # fmt: skip
    response = of_json(orjson.dumps(document), 429)
    response.headers["Retry-After"] = str(retry_after_seconds)
    return response
