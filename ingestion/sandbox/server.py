"""Serves the sandbox's HTTP APIs on 127.0.0.1, in a thread or as a process of its own."""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from ingestion.sandbox.systems.hubspot.api import HubSpotApi
from ingestion.sandbox.world import World

TOKEN_ENV = "SALESOPS_SANDBOX_TOKEN"
START_SECONDS = 30.0


def _server(api: ASGIApp) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            api, host="127.0.0.1", port=0, lifespan="off", log_level="critical",
            access_log=False, date_header=False, server_header=False,
        )
    )  # fmt: skip


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
    server = _server(api)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        _started(server, thread)
        yield _url(server)
    finally:
        server.should_exit = server.force_exit = True
        thread.join()


def main() -> None:
    """Serve a saved world until standard input ends, so that no server outlives its parent.

    The first line of output is JSON with `url` and `now`. Token from SALESOPS_SANDBOX_TOKEN.
    """
    parser = argparse.ArgumentParser(description="Serve a saved world's HTTP APIs.")
    parser.add_argument("--folder", type=Path, required=True, help="where the world is saved")
    world = World.load(parser.parse_args().folder)
    with serving(HubSpotApi(world, os.environ[TOKEN_ENV])) as url:
        print(json.dumps({"url": url, "now": world.now.isoformat()}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
