"""What a page of the dashboard carries, read as a browser reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

Attributes = list[tuple[str, str | None]]


@dataclass(frozen=True)
class Number:
    """A number of a page: of a metric, a period, and a key of a cut."""

    metric: str
    variant: str
    grain: str
    start: str | None
    cut: str
    key: str
    value: float | None
    records: int
    left_out: int


@dataclass
class Page(HTMLParser):
    """The elements of a page, its scripts and what it carries."""

    text: str
    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.inside: dict[str, str | None] | None = None
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        self.elements.append((tag, dict(attrs)))
        self.inside = dict(attrs) if tag == "script" else None

    def handle_data(self, data: str) -> None:
        if self.inside is None:
            return
        if self.inside.get("type") == "application/json":
            self.data = json.loads(data)
        else:
            self.scripts.append(data)
        self.inside = None

    def named(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of all elements of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]

    def numbers(self) -> Iterator[Number]:
        """All numbers of KPI boards."""
        grains = {grain["name"]: grain for grain in self.data["grains"]}
        keys = {cut["name"]: cut["keys"] for cut in self.data["cuts"]}
        for metric in self.data["metrics"]:
            for grain, cuts in metric["series"].items():
                for cut, of_keys in cuts.items():
                    for key, series in zip(keys[cut], of_keys, strict=True):
                        if not series:
                            continue
                        first, values, records, left_out = series
                        for i, (value, n) in enumerate(zip(values, records, strict=True)):
                            if n is None:
                                assert value is None
                                continue
                            start = grains[grain]["starts"][first + i]
                            left = left_out[i] if left_out else 0
                            yield Number(
                                metric["metric"], metric["variant"], grain, start, cut, key,
                                value, n, left,
                            )  # fmt: skip
