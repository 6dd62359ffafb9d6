"""A small portal that is served for real, whose answers may be spoilt on their way."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from ingestion.sandbox.server import serving
from ingestion.sandbox.systems.hubspot.api import HubSpotApi
from ingestion.sandbox.world import World

Spoil = Callable[[dict[str, Any]], Any]
"""Makes another document of an answer's."""


@cache
def world() -> World:
    """A quarter of a small company; nobody changes it."""
    found = World.found(seed=1, scale=0.03)
    found.advance(60)
    return found


@contextmanager
def served(
    token: str, place: str = "", spoil: Spoil | None = None, status: int = 200
) -> Iterator[str]:
    """The portal's address; good answers of paths that have `place` in them are spoilt.

    These get the given status.
    """
    api = HubSpotApi(world(), token)

    async def spoiling(scope: dict[str, Any], receive: Any, send: Any) -> None:
        sent: list[dict[str, Any]] = []

        async def keep(message: dict[str, Any]) -> None:
            sent.append(message)

        await api(scope, receive, keep)
        if spoil and place in scope["path"] and sent[0]["status"] < 300:
            body = b"".join(message.get("body", b"") for message in sent[1:])
            spoilt = spoil(json.loads(body))
            content = spoilt if isinstance(spoilt, bytes) else json.dumps(spoilt).encode()
            kept = [(k, v) for k, v in sent[0]["headers"] if k.lower() != b"content-length"]
            length = (b"content-length", str(len(content)).encode())
            sent = [
                {**sent[0], "status": status, "headers": [*kept, length]},
                {"type": "http.response.body", "body": content},
            ]
        for message in sent:
            await send(message)

    with serving(spoiling) as url:
        yield url
