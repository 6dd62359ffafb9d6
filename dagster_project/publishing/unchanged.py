"""Whether a run would publish again what is published: told without Dagster, dbt and the audits.

Anything in doubt is a whole run. An audit that failed leaves its loads in the warehouse, where
they are not the inputs of what is published: the next run is whole, too.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from dagster_project.publication import Publication, in_place
from dagster_project.publishing.inputs import inputs
from dagster_project.run.clock import now
from dagster_project.run.pipeline_run import PipelineRun
from dagster_project.run.recipe import recipe_hash
from ingestion.errors import SalesopsError
from ingestion.loading.moments import LOADS, loaded_at
from ingestion.paths import CompanyPaths
from ingestion.sources.registry import SOURCE_TYPES

OF_LOADS = ("exports", "rejected")
"""Raw tables that tell of loads: their moments are no events."""


def published_already(run: PipelineRun) -> Publication | None:
    """What is published, where a whole run would publish the same numbers; else None.

    The sources are then loaded, to know that they hold nothing new. What a load raises is left
    to the whole run, which meets it again.
    """
    if run.is_time_travel or run.force:
        return None
    publication = in_place(run.paths.published)
    if publication is None or publication.recipe_hash != recipe_hash(run.company):
        return None
    if not _is_same_day(run, publication) or not _has_docs(run):
        return None
    try:
        is_same = not _loads_anything(run) and _rests_on(run, publication)
    except SalesopsError:
        return None
    return publication if is_same and not _has_happened_since(run, publication.as_of) else None


def _is_same_day(run: PipelineRun, publication: Publication) -> bool:
    """Whether now is the same: the same moment where the company's is fixed, else the same day."""
    if run.company.own_as_of:
        return run.company.own_as_of == publication.as_of
    moments = publication.as_of, run.asked_as_of or now()
    days = {run.company.local(moment).date() for moment in moments}
    return moments[0] <= moments[1] and len(days) == 1


def _has_docs(run: PipelineRun) -> bool:
    return (CompanyPaths.of(run.company).data_docs / "index.html").exists()


def _loads_anything(run: PipelineRun) -> bool:
    """Load the sources; whether that brought anything, or anything to be told."""
    loads = [load for source_type in run.company.source_types for load in run.load(source_type)]
    return any(load.warnings or not load.is_unchanged for load in loads)


def _rests_on(run: PipelineRun, publication: Publication) -> bool:
    """Whether the publication rests on the last load of everything."""
    return _plain(inputs(run)) == _plain(publication.inputs)


def _plain(told: object) -> Any:
    return json.loads(json.dumps(told, default=str))


def _has_happened_since(run: PipelineRun, as_of: dt.datetime) -> bool:
    """Whether anything was loaded or is dated between a moment and now."""
    if run.as_of == as_of:
        return False
    between = f"> timestamp '{as_of}' and {{0}} <= timestamp '{run.as_of}'"
    parts = []
    for source_type in run.company.source_types:
        dataset = f"raw_{source_type}"
        parts.append(f"{dataset}.{LOADS} where {loaded_at()} {between.format(loaded_at())}")
        for table, columns in SOURCE_TYPES[source_type].tables_of(run.company.entities).items():
            moments = [column.name for column in columns if column.type == "timestamp"]
            if table not in OF_LOADS and moments:
                dated = " or ".join(f"{name} {between.format(name)}" for name in moments)
                parts.append(f"{dataset}.{table} where {dated}")
    found = " union all ".join(f"select 1 as found from {part}" for part in parts)
    return run.warehouse.read(f"select 1 from ({found}) as since limit 1").num_rows > 0
