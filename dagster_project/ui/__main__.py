"""The servers of the UI: the code location's, webserver and pages behind gates, and the daemon.

    python -m dagster_project.ui PORT PORT_OF_PAGES [HOST …]

The company is that of `SALESOPS_COMPANY`. This is what `dagster dev` does, but for the gate, for
runs that have died being ended first, and for a daemon that is started again when it dies.
"""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import uvicorn
import yaml
from dagster import DagsterInstance
from dagster._cli.proxy_server_manager import ProxyServerManager
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import ModuleTarget, WorkspaceFileTarget
from dagster_webserver.app import create_app_from_workspace_process_context
from dagster_webserver.version import __version__

from dagster_project.instance.dead_runs import end_dead_runs
from dagster_project.instance.recording import open_instance
from dagster_project.instance.repository import CODE_LOCATION
from dagster_project.run.opening import company_file
from dagster_project.ui.gate import Gate
from dagster_project.ui.names import ADDRESS
from dagster_project.ui.pages import pages_app
from ingestion.company.reading import load_company
from ingestion.disk.private import private
from ingestion.paths import PROJECT, CompanyPaths

LOG_LEVEL = "warning"
POLL_MILLISECONDS = 2000
PATIENCE_SECONDS = 60
GRACE_SECONDS = 5
"""For browsers to have their answers when it is stopped: a page that is open would hold it up."""
PAUSE_SECONDS = 5
"""Before a daemon that has died is started again."""

log = logging.getLogger("salesops")


def main(port: int, port_of_pages: int, hosts: Sequence[str]) -> None:
    """Serve until SIGINT or SIGTERM."""
    logging.basicConfig(format="%(message)s")
    # Whatever nohup or a shell's background has had this process ignore: its servers inherit it,
    # and are stopped by SIGINT themselves.
    for stop in (signal.SIGINT, signal.SIGTERM):
        signal.signal(stop, signal.default_int_handler)
    company = load_company(company_file())
    paths = CompanyPaths.of(company)
    with suppress(KeyboardInterrupt), private(paths.root), open_instance(paths) as instance:
        end_dead_runs(instance, paths.lock)
        pages = Gate(pages_app(company.name, paths), port_of_pages)
        with (
            _code_server(instance) as workspace,
            _daemon(workspace),
            _beside(uvicorn.Server(_config(pages, port_of_pages))),
        ):
            _serve(instance, workspace, port, hosts)


@contextmanager
def _code_server(instance: DagsterInstance) -> Iterator[Path]:
    """Start the server of the code location; yields the workspace file that names it."""
    target = ModuleTarget(CODE_LOCATION, None, str(PROJECT), CODE_LOCATION)
    with (
        ProxyServerManager(instance, target, LOG_LEVEL) as servers,
        tempfile.TemporaryDirectory() as folder,
    ):
        workspace = Path(folder) / "workspace.yaml"
        workspace.write_text(yaml.safe_dump({"load_from": servers.get_code_server_specs()}))
        yield workspace


def _serve(instance: DagsterInstance, workspace: Path, port: int, hosts: Sequence[str]) -> None:
    target = WorkspaceFileTarget([str(workspace)])
    with WorkspaceProcessContext(instance, target, version=__version__) as context:
        app = create_app_from_workspace_process_context(
            context, live_data_poll_rate=POLL_MILLISECONDS
        )
        uvicorn.Server(_config(Gate(app, port, hosts), port)).run()


def _config(app: Gate, port: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=ADDRESS,
        port=port,
        log_level=LOG_LEVEL,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


@contextmanager
def _beside(server: uvicorn.Server) -> Iterator[None]:
    """Serve in a thread meanwhile."""
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def _daemon(workspace: Path) -> Iterator[None]:
    """Keep the daemon running, which ticks, and starts what is queued."""
    is_over = threading.Event()
    keeper = threading.Thread(target=_keep_daemon, args=(workspace, is_over))
    keeper.start()
    try:
        yield
    finally:
        is_over.set()
        keeper.join()


def _keep_daemon(workspace: Path, is_over: threading.Event) -> None:
    arguments = ["--workspace", str(workspace), "--log-level", LOG_LEVEL]
    command = [sys.executable, "-m", "dagster_project.ui.daemon", *arguments]
    while not is_over.is_set():
        with subprocess.Popen(command, stdin=subprocess.PIPE) as daemon:
            while daemon.poll() is None and not is_over.wait(0.5):
                pass
            if is_over.is_set():
                _end(daemon)
                return
        log.error("Dagster's daemon ended (status %s); it is started again", daemon.returncode)
        is_over.wait(PAUSE_SECONDS)


def _end(daemon: subprocess.Popen[bytes]) -> None:
    assert daemon.stdin
    daemon.stdin.close()
    try:
        daemon.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        daemon.kill()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
