"""`make ui`: everything is made ready and checked, then the servers take the process over."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import NoReturn

from dagster_project.commands.terminal import say
from dagster_project.instance.databases import set_damaged_aside
from dagster_project.instance.settings import write_settings
from dagster_project.run.opening import COMPANY_FILE, PAGES
from dagster_project.run.simulation import found
from dagster_project.ui.names import ADDRESS, check_hosts
from ingestion.company.settings import Company
from ingestion.errors import SalesopsError
from ingestion.paths import PROJECT, CompanyPaths


class PortError(SalesopsError):
    """The UI's port cannot be used."""


class StoreError(SalesopsError):
    """Dagster's store cannot be used."""


def open_ui(
    company: Company, port: int, port_of_pages: int | None, hosts: Sequence[str]
) -> NoReturn:
    """Replace this process by the servers of the UI and of the company's pages, on 127.0.0.1.

    Pages have the port after the UI's unless one is given. `hosts` are further names by which
    browsers reach the UI. Raises SalesopsError when a port is taken, a host is none, or Dagster's
    store cannot be written.
    """
    from dagster_project.run.dbt_runner import Dbt

    check_hosts(hosts)
    port_of_pages = port + 1 if port_of_pages is None else port_of_pages
    paths = CompanyPaths.of(company)
    _require_store(paths)
    _require_free({"PORT": port, "PAGES": port_of_pages})
    if company.sandbox:
        found(company)
    Dbt.of(company).manifest()
    pages = f"http://{ADDRESS}:{port_of_pages}"
    environment = {
        **os.environ,
        COMPANY_FILE: str(company.path),
        PAGES: pages,
        "DAGSTER_HOME": str(paths.dagster),
        "DAGSTER_DISABLE_TELEMETRY": "1",
    }
    say(f"{company.name}: http://{ADDRESS}:{port} (Ctrl-C stops it); dashboards: {pages}")
    sys.stdout.flush()
    os.chdir(PROJECT)
    server = [sys.executable, "-m", "dagster_project.ui", str(port), str(port_of_pages)]
    os.execve(sys.executable, [*server, *hosts], environment)


def _require_store(paths: CompanyPaths) -> None:
    try:
        write_settings(paths)
        set_damaged_aside(paths.dagster)
    except OSError as error:
        raise StoreError(
            f"{paths.dagster}: Dagster's store cannot be written ({error.strerror}: "
            f"{error.filename}); it holds the UI's past runs only: move it away, or give this user "
            "the right to write it"
        ) from None


def _require_free(ports: Mapping[str, int]) -> None:
    """Raise PortError unless all ports, by the variables that choose them, can be used at once."""
    with ExitStack() as stack:
        for variable, port in ports.items():
            candidate = stack.enter_context(socket.socket())
            candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                candidate.bind((ADDRESS, port))
            except (OSError, OverflowError) as error:
                why = getattr(error, "strerror", "there is none of that number")
                raise PortError(
                    f"port {port} cannot be used ({why}); choose another: "
                    f"make ui {variable}={port + 1}"
                ) from None
