"""The address of a PostgreSQL database: taken apart first, and never repeated.

Whatever libpq says about an address that it cannot read quotes a part of it, which may be one of
the password; and a password that holds `/` or `@` makes it take the rest for host and database.
"""

from __future__ import annotations

import getpass
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from ingestion.errors import WarehouseError

POSTGRES_URL = "SALESOPS_POSTGRES_URL"
"""The environment variable that holds the address."""
EXAMPLE = "postgresql://user:password@host:5432/database"
ENCODED = "%25 for %, %2F for /, %40 for @, %3A for :, %3F for ?, %23 for #"
STRUCK_OUT = "***"

_HOST = re.compile(r"(/[^@]*|[A-Za-z0-9._:-]*)(,[A-Za-z0-9._:-]*)*")
_PORTS = range(1, 65_536)
_DATABASE = re.compile(r"[^\s@/:?=]*")


@dataclass(frozen=True)
class Address:
    """The parts of an address, by their libpq names; shown without user, password and options."""

    parts: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, url: str) -> Address:
        """The address that a URL gives. Raises WarehouseError, which repeats nothing of it."""
        import psycopg2
        from psycopg2.extensions import parse_dsn

        if not re.match("postgres(ql)?://", url):
            raise _wrong(f"it does not begin with {EXAMPLE.partition('//')[0]}//")
        try:
            parts = dict(parse_dsn(url))
        except psycopg2.Error:
            raise _wrong("it cannot be taken apart") from None
        _refuse_misread(parts)
        return cls(parts)

    def __str__(self) -> str:
        host, port = self.parts.get("host") or "localhost", self.parts.get("port", "5432")
        return f"PostgreSQL at {host}:{port}/{self.database}"

    @property
    def database(self) -> str:
        """The name of the database: by default that of the user."""
        return self.parts.get("dbname") or self.user

    @property
    def user(self) -> str:
        """The user: by default the one of this process."""
        return self.parts.get("user") or getpass.getuser()

    def for_dlt(self) -> dict[str, object]:
        """The address as dlt takes it: with all parts, where libpq has defaults for some."""
        rest = {k: v for k, v in self.parts.items() if k not in _NAMED}
        named = {
            "username": self.user,
            "password": self.parts.get("password", ""),
            "port": int(self.parts.get("port", "5432")),
            "database": self.database,
        }
        host = self.parts.get("host") or "localhost"
        if host.startswith("/"):  # a socket's folder does not fit where a URL has the host
            return {**named, "host": "localhost", "query": {**rest, "host": host}}
        return {**named, "host": host, "query": rest}

    def struck_out(self, text: str) -> str:
        """A text of another library without the password, however it is written there."""
        for name in ("password", "sslpassword"):
            if secret := self.parts.get(name):
                for written in (secret, quote(secret, safe=""), quote(secret)):
                    text = text.replace(written, STRUCK_OUT)
        return text


_NAMED = ("user", "password", "host", "port", "dbname")


def _refuse_misread(parts: Mapping[str, str]) -> None:
    """Raise WarehouseError where parts cannot be what they are called: a password may be there."""
    port = parts.get("port", "5432")
    if not (port.isdecimal() and int(port) in _PORTS):
        raise _wrong(f"what it has for the port is no number from 1 to {_PORTS[-1]}")
    if not _HOST.fullmatch(parts.get("host", "")):
        raise _wrong("what it has for the host is no name of a host")
    if not _DATABASE.fullmatch(parts.get("dbname", "")):
        raise _wrong("what it has for the database holds @ / : ? = or a blank")


def _wrong(what: str) -> WarehouseError:
    return WarehouseError(
        f"{POSTGRES_URL} is not an address such as {EXAMPLE}: {what}; write {ENCODED} in user and "
        "password. The address is not repeated here, since it may hold the password"
    )
