"""Links to the company's pages, while `make ui` serves them."""

from __future__ import annotations

import os

from dagster_project.run.opening import PAGES


def linked(description: str, what: str, page: str) -> str:
    """A description that leads to a page: a browser follows no link from the UI to a file."""
    served = os.environ.get(PAGES)
    return f"{description}\n\n[Open {what}]({served}/{page})" if served else description
