"""Extracts an advertising platform: the window of each account's days, compared with what is known.

A connector's `extract` and `check` call those of this module with a function that makes its reader.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

from ingestion.contract.columns import Column
from ingestion.loading.reports import ExtractContext, Extraction, SourceCheck
from ingestion.sources.ads.reader import AdsReader
from ingestion.sources.ads.settings import AdsSource


def extract(
    context: ExtractContext,
    source: AdsSource,
    label: str,
    tables: Mapping[str, tuple[Column, ...]],
    connect: Callable[[], AdsReader],
) -> AbstractContextManager[Extraction]:
    """Read the accounts; the batches can be taken until the context is left.

    `label` is the platform's name, `tables` are those of `tables_with`; `connect` makes the reader
    of the source. Raises SourceError; nothing of the source is then loaded.
    """
    raise NotImplementedError


def check(
    context: ExtractContext,
    source: AdsSource,
    label: str,
    url: str,
    connect: Callable[[], AdsReader],
) -> SourceCheck:
    """Whether there is access to all accounts that would be read, and to a day of one of them.

    `connect` makes a reader that does not wait long (`IN_SECONDS`).
    """
    raise NotImplementedError
