"""A run's log file, which may fail without the run."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from pathlib import Path

log = logging.getLogger("salesops")

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def log_handler(path: Path) -> logging.Handler:
    """Writes to a log file; where there can be none, that is said, and nothing is written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = _LogFile(path, encoding="utf-8")
    except OSError as error:
        log.warning("no log is kept of this run: %s", error)
        return logging.NullHandler()
    handler.setFormatter(logging.Formatter(FORMAT))
    return handler


class _LogFile(logging.FileHandler):
    """Ends at its first error, such as a full disk, and says so once."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        self.setLevel(logging.CRITICAL + 1)
        log.warning("%s: the log ends here (%s)", self.baseFilename, sys.exception())

    def close(self) -> None:
        with suppress(OSError):
            super().close()
