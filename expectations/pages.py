"""The pages of the Data Docs: Great Expectations renders, our templates need no network."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from great_expectations.core import (
    ExpectationSuiteValidationResult,
    ExpectationValidationResult,
    expectationSuiteValidationResultSchema,
)
from great_expectations.render.renderer import ValidationResultsPageRenderer
from great_expectations.render.view import DefaultJinjaPageView
from jinja2 import ChoiceLoader, FileSystemLoader

from expectations.report import AuditReport
from ingestion.visible import visible

TEMPLATES = Path(__file__).parent / "templates"


class _View(DefaultJinjaPageView):
    """Great Expectations' own view, whose page and frame load nothing from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        theirs = self.env.loader
        assert theirs is not None
        self.env.loader = ChoiceLoader([FileSystemLoader(TEMPLATES), theirs])


class Pages:
    """Renders a site's pages as HTML."""

    def __init__(self) -> None:
        self._renderer = ValidationResultsPageRenderer(run_info_at_end=True)
        self._view = _View()

    def validation(self, document: dict[str, Any]) -> str:
        """The page of one table's validation result."""
        result: ExpectationSuiteValidationResult = expectationSuiteValidationResultSchema.load(
            document
        )
        for outcome in result.results:
            _escape(outcome)
        page = self._renderer.render(result)
        # The header links to a page of the suite, which says nothing that this page does not.
        del page.sections[0].content_blocks[0]
        return self._view.render(page)

    def index(self, company: str, reports: Sequence[AuditReport], pages: Iterable[str]) -> str:
        """The page that lists every check and links to the tables' pages."""
        template = self._view.env.get_template("index.html")
        return template.render(company=company, reports=reports, pages=set(pages))


@cache
def pages() -> Pages:
    """What renders all pages of this process: their templates are compiled once."""
    return Pages()


def _escape(outcome: ExpectationValidationResult) -> None:
    """Great Expectations puts what was seen, and tracebacks, into the page as they are."""
    if samples := outcome.result.get("partial_unexpected_list"):
        outcome.result["partial_unexpected_list"] = [_as_text(sample) for sample in samples]
    if isinstance(outcome.result.get("observed_value"), str):
        outcome.result["observed_value"] = _as_text(outcome.result["observed_value"])
    info = outcome.exception_info or {}
    for one in (info, *(value for value in info.values() if isinstance(value, dict))):
        if trace := one.get("exception_traceback"):
            one["exception_traceback"] = _as_text(trace)
            one["exception_message"] = visible(one["exception_message"])


def _as_text(value: object) -> str:
    """A value as HTML that shows it, and in which the renderer's templates find no name."""
    told = "\n".join(map(visible, str(value).split("\n")))
    return html.escape(told).replace("$", "&#36;")
