"""What can be told of an API's source without reading its records: the frame of each `check`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ingestion.errors import Gathered
from ingestion.http import NoAnswerError, Patience, Place, understood
from ingestion.loading.reports import SourceCheck

if TYPE_CHECKING:
    from ingestion.sources.source_type import SourceSettings

IN_SECONDS = Patience(attempts=2, timeout=(5.0, 20.0))
"""A check is waited for."""


def api_check(
    source: SourceSettings, place: Place, url: str, ask: Callable[[Gathered], None]
) -> SourceCheck:
    """What comes of asking the API something small, as `ask` does.

    It raises SourceError of what is wrong, or keeps several things in what it is given. That the
    API cannot be reached now is no mistake of the company file: it is a remark, and nothing is
    known of the source.
    """
    wrong, remarks, is_reached = Gathered(), [], True
    with wrong.each(), understood(place):
        try:
            ask(wrong)
        except NoAnswerError as error:
            is_reached = False
            remarks.append(f"not checked, since it cannot be reached: {error}")
    return SourceCheck(
        source.name,
        source.type,
        url,
        problems=tuple(wrong.problems),
        remarks=tuple(remarks),
        is_reached=is_reached,
    )
