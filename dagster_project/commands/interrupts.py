"""Being stopped: by Ctrl-C, by SIGTERM as service managers send it, or with the terminal."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def interruptible() -> Iterator[Callable[[], int | None]]:
    """All of them raise KeyboardInterrupt; yields what tells which has come, if any.

    One that is ignored, as under nohup, stays so. To be asked whatever was raised: Dagster has an
    interruption of its own, and DuckDB makes a RuntimeError of one that comes during a query.
    """
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    handlers = {number: signal.getsignal(number) for number in STOPPING}
    for number, handler in handlers.items():
        if handler != signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
    came: list[int] = []

    def stopped_by() -> int | None:
        with suppress(BlockingIOError):
            came.extend(number for number in os.read(reader, 512) if number in STOPPING)
        return came[0] if came else None

    try:
        yield stopped_by
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(before)
        os.close(reader)
        os.close(writer)
