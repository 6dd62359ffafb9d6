"""Dagster's daemon, in a process that ends with the one that started it, however that ends."""

from __future__ import annotations

import os
import signal
import sys
import threading


def main() -> None:
    """Run the daemon, with the arguments of `dagster-daemon`, until standard input is closed."""
    from dagster._daemon.cli import cli

    threading.Thread(target=_end_with_parent, daemon=True).start()
    cli(["run", *sys.argv[1:]])


def _end_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.kill(os.getpid(), signal.SIGINT)


if __name__ == "__main__":
    main()
