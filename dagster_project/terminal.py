"""What the commands show: text as it is, whatever it holds, on whatever it is shown."""

from __future__ import annotations

import os
import sys
from typing import Any, TextIO

from rich.console import Console
from rich.text import Text

from ingestion.visible import visible, visible_lines


class Terminal(Console):
    """A console on which text is shown as it is: it neither marks up nor commands anything."""

    def __init__(self, width: int | None) -> None:
        """`width` in characters; None: as wide as the terminal is."""
        super().__init__(markup=False, emoji=False, highlight=False, width=width)

    def render_str(self, text: str, **how: Any) -> Text:
        """The text, with what would command the terminal written as its escape."""
        return super().render_str(visible(text), **how)


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
