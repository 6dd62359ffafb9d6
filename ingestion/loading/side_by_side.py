"""Reads several lists at a time: the network waits, the server works."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed


def side_by_side(
    at_a_time: int, reads: Iterable[Callable[[], object]], stop: Callable[[], None]
) -> None:
    """Do all of `reads`, in threads. Where one fails nothing else begins, and its error is raised.

    `stop` is called then: it lets no request of those under way begin any more.
    """
    with ThreadPoolExecutor(at_a_time) as pool:
        reading = [pool.submit(read) for read in reads]
        try:
            for done in as_completed(reading):
                done.result()
        except BaseException:
            stop()
            pool.shutdown(cancel_futures=True)
            raise
