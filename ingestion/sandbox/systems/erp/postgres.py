"""A PostgreSQL server of the sandbox's own: made anew, reached by a socket, gone afterwards.

A shell keeps it, and stops it when its standard input ends: that happens, too, when whoever
started it is killed. Its data are in a temporary folder, since the server, which refuses to run as
root, often cannot reach a company's own; that folder goes with it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp

from ingestion.errors import SalesopsError, first_line

OWNER = "erp"
SERVER_USER = "postgres"
"""Runs the server where the sandbox is run by root."""
STOP_SECONDS = 20.0
UP = "up"
KEEPER = f"""
trap 'rm -rf "$1"' EXIT
trap 'exit 1' HUP INT TERM
# Whoever started it may be gone before the server is up.
trap '' PIPE
cd "$1" || exit 1
initdb -D data -U {OWNER} -A scram-sha-256 --pwfile password -E UTF8 --locale C --no-sync \
    > log 2>&1 || {{ tail -n 1 log; exit 1; }}
rm password
trap 'pg_ctl -D data -m immediate stop > /dev/null 2>&1; rm -rf "$1"' EXIT
pg_ctl -D data -l log -w -o "-c listen_addresses= -c fsync=off -k $1" start > /dev/null 2>&1 \
    || {{ tail -n 1 log; exit 1; }}
echo {UP} 2> /dev/null
read -r asked
"""
"""Makes, starts and keeps a server in the folder $1 until there is nothing more to read."""


class PostgresError(SalesopsError):
    """The sandbox's PostgreSQL server does not run."""


@dataclass(frozen=True)
class Server:
    """A server that is up: the folder of its socket, and its owner's password."""

    folder: Path
    password: str = field(repr=False)

    def url(self, user: str = OWNER, password: str | None = None) -> str:
        """The address of its database, as libpq and SQLAlchemy take it."""
        secret = self.password if password is None else password
        return f"postgresql://{user}:{secret}@/postgres?host={self.folder}"


def programs() -> Path | None:
    """The folder of the server's programs, the newest there are; None where it is not installed."""
    on_path = shutil.which("pg_ctl")
    if on_path and shutil.which("initdb", path=str(Path(on_path).resolve().parent)):
        return Path(on_path).resolve().parent
    installed = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(installed, key=lambda folder: int(folder.parent.name), default=None)


@contextmanager
def running(password: str) -> Iterator[Server]:
    """A new, empty server whose owner has a password (letters and digits) while this lasts.

    Raises PostgresError where it is not installed or does not start.
    """
    found = programs()
    if found is None:
        raise PostgresError(
            "this company's ERP needs a PostgreSQL server, and none is installed: install one "
            "(apt-get install postgresql, brew install postgresql), or have its programs initdb "
            "and pg_ctl on PATH"
        )
    is_root = os.geteuid() == 0
    folder = Path(mkdtemp(prefix="salesops-erp-"))
    try:
        secret = folder / "password"
        secret.touch(mode=0o600)
        secret.write_text(password, encoding="utf-8")
        if is_root:
            for path in (secret, folder):
                shutil.chown(path, SERVER_USER)
        keeper = _keeper(found, folder, SERVER_USER if is_root else None)
    except (OSError, LookupError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise PostgresError(
            "the PostgreSQL server of this company's ERP cannot be started: "
            f"{first_line(error)}; run salesops as a user that is not root"
        ) from None
    with keeper:
        assert keeper.stdin is not None
        assert keeper.stdout is not None
        try:
            said = keeper.stdout.readline().strip()
            if said != UP:
                raise PostgresError(f"the PostgreSQL server of this company's ERP says: {said}")
            yield Server(folder, password)
        finally:
            keeper.stdin.close()
            try:
                keeper.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                keeper.kill()
            shutil.rmtree(folder, ignore_errors=True)


def _keeper(found: Path, folder: Path, user: str | None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["/bin/sh", "-c", KEEPER, "keeper", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PATH": f"{found}:{os.environ.get('PATH', os.defpath)}", "LC_ALL": "C"},
        cwd="/",
        text=True,
        user=user,
        # Ctrl-C stops the run, which stops the server.
        start_new_session=True,
    )
