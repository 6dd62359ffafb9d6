"""The Polls source: answers to surveys, read over an API. An example of a whole connector."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from ingestion.sources.polls.settings import LABEL, PollsSource
from ingestion.sources.polls.tables import DESCRIPTIONS, tables_of

from ingestion.sources.source_type import Freshness, SourceType

if TYPE_CHECKING:
    from ingestion.loading.reports import ExtractContext, Extraction, SourceCheck


def extract(context: ExtractContext, source: PollsSource) -> AbstractContextManager[Extraction]:
    """The answers that are new or changed, in batches for dlt. Raises SourceError."""
    from ingestion.sources.polls.extraction import extract as run

    return run(context, source)


def check(context: ExtractContext, source: PollsSource) -> SourceCheck:
    """Whether there is a token that the API takes."""
    from ingestion.sources.polls.extraction import check as run

    return run(context, source)


POLLS = SourceType(
    name="polls",
    label=LABEL,
    settings=PollsSource,
    tables_of=tables_of,
    descriptions=DESCRIPTIONS,
    extract=extract,
    check=check,
    is_remote=True,
    entities=("surveys",),
    is_canonical=False,
    histories=(),
    deals=None,
    stages=None,
    people=None,
    freshness=(Freshness("answers", "answered_at", days=31),),
)
