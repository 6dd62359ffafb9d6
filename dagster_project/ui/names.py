"""Where the UI listens, and the names by which browsers may reach it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ingestion.errors import SalesopsError

ADDRESS = "127.0.0.1"
LOCAL_NAMES = (ADDRESS, "localhost", "[::1]")
HOST = re.compile(r"([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]+)?", re.IGNORECASE)


class HostError(SalesopsError):
    """A host that was named is none."""


def check_hosts(hosts: Sequence[str]) -> None:
    """Raise HostError for what is no host, with or without port."""
    for host in hosts:
        if not HOST.fullmatch(host):
            raise HostError(
                f"HOSTS: '{host}' is no name of a host; write it as a browser shows it, without "
                "http:// and path: sales.acme.com, or localhost:8080"
            )
