"""A special board's picture as a page would draw it, without a browser."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

import vl_convert

from dagster_project.dashboard.special.model import Row, SpecialBoard

NAMESPACE = "{http://www.w3.org/2000/svg}"
LOCALE = {"decimal": ".", "thousands": ",", "grouping": [3], "currency": ["€", ""]}


class Picture:
    """The drawn marks and words of a board's rows."""

    def __init__(self, board: SpecialBoard, rows: list[Row], width: int = 700) -> None:
        spec = board.chart(rows) | {"datasets": {"rows": rows}, "width": width}
        self.text = vl_convert.vegalite_to_svg(spec, format_locale=LOCALE)
        self.root = ElementTree.fromstring(self.text)

    @property
    def words(self) -> list[str]:
        """All that is written, marks' words and axes' and legends' alike."""
        return ["".join(found.itertext()) for found in self.root.iter(f"{NAMESPACE}text")]

    def marks(self, kind: str) -> list[ElementTree.Element]:
        """The drawn shapes of a kind of mark: rect, symbol, rule, line."""
        return [shape for group in self._groups(kind) for shape in group if _is_seen(shape)]

    def _groups(self, kind: str) -> Iterator[ElementTree.Element]:
        for group in self.root.iter(f"{NAMESPACE}g"):
            told = group.get("class", "").split()
            if f"mark-{kind}" in told and any(one.startswith("layer_") for one in told):
                yield group


def _is_seen(shape: ElementTree.Element) -> bool:
    return bool(shape.get("d") or shape.get("x2") or shape.get("y2"))


def pictures(board: SpecialBoard, rows: list[Row]) -> Iterator[Picture]:
    """The board's pictures, one of each that can be chosen."""
    for chosen in board.chosen(rows).values():
        yield Picture(board, chosen)
