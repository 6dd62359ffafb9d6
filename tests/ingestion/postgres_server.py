"""A PostgreSQL server of the tests' own, on a socket in a temporary folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import pytest


def _programs() -> Path | None:
    """The folder of the server's programs, if it is installed."""
    on_path = shutil.which("pg_ctl")
    if on_path:
        return Path(on_path).resolve().parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)


@contextmanager
def running_server(password: str | None = None) -> Iterator[str]:
    """The address of a new, empty server, stopped and removed afterwards.

    It asks for a password, or for none. Skips the test where no server is installed.
    """
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    # The server refuses to run as root.
    user = {"user": "postgres"} if os.geteuid() == 0 else {}
    with TemporaryDirectory(prefix="pg-") as root:
        if user:
            shutil.chown(root, "postgres")
        data = f"{root}/data"

        def run(program: str, *arguments: str) -> None:
            subprocess.run(
                [str(programs / program), "-D", data, *arguments],
                check=True,
                stdout=subprocess.DEVNULL,
                cwd=root,
                **user,  # type: ignore[call-overload]
            )

        asks = ["-A", "trust"]
        if password is not None:
            kept = Path(root, "password")
            kept.write_text(password)
            kept.chmod(0o644)
            asks = ["-A", "scram-sha-256", "--pwfile", str(kept)]
        run("initdb", "-U", "tests", *asks, "-E", "UTF8", "--no-sync")
        run("pg_ctl", "-w", "-o", f"-c listen_addresses= -c fsync=off -k {root}", "start")
        try:
            user_part = "tests" if password is None else f"tests:{quote(password, safe='')}"
            yield f"postgresql://{user_part}@/postgres?host={root}"
        finally:
            run("pg_ctl", "-m", "immediate", "stop")
