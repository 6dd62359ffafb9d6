"""What tests keep for the next session: under pytest's own cache, which git ignores."""

from __future__ import annotations

from ingestion.paths import PROJECT

STORE = PROJECT / ".pytest_cache" / "d" / "salesops"
