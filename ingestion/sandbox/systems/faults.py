"""What can go wrong on the way: faults, limits and schema drift, as plain settings."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

Fault = Literal["rate_limited", "server_error", "hang", "drop", "cut", "truncate", "duplicate"]


@dataclass(frozen=True)
class Drift:
    """Changes of an object type's properties.

    `added` and `retyped` give the text that every record then holds; `removed` ones are gone.
    """

    added: Mapping[str, str] = field(default_factory=dict)
    removed: tuple[str, ...] = ()
    retyped: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Faults:
    """How the server misbehaves. The default is a server that behaves.

    The first seven are shares of requests, 0 to 1: answered 429, or a burst of `burst` answered
    502; not answered for `hang_seconds`; connection closed without an answer, or in the middle of
    it; an answer whose JSON ends early; a page that comes twice. With `out_of_order`, pages of
    lists and rows of searches come in another order. The search index is `index_lag_seconds` old.
    At most `requests_per_interval` requests in `interval_seconds`, `searches_per_second` searches.
    The pipelines no longer have `removed_stages` (labels), though deals are still in them. The
    token's app lacks the scopes of `forbidden` objects; of advertising platforms, the access does
    not show the accounts (ids) that `forbidden` names.

    An access token is good for `token_requests` requests, then refused (0: it never expires). The
    first `failed_reports` reports that are asked for fail; a report of more than `report_rows` rows
    is refused as too large; an answer ends silently after `elements` elements.
    """

    rate_limited: float = 0.0
    server_error: float = 0.0
    hang: float = 0.0
    drop: float = 0.0
    cut: float = 0.0
    truncate: float = 0.0
    duplicate: float = 0.0
    out_of_order: bool = False
    burst: int = 3
    hang_seconds: float = 60.0
    retry_after_seconds: int = 1
    index_lag_seconds: float = 0.0
    requests_per_interval: int = 1_000_000
    interval_seconds: float = 10.0
    searches_per_second: int = 100_000
    drift: Mapping[str, Drift] = field(default_factory=dict)
    removed_stages: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    token_requests: int = 0
    failed_reports: int = 0
    report_rows: int = 1_000_000
    elements: int = 15_000
    seed: int = 0

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Faults:
        """Faults as the admin endpoint gets them. Raises ValueError naming an unknown key."""
        unknown = document.keys() - {known.name for known in fields(cls)}
        if unknown:
            raise ValueError(f"unknown fault {sorted(unknown)[0]!r}")
        drift = {
            name: Drift(
                changes.get("added", {}), tuple(changes.get("removed", ())),
                changes.get("retyped", {}),
            )
            for name, changes in document.get("drift", {}).items()
        }  # fmt: skip
        lists = {name: tuple(document.get(name, ())) for name in ("removed_stages", "forbidden")}
        return cls(**{**document, "drift": drift, **lists})


class Mishaps:
    """Draws the fault of each request: the same sequence for the same seed."""

    SHARES: tuple[Fault, ...] = (
        "rate_limited", "server_error", "hang", "drop", "cut", "truncate", "duplicate",
    )  # fmt: skip
    """The faults that befall a share of the requests."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._random = random.Random(faults.seed)
        self._burst_left = 0

    def next(self) -> Fault | None:
        """What befalls the next request."""
        if self._burst_left:
            self._burst_left -= 1
            return "server_error"
        drawn = self._random.random()
        for fault in self.SHARES:
            drawn -= getattr(self._faults, fault)
            if drawn < 0:
                self._burst_left = self._faults.burst - 1 if fault == "server_error" else 0
                return fault
        return None


class Window:
    """Counts requests in fixed windows of wall-clock time."""

    def __init__(self, limit: int, seconds: float) -> None:
        self.limit, self.seconds = limit, seconds
        self._began = 0.0
        self._used = 0

    def take(self) -> bool:
        """Count a request; whether it is within the limit."""
        now = time.monotonic()
        if now - self._began >= self.seconds:
            self._began, self._used = now, 0
        self._used += 1
        return self._used <= self.limit

    @property
    def remaining(self) -> int:
        """Requests left in the current window."""
        return max(0, self.limit - self._used)
