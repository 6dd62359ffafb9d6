"""An API that is as plain as can be: records by page, for who has the token."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


@contextmanager
def served(
    records: Sequence[dict[str, object]], token: str, results: str = "results", size: int = 2
) -> Iterator[str]:
    """The address of an API that tells these records as they are by then, some a page."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = int(parse_qs(urlsplit(self.path).query)["page"][0])
            is_known = self.headers["Authorization"] == f"Bearer {token}"
            told: dict[str, object] = {"error": "unknown token"}
            if is_known:
                told = {
                    results: records[size * (page - 1) : size * page],
                    "pages": -(-len(records) // size),
                }
            body = json.dumps(told).encode()
            self.send_response(200 if is_known else 401)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
