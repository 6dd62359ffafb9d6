"""Whether a build may be an increment on the last one, and what it leaves for the next.

A build that was of everything, and that came to its end, leaves its moments and what it was made by
in the schema `build` of the warehouse (dbt/macros/increments.sql). The next one recomputes only the
records that may have changed since, unless anything is in doubt: then all is built anew.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from dagster_project.run.dbt_manifest import definitions_hash
from ingestion.loading.moments import LOADS, loaded_at

if TYPE_CHECKING:
    from dagster_project.run.dbt_runner import Dbt

BUILD = "build"
WHOLE, INCREMENT = "whole", "increment"
FIRST = "there was no build before"
STANDING = (
    "--indirect-selection",
    "empty",
    "--exclude",
    "config.materialized:view",
    "tag:standing",
)
"""What an increment leaves standing: views, of which DuckDB lets tables be replaced beneath, are renewed
all at once, and what is made of definitions alone stays as it is."""

log = logging.getLogger("salesops")


@dataclass(frozen=True)
class Moments:
    """The moments of a build, UTC without zone: as `run_values` says."""

    as_of: dt.datetime
    known_at: dt.datetime
    company_as_of: dt.datetime | None = None

    @property
    def data_until(self) -> dt.datetime:
        """Where the company's data ends."""
        return min(self.company_as_of or self.known_at, self.known_at)


@dataclass(frozen=True)
class Build:
    """How to build everything: what the macros read of it, and what dbt is to leave out."""

    values: Mapping[str, str]
    exclusions: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the last build is kept."""
        return self.values["SALESOPS_BUILD"] == WHOLE


def plan_build(dbt: Dbt, moments: Moments, *, full: bool = False) -> Build:
    """Whether all is built anew, which `full` asks for, and what is put down for the next build.

    Says in one line why it is, where there was a build before.
    """
    made_by = _made_by(dbt, moments)
    doubt = "that was asked for" if full else _doubt(dbt, moments, made_by)
    if doubt and doubt != FIRST:
        log.info("building everything: %s", doubt)
    values = {
        "SALESOPS_BUILD": WHOLE if doubt else INCREMENT,
        "SALESOPS_BUILD_MADE_BY": made_by,
        "SALESOPS_BUILD_LOADS": _loads(dbt, moments.known_at),
    }
    is_lean = not doubt and dbt.warehouse.name == "duckdb"
    return Build(values, STANDING if is_lean else ())


def _doubt(dbt: Dbt, moments: Moments, made_by: str) -> str | None:
    """Why a build cannot be an increment; None where it can."""
    if not dbt.warehouse.table_exists(BUILD, "last_build"):
        return FIRST
    found = dbt.warehouse.read(f"select * from {BUILD}.last_build").to_pylist()
    if not found:
        return "there was no build of everything before"
    [last] = found
    if dbt.warehouse.name == "duckdb" and not dbt.warehouse.marts.exists():
        return f"{dbt.warehouse.marts} is gone"
    if not last["is_complete"]:
        return "the last build did not come to its end"
    if last["made_by"] != made_by:
        return "definitions, settings or the engine are others than at the last build"
    if moments.as_of < last["as_of"] or moments.known_at < last["known_at"]:
        return "its moments are before those of the last build"
    if last["loads"] != _loads(dbt, last["known_at"]):
        return "loads of before the last build have come or gone since"
    return None


def _made_by(dbt: Dbt, moments: Moments) -> str:
    """Hash of all that makes the tables, but for data and moments."""
    packages = ("dbt-core", f"dbt-{dbt.warehouse.name}", "duckdb")
    parts = {
        "definitions": definitions_hash(dbt.manifest()),
        "variables": dbt.variables,
        "packages": {name: version(name) for name in packages},
        "looks_back": _day(dbt, moments.as_of) < _day(dbt, moments.data_until),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _day(dbt: Dbt, moment: dt.datetime) -> dt.date:
    zone = ZoneInfo(dbt.company.timezone)
    return moment.replace(tzinfo=dt.UTC).astimezone(zone).date()


def _loads(dbt: Dbt, known_at: dt.datetime) -> str:
    """A digest of the loads that were finished by a moment."""
    found: list[Any] = []
    for source_type in dbt.company.source_types:
        dataset = f"raw_{source_type}"
        if dbt.warehouse.table_exists(dataset, LOADS):
            rows = dbt.warehouse.read(
                f"select load_id from {dataset}.{LOADS} "
                f"where status = 0 and {loaded_at()} <= ? order by load_id",
                [known_at],
            )
            found.append([dataset, *rows["load_id"].to_pylist()])
    return hashlib.sha256(json.dumps(found).encode()).hexdigest()
