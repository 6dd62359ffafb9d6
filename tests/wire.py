"""What this process asks over HTTP, whoever asks, and what it is answered: every word of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qsl, urlsplit

import orjson
import requests


@dataclass(frozen=True)
class Exchange:
    """A request and its answer; status 0 where none came."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    status: int
    answer: bytes

    @property
    def path(self) -> str:
        """Where it went, without the query."""
        return urlsplit(self.url).path

    @property
    def query(self) -> dict[str, str]:
        """What its address asks for."""
        return dict(parse_qsl(urlsplit(self.url).query, keep_blank_values=True))

    @property
    def given(self) -> dict[str, Any]:
        """What it asks for: in its address, and in a form or JSON that it sends."""
        if not self.body:
            return self.query
        if self.body.lstrip().startswith(b"{"):
            return self.query | orjson.loads(self.body)
        return self.query | dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def told(self) -> Any:
        """The answer's JSON."""
        return orjson.loads(self.answer)


@contextmanager
def overheard() -> Iterator[list[Exchange]]:
    """All exchanges of this process by `requests` until the end, in order of their answers."""
    heard: list[Exchange] = []
    lock = threading.Lock()
    send = requests.Session.send

    def listen(
        session: requests.Session, request: requests.PreparedRequest, **more: Any
    ) -> requests.Response:
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body
        status, answer = 0, b""
        try:
            response = send(session, request, **more)
            status = response.status_code
            if not more.get("stream"):
                answer = response.content
            return response
        finally:
            with lock:
                heard.append(
                    Exchange(
                        str(request.method), str(request.url), dict(request.headers), body,
                        status, answer,
                    )
                )  # fmt: skip

    with patch.object(requests.Session, "send", listen):
        yield heard
