"""What the commands show: text as it is, whatever it holds, on whatever it is shown."""

from __future__ import annotations

import os
import sys
from typing import TextIO

from ingestion.visible import visible_lines


def say(text: str, file: TextIO | None = None) -> None:
    """Print a line, or lines of which the later ones are set in."""
    print(visible_lines(text), file=file)


def show_anything() -> None:
    """Let no character fail that the terminal's encoding lacks: it is written as its escape."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def nobody_listens() -> None:
    """Go on where the reader of the output has gone, as `| head` does."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
