"""Why a run has built less than is published.

Another definition explains whatever it is. Else the sources do, as far as their loads have deleted
or corrected records since. Where loads are missing that the last publication rests on, nothing
does.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from dagster_project.publishing.versions import HISTORY
from dagster_project.run.pipeline_run import PipelineRun
from ingestion.loading.moments import LOAD_ID, LOADS, loaded_at

if TYPE_CHECKING:
    import duckdb

SPANS = {"dim_date", "fct_pipeline_bridge", "fct_pipeline_daily"}
"""Tables with rows by day or month: one record with a wrong date can make them several times as
long, until it is corrected."""
STAGES = {"pipeline_stages", "stages"}
"""Raw tables of which one row may decide whether deals of every period count as won, and which
stages they have skipped."""
IDENTITY = ("source_instance", "entity", "fingerprint", "extracted_at")
"""What tells what one load has brought of an entity from all others."""
MONTHS = {"quarter": 3, "year": 12}
DEALS = {
    "revenue_won": ("is_won", "closed_on", "amount"),
    "deals_won": ("is_won", "closed_on", "1"),
    "pipeline_created": ("removal is null", "created_on", "amount"),
}
"""The headline totals: which deals of `fct_opportunities` they count, when, and how much."""

log = logging.getLogger("salesops")


class Total(NamedTuple):
    """A headline total of a quarter or a year, for the whole company."""

    metric: str
    grain: str
    start: dt.date

    def __str__(self) -> str:
        return f"{self.metric} of the {self.grain} from {self.start}"


@dataclass(frozen=True)
class Last:
    """The last publication: a reader of its tables, and its manifest."""

    reader: duckdb.DuckDBPyConnection
    known_at: dt.datetime
    as_of: dt.datetime
    made_by: tuple[str, str | None]
    row_counts: Mapping[str, int]
    inputs: Sequence[Mapping[str, Any]]


def by_total(rows: Sequence[Mapping[str, Any]]) -> dict[Total, float]:
    """Values of headline totals, from rows of `kpi_values` or of its history."""
    return {
        Total(row["metric"], row["period_grain"], row["period_start"]): float(row["value"] or 0)
        for row in rows
    }


@dataclass(frozen=True)
class Losses:
    """Why there is less than was published; found out only where there is.

    `made_by` are the hashes of the definitions and of the recipe of now.
    """

    run: PipelineRun
    last: Last
    made_by: tuple[str, str]

    def of_rows(self, table: str, before: float) -> float:
        """How many of the rows that a table had the sources have taken away.

        Their share is that of the records, of the entity hit most, that loads have deleted since.
        """
        if self._verdict is not None:
            return before * self._verdict
        is_span = table in SPANS and any(one.changed for one in self._loaded)
        if is_span or self._are_stages_others:
            return before
        return before * max(one.deleted_share for one in self._loaded)

    def of_total(self, total: Total, before: float) -> float:
        """How much of a total the sources have taken away.

        That is by how much the deals fell that were loaded again since; or what the history of
        numbers ascribes to late facts and corrections, whichever is more.
        """
        if self._verdict is not None:
            return before * self._verdict
        if self._are_stages_others:
            return before
        restated = self._restated.get(total, before)
        return max(before - restated, self._fall_of_touched_deals(total))

    def tell_missing(self) -> None:
        """Warn of loads that are missing: versions went with them, however much there is now."""
        if self._missing:
            log.warning(
                "loads are missing that what is published rests on: %s%s; what they had known of "
                "the past is gone. If the warehouse was lost, put a backup of it in its place",
                ", ".join(self._missing[:3]),
                f" and {len(self._missing) - 3} more" if len(self._missing) > 3 else "",
            )

    @cached_property
    def _verdict(self) -> float | None:
        """The share that is explained at once: 1 by another definition, 0 where loads are missing.

        None where it takes a closer look.
        """
        if self._missing:
            return 0.0
        return 1.0 if self.made_by != self.last.made_by else None

    @cached_property
    def _missing(self) -> list[str]:
        """The loads that the last publication rests on and that are not known."""
        known = {
            _identity(export)
            for dataset in self._datasets
            for export in self._exports_of(dataset, f"exports.{', exports.'.join(IDENTITY)}")
        }
        return [
            f"{lost['source_instance']}.{lost['entity']} of {lost['extracted_at']} UTC"
            for lost in self.last.inputs
            if _identity(lost) not in known
        ]

    @cached_property
    def _exports(self) -> list[dict[str, Any]]:
        """What each known load has brought of each entity."""
        return [
            export
            for dataset in self._datasets
            for export in self._exports_of(
                dataset, f"exports.*, '{dataset}.' || exports.entity as raw"
            )
        ]

    @cached_property
    def _datasets(self) -> list[str]:
        """The raw datasets of now, and of the last publication."""
        of_last = {export["source_type"] for export in self.last.inputs}
        datasets = {
            f"raw_{source_type}" for source_type in {*of_last, *self.run.company.source_types}
        }
        return [
            dataset
            for dataset in sorted(datasets)
            if self.run.warehouse.table_exists(dataset, "exports")
        ]

    def _exports_of(self, dataset: str, columns: str) -> list[dict[str, Any]]:
        return self.run.warehouse.read(
            f"""select {columns}, {loaded_at("loads")} > ? as is_new
            from {dataset}.exports as exports
            inner join {dataset}.{LOADS} as loads
                on loads.load_id = exports.{LOAD_ID} and loads.status = 0
            where {loaded_at("loads")} <= ?""",
            [self.last.known_at, self.run.known_at],
        ).to_pylist()

    @cached_property
    def _loaded(self) -> list[Loaded]:
        """What loads since have done to each source's entities, and to the deals that count."""
        by_entity = defaultdict(list)
        for export in self._exports:
            by_entity[export["source_instance"], export["raw"]].append(export)
        removed = self._touched_deals.execute(
            """select count(*)
            from touched inner join marts.fct_opportunities as before using (opportunity_key)
            where touched.removal is not null and before.removal is null"""
        ).fetchone()
        assert removed is not None
        deals = Loaded("deals", self.last.row_counts["fct_opportunities"], 0, removed[0])
        return [deals, *(self._loaded_of(raw, these) for (_, raw), these in by_entity.items())]

    def _loaded_of(self, raw: str, exports: Sequence[Mapping[str, Any]]) -> Loaded:
        """From what each load of a source's raw table has brought; deleted is what says so."""
        known = max((export["rows"] for export in exports if not export["is_new"]), default=0)
        since = [export for export in exports if export["is_new"]]
        changed = sum(export["rows_changed"] + export["rows_deleted"] for export in since)
        if not changed:
            return Loaded(exports[0]["entity"], known, 0, 0)
        loads = ", ".join(f"'{export[LOAD_ID]}'" for export in since)
        [row] = self.run.warehouse.read(
            f"""select count(distinct source_id) as deleted from {raw}
            where is_deleted and source_instance = ? and {LOAD_ID} in ({loads})""",
            [exports[0]["source_instance"]],
        ).to_pylist()
        return Loaded(exports[0]["entity"], known, changed, row["deleted"])

    @property
    def _are_stages_others(self) -> bool:
        return any(one.entity in STAGES and one.changed for one in self._loaded)

    @cached_property
    def _restated(self) -> dict[Total, float]:
        """What late facts and corrections make of the last publication's totals."""
        return by_total(
            self.run.warehouse.read(
                f"""select metric, period_grain, period_start, value
                from {HISTORY}.kpi_versions
                where run_id = ? and variant = 'default' and dimension = 'company'
                order by step""",
                [self.run.run_id],
            ).to_pylist()
        )

    @cached_property
    def _touched_deals(self) -> duckdb.DuckDBPyConnection:
        """The reader, in which `touched` are the deals of now of which there is news since.

        They were loaded again, or are dated later.
        """
        known_at, as_of = self.last.known_at, self.last.as_of
        touched = self.run.warehouse.read(
            """select opportunity_key, is_won, closed_on, created_on, removal, amount
            from marts.fct_opportunities
            where loaded_at > ? or source_updated_at > ? or removed_at > ?""",
            [known_at, as_of, as_of],
        )
        return self.last.reader.register("touched", touched)

    def _fall_of_touched_deals(self, total: Total) -> float:
        counts, day, worth = DEALS[total.metric]
        end = f"cast(? as date) + to_months({MONTHS[total.grain]})"
        before, now = (
            f"""(select coalesce(sum({worth}), 0) from {deals}
            where {counts} and {day} >= cast(? as date) and {day} < {end})"""
            for deals in (
                "marts.fct_opportunities semi join touched using (opportunity_key)",
                "touched",
            )
        )
        row = self._touched_deals.execute(f"select {before} - {now}", [total.start] * 4).fetchone()
        assert row is not None
        return float(row[0])


@dataclass(frozen=True)
class Loaded:
    """How many records of an entity were known, and what loads have done to them since.

    The `deleted` are among the `changed`, where it is known how many those are.
    """

    entity: str
    known: int
    changed: int
    deleted: int

    @property
    def deleted_share(self) -> float:
        """Of what was known."""
        return min(1.0, self.deleted / self.known) if self.known else 0.0


def _identity(export: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(export[name]) for name in IDENTITY)
