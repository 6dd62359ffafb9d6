"""A publication's moment, replayed on a copy of the last build: the numbers of a whole build."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from dagster_project.publishing import replay as replays
from dagster_project.publishing.replay import Cause, News, news_since, replay
from dagster_project.run.builds import Build
from dagster_project.run.dbt_manifest import raw_tables_of_kpis
from dagster_project.run.dbt_runner import Dbt
from dagster_project.run.opening import open_run
from ingestion.company.reading import load_company
from ingestion.paths import PROJECT
from tests.conftest import Publish
from tests.pipeline.test_restatements import CORRECTED, LATE_DEAL

LOOKS_BACK = "macro.salesops.is_look_back"


def test_what_is_replayed_by_record_does_not_ask_whether_a_run_looks_back() -> None:
    manifest = Dbt.of(load_company(PROJECT / "company.yml")).manifest()
    for name, node in manifest["nodes"].items():
        if node["config"].get("meta", {}).get("increment"):
            assert LOOKS_BACK not in {*_macros(manifest, node)}, name


def _macros(manifest: Mapping[str, Any], node: Mapping[str, Any]) -> Iterator[str]:
    for macro in node["depends_on"]["macros"]:
        yield macro
        if macro.startswith("macro.salesops."):
            yield from _macros(manifest, manifest["macros"][macro])


def test_a_replay_gives_what_a_whole_build_gives(
    published: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A late deal and a corrected one have been loaded since."""
    company = published("edge_cases").with_own_files(tmp_path)
    monkeypatch.setenv("SALESOPS_DATA", str(company.folder.parent))
    exports = company.company.parent / "exports" / "opportunities.csv"
    text = exports.read_text(encoding="utf-8").rstrip("\n")
    exports.write_text(text.replace(*CORRECTED[1:]) + "\n" + LATE_DEAL, encoding="utf-8")
    [basis] = company.marts("select as_of, known_at from marts.publication").to_dict("records")
    with open_run(load_company(company.company), "later") as run:
        raw = raw_tables_of_kpis(Dbt.of(run.company).manifest())
        run.load("files")
        news = News(basis["as_of"].to_pydatetime(), basis["known_at"].to_pydatetime(), run.known_at)
        causes: list[Cause] = [*news_since(run, news, raw)]
        assert causes == ["late_facts", "corrections"]
        planned: list[Build | None] = []
        plan = replays.plan_replay
        monkeypatch.setattr(
            replays, "plan_replay", lambda *given: planned.append(plan(*given)) or planned[-1]
        )
        by_record = [replay(run, news, raw, cause) for cause in causes]
        assert all(planned)
        monkeypatch.setattr(replays, "plan_replay", lambda *_: None)
        whole = [replay(run, news, raw, cause) for cause in causes]
    for one, other in zip(by_record, whole, strict=True):
        assert difference(one, other) == []
    assert difference(*by_record)


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
