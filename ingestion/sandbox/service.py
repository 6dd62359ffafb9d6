"""The simulated company at work: its world kept in a folder, its exports written, its APIs served.

Used so:

    with running(folder, days=7) as sandbox:
        …  # the systems answer at sandbox.url, the exports are in <folder>/sandbox/exports
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import secrets
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.errors import SalesopsError

if TYPE_CHECKING:
    from ingestion.sandbox.world import World

SCALE, SEED = 1.0, 7
"""Of a company that is founded without being told otherwise."""
STOP_SECONDS = 10.0

log = logging.getLogger("salesops")


class SandboxError(SalesopsError):
    """The simulated company cannot be run as asked."""


@dataclass(frozen=True)
class Sandbox:
    """A simulated company that is being served: where, by what token, and its present (UTC)."""

    url: str
    token: str
    now: dt.datetime


def new_token() -> str:
    """A token that the server alone will know."""
    return secrets.token_hex(16)


@contextmanager
def running(
    folder: Path, days: int = 0, scale: float | None = None, seed: int | None = None
) -> Iterator[Sandbox]:
    """Serve the company kept under `<folder>/sandbox` while the context lasts.

    It is prepared first, as `prepare` says. The requests that it answered are then in
    `<folder>/sandbox/requests.jsonl`. Raises SandboxError when the company that is there is of
    another seed or scale, or the server does not start.
    """
    now = prepare(folder, days, scale, seed).now
    home = folder / "sandbox"
    token = new_token()
    command = [sys.executable, "-m", "ingestion.sandbox.server", "--folder", str(home / "world")]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "SALESOPS_SANDBOX_TOKEN": token},
        cwd=Path(__file__).parents[2],
        text=True,
        # Ctrl-C stops the run, which stops the server.
        start_new_session=True,
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            started = server.stdout.readline()
            if not started:
                raise SandboxError("the sandbox's server did not start; its error is above")
            url = json.loads(started)["url"]
            try:
                yield Sandbox(url, token, now)
            finally:
                with suppress(OSError):
                    _keep_log(url, home / "requests.jsonl")
        finally:
            server.stdin.close()
            try:
                server.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                server.kill()


def prepare(
    folder: Path, days: int = 0, scale: float | None = None, seed: int | None = None
) -> World:
    """The company kept under `<folder>/sandbox`, gone on by some days, with its exports written.

    The first time it is founded, three years old. Raises SandboxError when the company that is
    there is of another seed or scale.
    """
    home = folder / "sandbox"
    world = _world(home / "world", days, scale, seed)
    _export(world, home)
    return world


def export_company(
    folder: Path, days: int = 0, scale: float | None = None, seed: int | None = None
) -> Path:
    """The company kept in `folder`, gone on by some days, every entity of it an export.

    Returns its company file. Raises SandboxError as `prepare` does.
    """
    from ingestion.sandbox.exports import write_company

    world = _world(folder / "world", days, scale, seed)
    return write_company(world, folder, "Exports", "UTC", "USD", 2)


def present(folder: Path) -> dt.datetime | None:
    """Now (UTC) in the company kept under `<folder>/sandbox`; None before it is founded."""
    from ingestion.sandbox.world import World

    kept = folder / "sandbox" / "world"
    return World.load(kept).now if World.is_saved(kept) else None


def _world(folder: Path, days: int, scale: float | None, seed: int | None) -> World:
    """The company as it is kept, gone on and kept again."""
    from ingestion.sandbox.world import World

    if World.is_saved(folder):
        world = World.load(folder)
        kept_seed, kept_scale = world.state.seed, world.state.scale
        if seed not in (None, kept_seed) or scale not in (None, kept_scale):
            raise SandboxError(
                f"{folder}: the simulated company there has SEED={kept_seed} SCALE={kept_scale:g}; "
                "leave SEED and SCALE out to go on with it, or remove it with make clean"
            )
        if not days:
            return world
        log.info("sandbox: letting %d days pass", days)
    else:
        seed, scale = SEED if seed is None else seed, SCALE if scale is None else scale
        log.info("sandbox: simulating three years of a company (SEED=%d SCALE=%g)", seed, scale)
        world = World.create(seed, scale)
    world.advance(days)
    folder.parent.mkdir(parents=True, exist_ok=True)
    world.save(folder)
    return world


def _export(world: World, home: Path) -> None:
    """Write the exports, unless those of this very day are there."""
    from ingestion.sandbox.exports import write_exports

    mark = home / "exported.txt"
    if mark.exists() and mark.read_text() == world.now.isoformat():
        return
    write_exports(world, home / "exports")
    mark.write_text(world.now.isoformat())


def _keep_log(url: str, path: Path) -> None:
    with urllib.request.urlopen(f"{url}/_sandbox/requests", timeout=STOP_SECONDS) as asked:
        path.write_bytes(asked.read())
