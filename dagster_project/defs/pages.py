"""Links to the company's pages, while `make ui` serves them."""

from __future__ import annotations

import os
from collections.abc import Mapping

import dagster as dg

from dagster_project.run.opening import PAGES


def link(page: str) -> Mapping[str, dg.UrlMetadataValue]:
    """A page's address as metadata: a browser follows no link from the UI to a file."""
    served = os.environ.get(PAGES)
    return {"page": dg.MetadataValue.url(f"{served}/{page}")} if served else {}
