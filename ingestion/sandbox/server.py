"""Serves the sandbox's systems on 127.0.0.1, in threads or as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import orjson
import uvicorn
from starlette.types import ASGIApp

from ingestion.sandbox.systems.faulty import FaultyApi
from ingestion.sandbox.systems.google_ads.api import GoogleAdsApi
from ingestion.sandbox.systems.hubspot.api import HubSpotApi
from ingestion.sandbox.systems.linkedin_ads.api import LinkedInAdsApi
from ingestion.sandbox.systems.meta_ads.api import MetaAdsApi
from ingestion.sandbox.systems.stripe.api import StripeApi
from ingestion.sandbox.world import World

APIS: Mapping[str, Callable[[World, str], FaultyApi]] = {
    "hubspot": HubSpotApi,
    "stripe": StripeApi,
    "google_ads": GoogleAdsApi,
    "linkedin_ads": LinkedInAdsApi,
    "meta_ads": MetaAdsApi,
}
"""The HTTP APIs of a world, by the type of source that reads each; made of a world and a secret."""
SECRETS_ENV = "SALESOPS_SANDBOX_SECRETS"
START_SECONDS = 30.0


class _Server(uvicorn.Server):
    """Ends as soon as it is told to: uvicorn's own looks for that every tenth of a second."""

    def __init__(self, api: ASGIApp) -> None:
        super().__init__(
            uvicorn.Config(
                api, host="127.0.0.1", port=0, lifespan="off", log_level="critical",
                access_log=False, date_header=False, server_header=False,
            )
        )  # fmt: skip
        self.over = threading.Event()

    async def main_loop(self) -> None:
        """Serve until `over` is set."""
        await asyncio.to_thread(self.over.wait)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Hang up, and wait for nobody."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()


def _url(server: uvicorn.Server) -> str:
    return f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"


def _started(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError("the sandbox's server did not start")
        time.sleep(0.005)


@contextmanager
def serving(api: ASGIApp) -> Iterator[str]:
    """Serve from a thread of this process, on any free port; gives the base URL."""
    server = _Server(api)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        _started(server, thread)
        yield _url(server)
    finally:
        server.over.set()
        thread.join()


def main() -> None:
    """Serve a saved world until standard input ends, so that no server outlives its parent.

    SALESOPS_SANDBOX_SECRETS has a JSON object: the systems to serve, with the secret of each. Each
    has a port of its own. The first line of output is JSON with `urls`, by system, and `now`.
    """
    parser = argparse.ArgumentParser(description="Serve the systems of a saved world.")
    parser.add_argument(
        "--folder", type=Path, required=True, help="where the world is, in a folder of that name"
    )
    home: Path = parser.parse_args().folder
    world = World.load(home / "world")
    secrets: Mapping[str, str] = json.loads(os.environ[SECRETS_ENV])
    apis = {name: APIS[name](world, secret) for name, secret in secrets.items()}
    with ExitStack() as served:
        urls = {name: served.enter_context(serving(api)) for name, api in apis.items()}
        print(json.dumps({"urls": urls, "now": world.now.isoformat()}), flush=True)
        sys.stdin.read()
        asked = [line for api in apis.values() for line in api.requests]
    log = b"".join(orjson.dumps(line) + b"\n" for line in asked)
    (home / "requests.jsonl").write_bytes(log)


if __name__ == "__main__":
    main()
