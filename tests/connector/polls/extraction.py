"""Extracts an account with Polls: its answers, all of them each time."""

from __future__ import annotations

from contextlib import AbstractContextManager

from ingestion.sources.polls.client import PollsClient
from ingestion.sources.polls.settings import LABEL, PollsSource
from ingestion.sources.polls.tables import ANSWERS, TABLES

from ingestion.errors import Gathered
from ingestion.http import Place
from ingestion.loading.api_check import IN_SECONDS, api_check
from ingestion.loading.api_load import ApiLoad, Asked, api_load
from ingestion.loading.intake import Intake
from ingestion.loading.reports import ExtractContext, Extraction, SourceCheck
from ingestion.loading.rows import EXPECTED, reason_of, row_hash, typed
from ingestion.warehouse.duckdb_sql import literal, quote

MEMBERS = dict.fromkeys(["id", "updated_at", *(column.name for column in ANSWERS)], "VARCHAR")
"""What of an answer's JSON is kept, as text."""


def extract(context: ExtractContext, source: PollsSource) -> AbstractContextManager[Extraction]:
    """Read all answers; the batches can be taken until the context is left."""

    def read(load: ApiLoad) -> None:
        load.say("reading answers")
        with Intake(load.connection, "answers records", MEMBERS, context.folder) as intake:
            for page in PollsClient(source).answers():
                intake.add(page.results)
        load.connection.execute(f"create table {quote('answers rows')} as {_rows(source.name)}")
        load.compare("answers", Asked(), is_whole=True)

    return api_load(context, Place(LABEL, source.name), TABLES, read)


def check(context: ExtractContext, source: PollsSource) -> SourceCheck:
    """Whether the API takes the token, told by its first page."""

    def ask(wrong: Gathered) -> None:
        next(PollsClient(source, IN_SECONDS).answers(limit=1))

    return api_check(source, Place(LABEL, source.name), source.url, ask)


def _rows(instance: str) -> str:
    """SQL of rows of the raw table from the answers that came in."""
    columns = ", ".join(
        f"{typed(column.name, column.type)} as {quote(column.name)}" for column in ANSWERS
    )
    problems = [
        (
            f"{typed(column.name, column.type)} is null",
            f"{literal(f'{column.name} = ')} || coalesce({column.name}, '') || "
            + literal(f": not {EXPECTED.get(column.type, 'a text')}"),
        )
        for column in ANSWERS
        if column.required
    ]
    return f"""
        with typed as (
            select
                {literal(instance)} as source_instance,
                null::VARCHAR as source_file,
                rowid as source_row,
                null::VARCHAR as source_extra,
                id as source_id,
                {typed("updated_at", "timestamp")} as source_updated_at,
                false as is_deleted,
                {columns},
                {reason_of(problems)} as reason,
                to_json(records)::VARCHAR as record
            from "answers records" as records
        )
        select *, {row_hash(TABLES["answers"])} as row_hash from typed
    """
