"""What the numbers of a run rest on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dagster_project.run.pipeline_run import PipelineRun
from ingestion.loading.moments import LOAD_ID, LOADS, loaded_at

if TYPE_CHECKING:
    import pyarrow as pa


def inputs(run: PipelineRun) -> tuple[Mapping[str, Any], ...]:
    """The last export of each entity that was known, with the hash of its inputs."""
    with run.warehouse.kept_open():
        return tuple(
            {"source_type": source_type, **row, "files": json.loads(row["files"])}
            for source_type in run.company.source_types
            for row in _last_exports(run, f"raw_{source_type}").to_pylist()
        )


def _last_exports(run: PipelineRun, dataset: str) -> pa.Table:
    return run.warehouse.read(
        f"""with known as (
            select
                exports.*,
                row_number() over (
                    partition by source_instance, entity
                    order by loads.inserted_at desc, exports.{LOAD_ID} desc
                ) as recency
            from {dataset}.exports as exports
            inner join {dataset}.{LOADS} as loads
                on loads.load_id = exports.{LOAD_ID} and loads.status = 0
            where {loaded_at("loads")} <= ?
        )
        select source_instance, entity, fingerprint, files, rows, extracted_at
        from known where recency = 1
        order by source_instance, entity""",
        [run.known_at],
    )
