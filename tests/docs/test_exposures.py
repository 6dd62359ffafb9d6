"""The exposures: what reads the marts is what the code says that it reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from dagster_project.dashboard.boards import INDEX, PAGES, boards_of
from dagster_project.dashboard.special.boards import SPECIAL_BOARDS
from dagster_project.run.dbt_manifest import mart_tables, people_tables
from expectations.suites import suites
from ingestion.paths import PROJECT

MART = re.compile(r"\bmarts\.((?:dim|fct|kpi|mart)_\w+)")
OVERVIEW = "overview"
CALENDAR = "dim_date"
"""What every page writes its periods by."""


@pytest.fixture(scope="module")
def reads(manifest: Mapping[str, Any]) -> dict[str, set[str]]:
    """The tables that each exposure depends on."""
    return {
        exposure["name"]: {
            manifest["nodes"][key]["name"] for key in exposure["depends_on"]["nodes"]
        }
        for exposure in manifest["exposures"].values()
    }


def named_in(modules: str) -> set[str]:
    """The marts that modules of `dagster_project` name in their SQL."""
    code = " ".join(
        path.read_text("utf-8")
        for path in (PROJECT / "dagster_project").rglob("*.py")
        if re.search(modules, path.relative_to(PROJECT).as_posix())
    )
    return set(MART.findall(code))


def shown_on(page: str) -> set[str]:
    """The marts that a page of the dashboard reads: for its own boards, and for those of KPIs."""
    queries = " ".join(board.query for board in SPECIAL_BOARDS if board.page == page)
    of_kpis = named_in(r"/dashboard/\w+\.py$|/numbers/untold") if boards_of(page) else set()
    return {CALENDAR, *MART.findall(queries), *of_kpis}


def test_every_mart_is_read_by_bi_tools(
    manifest: Mapping[str, Any], reads: Mapping[str, set[str]]
) -> None:
    assert reads["published_files"] == {table.name for table in mart_tables(manifest)}


def test_what_is_about_people_is_read_by_those_whom_it_is_for(
    manifest: Mapping[str, Any], reads: Mapping[str, set[str]]
) -> None:
    assert reads["people_file"] == {table.name for table in people_tables(manifest)}


def test_the_audit_reads_what_its_suites_judge_and_what_is_at_stake(
    reads: Mapping[str, set[str]],
) -> None:
    judged = {
        table
        for suite in suites("marts", [])
        for table in MART.findall(f"{suite.table} {suite.relation}")
    }
    stakes = (PROJECT / "expectations" / "stakes.py").read_text("utf-8")
    assert reads["data_docs"] == judged | set(MART.findall(stakes))


def test_a_run_prints_what_it_reads(reads: Mapping[str, set[str]]) -> None:
    assert reads["run_summary"] == named_in(r"/summary|/numbers/(findings|headlines|untold)")


def test_a_receipt_is_made_of_what_it_reads(reads: Mapping[str, set[str]]) -> None:
    assert reads["receipts"] == named_in(r"/explain/|/numbers/(cell|receipts)")


def test_the_next_run_compares_with_what_it_reads(reads: Mapping[str, set[str]]) -> None:
    assert reads["history_of_numbers"] == named_in(r"/(comparison|ledger|losses)\b")


@pytest.mark.parametrize("page", [page.key for page in PAGES])
def test_a_page_shows_what_it_reads(page: str, reads: Mapping[str, set[str]]) -> None:
    assert reads[f"dashboard_{OVERVIEW if page == INDEX else page}"] == shown_on(page)


def test_the_semantic_layer_reads_what_its_models_are_of(
    manifest: Mapping[str, Any], reads: Mapping[str, set[str]]
) -> None:
    models = [
        manifest["nodes"][key]["name"]
        for model in manifest["semantic_models"].values()
        for key in model["depends_on"]["nodes"]
    ]
    assert reads["semantic_layer"] == {CALENDAR, *models}
