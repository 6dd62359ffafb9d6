"""Progress on the terminal, and the log of a run: nothing in them commands who reads them."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

from ingestion.visible import visible_lines

log = logging.getLogger("salesops")


class VisibleRecord(logging.LogRecord):
    """A record whose message commands no terminal, whoever prints it: Dagster has a console."""

    def getMessage(self) -> str:  # noqa: N802
        """The message, its later lines set in."""
        return visible_lines(super().getMessage())


class VisibleFormatter(logging.Formatter):
    """Formats records so that no text in them can be taken for a record, or for a command."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """The record without its traceback."""
        return visible_lines(super().formatMessage(record))

    def formatException(  # noqa: N802
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None]
        | tuple[None, None, None],
    ) -> str:
        """The traceback, line by line."""
        return visible_lines(super().formatException(ei), indent="")


class _LogOfRun(logging.FileHandler):
    """A file that ends at its first error, such as a full disk: that is said, and stops no run."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Leave out this record, and all that come."""
        self.setLevel(logging.CRITICAL + 1)
        log.warning("%s: the log ends here (%s)", self.baseFilename, sys.exception())

    def close(self) -> None:
        """Close the file, whatever becomes of what is still to be written."""
        with suppress(OSError):
            super().close()


@contextmanager
def progress() -> Iterator[None]:
    """Progress on the terminal."""
    terminal = logging.StreamHandler(sys.stderr)
    terminal.setFormatter(VisibleFormatter("%(message)s"))
    log.setLevel(logging.INFO)
    log.addHandler(terminal)
    try:
        yield
    finally:
        log.removeHandler(terminal)


@contextmanager
def log_of_run(folder: Path, run_id: str) -> Iterator[Path | None]:
    """Progress, warnings and tracebacks in a file of the run's own, in `folder`.

    None where there can be none: that stops no run.
    """
    path: Path | None = folder / f"{run_id}.log"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file: logging.Handler = _LogOfRun(str(path), encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        log.warning("%s: no log is kept (%s)", path, error.strerror)
        path, file = None, logging.NullHandler()
    file.setFormatter(VisibleFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.captureWarnings(True)
    logging.getLogger().addHandler(file)
    try:
        yield path
    finally:
        logging.getLogger().removeHandler(file)
        file.close()
