"""The models of the closing rule on deals put straight into raw: dbt itself runs only once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pandas as pd

from ingestion.company.reading import load_company
from ingestion.pipeline import load_source
from tests.compiled_models import CompiledModels
from tests.oracle.closing import Change
from tests.pipeline.closing_deals import LOADS, SILENT, STATUSES, TELLING, Case, Day, Deal, Moment

ZONES = ("Pacific/Auckland", "America/Los_Angeles")
MODELS = (
    "fct_opportunities",
    "fct_opportunity_hygiene",
    "fct_pipeline_bridge",
    "int_opportunity_states",
    "int_pipeline_at_month_end",
    "revenue_won",
)
COMPANY = """
name: Closings
currency: USD
timezone: {zone}
sources:
"""
SOURCE = """
  - name: {name}
    type: files
    path: .
    provides: {{opportunities: {name}}}
    entities:
      opportunities: {{from: opportunities.csv}}
      field_changes: {{from: field_changes.csv}}
      pipeline_stages:
        rows:
"""
NEVER = dt.datetime(9999, 12, 31)
"""By then, all loads are known."""


@dataclass(frozen=True, repr=False)
class Bench:
    """A company whose raw tables are filled case by case."""

    models: CompiledModels

    @classmethod
    def made_in(cls, folder: Path) -> Bench:
        """A bench on a company of its own; SALESOPS_DATA says where its data are."""
        file = folder / "company.yml"
        text = COMPANY.format(zone=ZONES[0])
        for name in (TELLING, SILENT):
            text += SOURCE.format(name=name)
            for order, (stage, status) in enumerate(STATUSES.items(), start=1):
                text += f"          - {{stage: {stage}, stage_order: {order}, status: {status}}}\n"
        file.write_text(text)
        (folder / "opportunities.csv").write_text("source_id,stage,created_at\nx,Lead,2024-01-01\n")
        (folder / "field_changes.csv").write_text(
            "entity,entity_id,field,old_value,new_value,changed_at\n"
        )
        company = load_company(file)
        for source in company.sources:
            load_source(company, source)
        bench = cls(CompiledModels.of(company))
        with bench._connection() as connection:
            connection.execute(
                "update raw_files._dlt_loads set inserted_at = '2024-01-01 00:00:00+00'"
            )
            connection.execute("delete from raw_files.opportunities")
        return bench

    def load(self, case: Case) -> None:
        """Let raw hold a case's deals, and nothing of another's."""
        with self._connection() as connection:
            for table, rows in (
                ("opportunities", [row for deal in case.deals for row in _versions(deal, case)]),
                ("field_changes", [row for deal in case.deals for row in _changes(deal)]),
            ):
                connection.execute(f"delete from raw_files.{table}")
                if rows:
                    connection.register("found", pd.DataFrame(rows))
                    connection.execute(f"insert into raw_files.{table} by name from found")
            connection.execute("delete from raw_files._dlt_loads where load_id like 'load %'")
            for number, loaded_at in enumerate(LOADS):
                connection.execute(
                    "insert into raw_files._dlt_loads by name "
                    "select * replace (? as load_id, cast(? as timestamptz) as inserted_at) "
                    "from raw_files._dlt_loads limit 1",
                    [_load(number), f"{loaded_at.isoformat()}+00"],
                )

    def build(self, case: Case, as_of: Moment, models: Sequence[str] = MODELS) -> None:
        """Build models of the loaded case as of a moment, all of its loads known."""
        zoned = {
            name: statement.replace(f"'{ZONES[0]}'", f"'{case.zone.key}'")
            for name, statement in self.models.statements.items()
        }
        models_of_case = replace(self.models, company_as_of=case.as_of, statements=zoned)
        models_of_case.build(as_of, NEVER, models)

    def rows(self, sql: str) -> pd.DataFrame:
        """Rows of what was built."""
        with self._connection() as connection:
            return connection.execute(sql).df()

    def _connection(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect(self.models.warehouse)
        connection.execute("set TimeZone = 'UTC'")
        return connection


def _load(number: int) -> str:
    return f"load {number}"


def _versions(deal: Deal, case: Case) -> Iterator[dict[str, object]]:
    for record in deal.records:
        closed = record.closed_at
        yield {
            "source_instance": deal.source,
            "source_id": deal.id,
            "source_row": int(deal.id[1:]),
            "source_updated_at": record.updated_at,
            "is_deleted": record.is_deleted,
            "stage": record.stage,
            "amount": deal.amount,
            "owner_id": _owner(deal, deal.owner),
            "created_at": deal.created_at(case.zone),
            "close_date": record.close_date.on if record.close_date else None,
            "closed_at": closed.span(case.zone).first if isinstance(closed, Day) else closed,
            "_dlt_load_id": _load(record.load),
        }


def _owner(deal: Deal, name: str | None) -> str | None:
    """The id of a deal's own owner of a name; None: nobody has it."""
    return None if name is None else f"{deal.id}{name}"


def _changes(deal: Deal) -> Iterator[dict[str, object]]:
    owners = [
        Change(change.at, _owner(deal, change.old), _owner(deal, change.new))
        for change in deal.owners
    ]
    told = [("stage", change) for change in deal.moves]
    told += [("owner_id", one) for one in owners] + [("amount", one) for one in deal.amounts]
    for row, (name, change) in enumerate(told):
        yield {
            "source_instance": deal.source,
            "source_id": f"{deal.id} {row}",
            "source_row": row,
            "entity": "opportunities",
            "entity_id": deal.id,
            "field": name,
            "old_value": change.old,
            "new_value": change.new,
            "changed_at": change.at,
            "_dlt_load_id": _load(0),
        }
