"""The simulated company at work: its world kept in a folder, its exports written, its APIs served.

Used so:

    with running(folder, Use(("hubspot",), ("costs", "quotas")), days=7) as sandbox:
        …  # sandbox.systems answer, <folder>/sandbox/exports has costs and quotas
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import secrets
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.errors import SalesopsError

if TYPE_CHECKING:
    from ingestion.sandbox.world import World

SCALE, SEED = 1.0, 7
"""Of a company that is founded without being told otherwise."""
APIS: Mapping[str, str] = {
    "hubspot": "pat-na1-",
    "stripe": "sk_test_",
    "google_ads": "gads-",
    "linkedin_ads": "AQX",
    "meta_ads": "EAA",
}
"""The HTTP APIs that the company has, by the type of source that reads each: how secrets begin."""
ERP = "sql"
"""The type of source that reads the company's ERP, a database."""
SYSTEMS = frozenset({*APIS, ERP})
STOP_SECONDS = 10.0

log = logging.getLogger("salesops")


class SandboxError(SalesopsError):
    """The simulated company cannot be run as asked."""


@dataclass(frozen=True)
class Use:
    """What is read of a simulated company: its systems, by type of source, and its exports."""

    systems: Collection[str]
    exports: Collection[str]


@dataclass(frozen=True)
class System:
    """A system that is up: where, and by what token or key; of a database, the same address."""

    url: str
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Sandbox:
    """A simulated company that is being served: its systems by type, and its present (UTC)."""

    systems: Mapping[str, System]
    now: dt.datetime


def new_token() -> str:
    """A token that the server alone will know."""
    return secrets.token_hex(16)


@contextmanager
def running(
    folder: Path, use: Use, days: int = 0, scale: float | None = None, seed: int | None = None
) -> Iterator[Sandbox]:
    """Serve the company kept under `<folder>/sandbox` while the context lasts.

    It is prepared first, as `prepare` says. The requests that its systems answered are then in
    `<folder>/sandbox/requests.jsonl`. Raises SandboxError when the company that is there is of
    another seed or scale, or the server does not start; SalesopsError where no ERP can run.
    """
    world, home = prepare(folder, use, days, scale, seed), folder / "sandbox"
    now = world.now
    with ExitStack() as up:
        systems = dict(up.enter_context(_served(home, use.systems)))
        if ERP in use.systems:
            from ingestion.sandbox.systems.erp.database import running as running_erp

            url = up.enter_context(running_erp(world)).url
            systems[ERP] = System(url, url)
        # A run needs the memory.
        del world
        yield Sandbox(systems, now)


@contextmanager
def _served(home: Path, names: Collection[str]) -> Iterator[Mapping[str, System]]:
    """The systems of these that have an HTTP API, served by a process of their own."""
    secrets = {name: begin + new_token() for name, begin in APIS.items() if name in names}
    command = [sys.executable, "-m", "ingestion.sandbox.server", "--folder", str(home)]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "SALESOPS_SANDBOX_SECRETS": json.dumps(secrets)},
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
            urls = json.loads(started)["urls"]
            yield {name: System(urls[name], secret) for name, secret in secrets.items()}
        finally:
            server.stdin.close()
            try:
                server.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                server.kill()


def prepare(
    folder: Path, use: Use, days: int = 0, scale: float | None = None, seed: int | None = None
) -> World:
    """The company kept under `<folder>/sandbox`, gone on by some days, with its exports written.

    The first time it is founded, three years old. Raises SandboxError when the company that is
    there is of another seed or scale, or of another version.
    """
    home = folder / "sandbox"
    world = _world(home / "world", days, scale, seed)
    _export(world, use, home)
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
    return _kept(kept).now if World.is_saved(kept) else None


def _world(folder: Path, days: int, scale: float | None, seed: int | None) -> World:
    """The company as it is kept, gone on and kept again."""
    from ingestion.sandbox.world import World

    if World.is_saved(folder):
        world = _kept(folder)
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


def _kept(folder: Path) -> World:
    """The company as it is kept."""
    from ingestion.sandbox.world import OtherFormatError, World

    try:
        return World.load(folder)
    except OtherFormatError:
        raise SandboxError(
            f"{folder}: the simulated company there is of another version of salesops; remove that "
            "folder, and let the run begin anew with FRESH=1"
        ) from None


def _export(world: World, use: Use, home: Path) -> None:
    """Write the exports, unless those of this very day, beside these systems, are there."""
    from ingestion.sandbox.exports import write_exports

    mark = home / "exported.txt"
    written = "\n".join([world.now.isoformat(), *sorted(use.exports), *sorted(use.systems)])
    if mark.exists() and mark.read_text() == written:
        return
    write_exports(world, home / "exports", use.exports, use.systems)
    mark.write_text(written)
