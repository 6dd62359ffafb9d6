"""The console that summaries are printed on; it takes rich, which takes its time to import."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ingestion.visible import visible


class PlainConsole(Console):
    """A console on which text is shown as it is: it neither marks up nor commands anything."""

    def __init__(self, width: int | None) -> None:
        """`width` in characters; None: as wide as the terminal is."""
        super().__init__(markup=False, emoji=False, highlight=False, width=width)

    def render_str(self, text: str, **how: Any) -> Text:
        """The text, with what would command the terminal written as its escape."""
        return super().render_str(visible(text), **how)

    def ranked(self, lines: Iterable[str], style: str = "") -> None:
        """A numbered list; what does not fit on a line goes on below its beginning."""
        listed = Table.grid(padding=(0, 1))
        for place, line in enumerate(lines, 1):
            listed.add_row(f" {place}.", line)
        if listed.row_count:
            self.print(listed, style=style)

    def table(self, *headings: str) -> Table:
        """An empty table, its first column on the left, all others on the right."""
        table = Table(box=None, pad_edge=False, header_style="bold")
        for position, heading in enumerate(headings):
            # Where a table is too wide, names go on in the next line; numbers are never cut.
            table.add_column(
                heading,
                justify="right" if position else "left",
                no_wrap=position > 0,
                overflow="fold",
            )
        return table
