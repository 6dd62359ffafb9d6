"""`make ui`: everything is made ready and checked, then the servers take the process over."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Sequence
from typing import NoReturn

from dagster_project.commands.terminal import say
from dagster_project.instance.databases import set_damaged_aside
from dagster_project.instance.settings import write_settings
from dagster_project.run.opening import COMPANY_FILE
from dagster_project.run.simulation import found
from dagster_project.ui.names import ADDRESS, check_hosts
from ingestion.company.settings import Company
from ingestion.errors import SalesopsError
from ingestion.paths import PROJECT, CompanyPaths


class PortError(SalesopsError):
    """The UI's port cannot be used."""


class StoreError(SalesopsError):
    """Dagster's store cannot be used."""


def open_ui(company: Company, port: int, hosts: Sequence[str]) -> NoReturn:
    """Replace this process by the servers of the UI, on 127.0.0.1.

    `hosts` are further names by which browsers reach it. Raises SalesopsError when the port is
    taken, a host is none, or Dagster's store cannot be written.
    """
    from dagster_project.run.dbt_runner import Dbt

    check_hosts(hosts)
    _require_free(port)
    paths = CompanyPaths.of(company)
    _require_store(paths)
    if company.sandbox:
        found(company)
    Dbt.of(company).manifest()
    environment = {
        **os.environ,
        COMPANY_FILE: str(company.path),
        "DAGSTER_HOME": str(paths.dagster),
        "DAGSTER_DISABLE_TELEMETRY": "1",
    }
    say(f"{company.name}: http://{ADDRESS}:{port} (Ctrl-C stops it)")
    sys.stdout.flush()
    os.chdir(PROJECT)
    server = [sys.executable, "-m", "dagster_project.ui", str(port), *hosts]
    os.execve(sys.executable, server, environment)


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


def _require_free(port: int) -> None:
    with socket.socket() as candidate:
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            candidate.bind((ADDRESS, port))
        except OSError as error:
            raise PortError(
                f"port {port} cannot be used ({error.strerror}); choose another: "
                f"make ui PORT={port + 1}"
            ) from None
