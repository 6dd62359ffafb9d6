"""What tests keep for the next session: under pytest's own cache, which git ignores."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from dagster_project.run.recipe import code_hash
from ingestion.disk.kept import kept
from ingestion.paths import PROJECT

STORE = PROJECT / ".pytest_cache" / "d" / "salesops"


def made_once(kind: str, make: Callable[[Path], None], *inputs: Path | str) -> Path:
    """The folder that `make` has filled, not again while the code and all inputs are the same.

    Inputs are what `make` depends on besides: files, which count by what is in them, and texts.
    """
    digest = hashlib.sha256(code_hash().encode())
    for one in inputs:
        content = one.read_bytes() if isinstance(one, Path) else one.encode()
        digest.update(hashlib.sha256(content).digest())
    return kept(STORE, kind, digest.hexdigest()[:16], make, last=2)
