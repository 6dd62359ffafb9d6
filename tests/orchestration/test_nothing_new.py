"""Runs that find nothing new say so; whatever is in doubt is a whole run."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from dagster_project.commands.summary.printing import WIDTH_OF_A_FILE
from dagster_project.publication import Publication
from dagster_project.publishing import unchanged
from dagster_project.publishing.unchanged import published_already
from dagster_project.run.opening import open_run
from dagster_project.run.pipeline_run import PipelineRun
from ingestion.company.reading import load_company
from tests.orchestration.copies import Copy

HOUR = dt.timedelta(hours=1)


@pytest.fixture(autouse=True)
def own_data(copy: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs in this process are of the copy."""
    monkeypatch.setenv("SALESOPS_DATA", str(copy.data.parent))


@contextmanager
def opened(copy: Copy, **options: object) -> Iterator[PipelineRun]:
    with open_run(load_company(copy.file), "asked", **options) as run:  # type: ignore[arg-type]
        yield run


def found(copy: Copy, **options: object) -> Publication | None:
    """What a run of the copy finds to be published already."""
    with opened(copy, **options) as run:
        return published_already(run)


def test_a_run_that_finds_nothing_new_shows_what_is_published(copy: Copy) -> None:
    published, loads = copy.published(), copy.loads()
    done = copy.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Nothing is new since 20" in done.stdout
    assert "Revenue won" in done.stdout
    assert "as of 2026-05-20 18:00 Asia/Tokyo" in done.stdout
    assert "Unchanged, so not loaded again: 27 tables" in done.stdout
    assert str(copy.marts) in done.stdout
    lines, _, _ = done.stdout.partition("\nDashboard ")
    assert max(map(len, lines.splitlines())) <= WIDTH_OF_A_FILE
    first = [lines.index(it) for it in ("No headline changed", "To fix first", "sales by month")]
    assert first == sorted(first)
    assert not {"build …", "audit raw …", "publish …"} & set(done.stderr.splitlines())
    assert copy.published() == published
    assert copy.loads() == loads


def edit(copy: Copy) -> None:
    export = copy.export("opportunities.csv")
    export.write_text(export.read_text(encoding="utf-8").replace("Won,8000", "Won,9500", 1))


def break_line(copy: Copy) -> None:
    export = copy.export("opportunities.csv")
    export.write_text(export.read_text(encoding="utf-8") + "only,three,cells\n")


def truncate(name: str) -> Callable[[Copy], None]:
    """Cut a published file in half."""

    def change(copy: Copy) -> None:
        path = copy.marts.parent / name
        path.chmod(0o644)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    return change


def remove(name: str) -> Callable[[Copy], None]:
    return lambda copy: (copy.data / name).unlink()


def tell_another_run(copy: Copy) -> None:
    """The files are of two runs."""
    path = copy.marts.with_name("manifest.json")
    told = json.loads(path.read_text(encoding="utf-8"))
    path.chmod(0o644)
    path.write_text(json.dumps(told | {"run_id": "another"}), encoding="utf-8")


DOUBTS: dict[str, Callable[[Copy], None]] = {
    "changed export": edit,
    "rejected line": break_line,
    "changed settings": lambda copy: copy.settings(rejected_tolerance=0.5),
    "later moment": lambda copy: copy.settings(as_of="2026-05-20 18:00:01"),
    "truncated marts": truncate("salesops.duckdb"),
    "truncated parquet": truncate("parquet/kpi_values.parquet"),
    "removed parquet": remove("published/parquet/dim_rep.parquet"),
    "removed manifest": remove("published/manifest.json"),
    "another run's manifest": tell_another_run,
    "removed docs": remove("data_docs/index.html"),
    "new warehouse": remove("warehouse.duckdb"),
}


@pytest.mark.parametrize("doubt", DOUBTS)
def test_any_doubt_is_a_whole_run(copy: Copy, doubt: str) -> None:
    DOUBTS[doubt](copy)
    assert found(copy) is None


def test_what_the_last_run_loaded_and_did_not_publish_is_new(copy: Copy) -> None:
    """As after an audit that failed: its loads are there, and the next one finds no others."""
    edit(copy)
    assert found(copy) is None
    with opened(copy) as run:
        assert all(load.is_unchanged for load in run.load("files"))
    assert found(copy) is None


def test_changed_code_is_a_whole_run(copy: Copy, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(copy)
    monkeypatch.setattr(unchanged, "recipe_hash", lambda company: "another")
    assert found(copy) is None


@pytest.mark.parametrize(
    "asked", [{"force": True}, {"as_of": "2026-05-20T18:00"}, {"known_at": "2026-05-20"}]
)
def test_what_is_asked_for_is_made(copy: Copy, asked: dict[str, object]) -> None:
    assert found(copy, **asked) is None


def test_a_source_that_cannot_be_read_is_refused_once(copy: Copy) -> None:
    export = copy.export("opportunities.csv")
    export.write_text("".join(export.read_text(encoding="utf-8").splitlines(keepends=True)[:9]))
    with opened(copy) as run:
        assert published_already(run) is None
        assert run.refused
        with pytest.raises(type(run.refused)) as raised:
            run.load("files")
        assert raised.value is run.refused


def test_now_may_move_within_a_day_in_which_nothing_happens(copy: Copy) -> None:
    """As of 18:00 in Tokyo, of a company whose now is the present."""
    with opened(copy) as run:
        publication = published_already(run)
        assert publication

        def later(moment: dt.datetime) -> PipelineRun:
            company = run.company.model_copy(update={"as_of": None})
            return replace(run, asked_as_of=moment, company=company)

        as_of = publication.as_of
        assert published_already(later(as_of + HOUR))
        assert published_already(later(as_of - HOUR)) is None
        midnight = as_of + 6 * HOUR
        assert published_already(later(midnight - HOUR / 60))
        assert published_already(later(midnight)) is None


def test_what_is_told_or_dated_since_is_new(copy: Copy) -> None:
    with opened(copy) as run:
        as_of = run.as_of
        assert not unchanged._has_happened_since(replace(run, asked_as_of=as_of + HOUR), as_of)
        won_after_now = dt.datetime(2026, 5, 26)
        assert unchanged._has_happened_since(replace(run, asked_as_of=won_after_now), as_of)
        [loaded] = run.warehouse.read(
            "select max(cast(inserted_at at time zone 'UTC' as timestamp)) as loaded_at "
            "from raw_files._dlt_loads"
        )["loaded_at"].to_pylist()
        assert unchanged._has_happened_since(replace(run, asked_as_of=loaded), loaded - HOUR)
        assert not unchanged._has_happened_since(replace(run, asked_as_of=loaded + HOUR), loaded)
