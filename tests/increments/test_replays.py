"""A publication's moment, replayed on a copy of the last build: the numbers of a whole build."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from dagster_project.publishing import replay
from dagster_project.publishing.replay import Cause, News, news_since, replays
from dagster_project.run.dbt_manifest import raw_tables_of_kpis
from dagster_project.run.dbt_runner import Dbt
from dagster_project.run.nodes import Node
from dagster_project.run.opening import open_run
from dagster_project.run.standing import Standing
from ingestion.company.reading import load_company
from ingestion.warehouse.warehouse import Warehouse
from tests.conftest import Publish
from tests.pipeline.test_restatements import CORRECTED, LATE_DEAL
from tests.thorough import IS_THOROUGH

BUILT_WHOLE: tuple[Cause, ...] = ("late_facts", "corrections") if IS_THOROUGH else ("corrections",)
"""What is known with the corrections has the late facts in it."""

QUOTA = "2025-02-01,quarter,revenue,52000"


def test_a_replay_gives_what_a_whole_build_gives(
    published: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A late deal, a corrected one and a corrected quota have been loaded since."""
    company = published("edge_cases").with_own_files(tmp_path)
    monkeypatch.setenv("SALESOPS_DATA", str(company.folder.parent))
    exports = company.company.parent / "exports"
    rewrite(exports / "opportunities.csv", *CORRECTED[1:], LATE_DEAL)
    rewrite(exports / "quotas.csv", "2025-02-01,quarter,revenue,45000", QUOTA)
    [basis] = company.marts("select as_of, known_at from marts.publication").to_dict("records")
    with open_run(load_company(company.company), "later") as run:
        raw = raw_tables_of_kpis(Dbt.of(run.company).manifest())
        run.load("files")
        news = News(basis["as_of"].to_pydatetime(), basis["known_at"].to_pydatetime(), run.known_at)
        causes: list[Cause] = [*news_since(run, news, raw)]
        assert causes == ["late_facts", "corrections"]
        with monkeypatch.context() as watching:
            stood = standing(watching)
            by_record = numbers_of(replays(run, news, raw, causes))
        assert replay._last_build(run, news)
        monkeypatch.setattr(replay, "_last_build", lambda *_: None)
        whole = numbers_of(replays(run, news, raw, BUILT_WHOLE))
    assert {"dim_account", "fct_quotas"} <= stood, "no late fact is of these"
    for cause, kpis in whole.items():
        assert difference(by_record[cause], kpis) == []
    assert difference(*by_record.values())


def numbers_of(replayed: Iterator[tuple[Cause, Warehouse]]) -> dict[Cause, pa.Table]:
    return {cause: made.read("select * from marts.kpi_values") for cause, made in replayed}


def rewrite(file: Path, old: str, new: str, more: str = "") -> None:
    text = file.read_text(encoding="utf-8").rstrip("\n")
    assert old in text
    file.write_text(text.replace(old, new, 1) + "\n" + more, encoding="utf-8")


def standing(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The tables that stand from now on."""
    found: set[str] = set()
    stands = Standing.stands

    def told(self: Standing, node: Node) -> bool:
        if it_does := stands(self, node):
            found.add(node.name)
        return it_does

    monkeypatch.setattr(Standing, "stands", told)
    return found


def difference(one: pa.Table, other: pa.Table) -> list[tuple[Any, ...]]:
    """The rows that are only in one of two tables."""
    columns = ", ".join(one.schema.names)
    with duckdb.connect() as connection:
        connection.register("one", one)
        connection.register("other", other)
        return connection.execute(
            f"""(select {columns} from one except all select {columns} from other)
            union all (select {columns} from other except all select {columns} from one)"""
        ).fetchall()
