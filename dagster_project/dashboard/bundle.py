"""Vega in one piece, as pages carry it: made once for each version, and kept."""

from __future__ import annotations

import base64
import hashlib
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from dagster_project.run.dbt_project import PROJECT_FOLDER
from ingestion.disk.kept import kept

SHARED = PROJECT_FOLDER / "target"
"""What is made once for all companies; git ignores it."""
FILE = "vega.js"
SNIPPET = "window.vegaEmbed = vegaEmbed;"


@dataclass(frozen=True)
class Script:
    """A script within a page, and the hash by which the page's policy lets it run."""

    text: str

    @property
    def hash(self) -> str:
        """As a content security policy names it."""
        digest = hashlib.sha256(self.text.encode()).digest()
        return f"sha256-{base64.b64encode(digest).decode()}"


def vega(folder: Path) -> Script:
    """Vega, Vega-Lite and their embedding; kept in `folder` where the project cannot be written to.

    Raises OSError where neither can.
    """
    found, key = None, version("vl-convert-python")
    with suppress(OSError):
        found = kept(SHARED, "vega", key, _make)
    found = found or kept(folder, "vega", key, _make)
    return Script((found / FILE).read_text(encoding="utf-8"))


def _make(folder: Path) -> None:
    """No end of a script may stand within it, nor may lines end otherwise than a browser reads."""
    import vl_convert

    text = vl_convert.javascript_bundle(SNIPPET).replace("</script", "<\\/script")
    text = text.replace("<!--", "<\\!--").replace("\r\n", "\n").replace("\r", "\n")
    (folder / FILE).write_text(text, encoding="utf-8", newline="\n")
