"""Records the asset graph of the edge-case company: `make graph`."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from dagster_project.definitions import company_definitions
from ingestion.company.reading import load_company
from tests.orchestration.copies import EDGE_CASES

RECORD = Path(__file__).with_name("asset_graph.txt")


def describe(definitions: dg.Definitions) -> str:
    """Assets with what they depend on, jobs and schedules, one per line."""
    graph = definitions.resolve_asset_graph()
    lines = [
        f"{key.to_user_string()} < "
        + " ".join(sorted(parent.to_user_string() for parent in graph.get(key).parent_keys))
        for key in sorted(graph.get_all_asset_keys())
    ]
    repository = definitions.get_repository_def()
    lines += [f"job {name}" for name in sorted(repository.job_names) if name != "__ASSET_JOB"]
    lines += [
        f"schedule {one.name}: {one.cron_schedule} {one.execution_timezone} -> {one.job_name}"
        for one in repository.schedule_defs
    ]
    return "".join(f"{line.removesuffix(' < ')}\n" for line in lines)


if __name__ == "__main__":
    company = load_company(EDGE_CASES / "company.yml")
    RECORD.write_text(describe(company_definitions(company)), encoding="utf-8")
