"""Answers in Stripe's JSON."""

from __future__ import annotations

import orjson
from starlette.responses import Response

from ingestion.sandbox.systems.stripe.collections import Document
from ingestion.sandbox.systems.stripe.errors import StripeError


def listed(url: str, data: list[Document], has_more: bool) -> Document:
    """A page of a list."""
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def of(document: Document, status: int = 200) -> Response:
    """A document."""
    return Response(orjson.dumps(document), status, media_type="application/json")


def problem(error: StripeError) -> Response:
    """A request that was not answered."""
    return of(error.document(), error.status)
