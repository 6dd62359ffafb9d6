"""What a run can do without."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from ingestion.errors import first_line

log = logging.getLogger("salesops")


@contextmanager
def optional(what: str) -> Iterator[None]:
    """Something may fail: it is said, and stops nothing."""
    try:
        yield
    except Exception as error:
        cause = first_line(error) or type(error).__name__
        log.warning("%s: %s; the run goes on without", what, cause)
