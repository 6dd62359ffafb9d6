"""What the commands show: text as it is, whatever it holds, on whatever it is shown."""

from __future__ import annotations

import os
import sys
from typing import TextIO

from ingestion.visible import visible_lines

STDERR = 2


def say(text: str, file: TextIO | None = None) -> None:
    """Print a line, or lines of which the later ones are set in."""
    print(visible_lines(text), file=file)


def show_anything() -> None:
    """Let no character fail that the terminal's encoding lacks: it is written as its escape.

    What is shown on a stream that the caller has closed is lost, and gets into no file that is
    opened in its place.
    """
    while (free := os.open(os.devnull, os.O_RDWR)) <= STDERR:
        pass
    os.close(free)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))
        getattr(sys, name).reconfigure(errors="backslashreplace")


def nobody_listens() -> None:
    """Go on where the reader of the output has gone, as `| head` does."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
