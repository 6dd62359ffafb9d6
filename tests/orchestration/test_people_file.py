"""What is about single people is in a file of its own, for whom it is, and nowhere else."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dagster_project.publication import PublicationError, in_place, open_published
from dagster_project.publication.publications import settle
from dagster_project.publishing.writing import publish
from ingestion.company.reading import load_company
from ingestion.company.settings import Audience, Company
from ingestion.disk.private import umask
from ingestion.paths import CompanyPaths
from ingestion.warehouse.warehouse import Warehouse
from tests.faults.attacks import replaced
from tests.orchestration.copies import EDGE_CASES
from tests.orchestration.one_mart import MANIFEST, audited, made_warehouse, model

pytestmark = pytest.mark.usefixtures("few_pages")

REVIEWS = {"model.salesops.mart_reviews": model("mart_reviews", "people", remark="What to say.")}
WITH_PEOPLE: Mapping[str, Any] = MANIFEST | {"nodes": MANIFEST["nodes"] | REVIEWS}
REMARK = "wins-nothing-at-demo"


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path))
    # Nothing of it may rest on what the process hides of all its files.
    with umask(0):
        yield load_company(EDGE_CASES / "company.yml")


@pytest.fixture
def warehouse(company: Company) -> Warehouse:
    warehouse = made_warehouse(company)
    with duckdb.connect(warehouse.location) as connection:
        connection.execute(
            f"create schema people;create table people.mart_reviews as select '{REMARK}' as remark"
        )
    return warehouse


def published(company: Company, run_id: str = "one") -> Path:
    """The folder of a publication by a further run."""
    publish(audited(company, Warehouse.of(company), run_id), WITH_PEOPLE)
    return CompanyPaths.of(company).published.resolve()


def seen_by(company: Company, people: str, reps: str = "names") -> Company:
    audience = Audience.model_validate({"people": people, "reps": reps})
    return company.model_copy(update={"audience": audience})


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.usefixtures("warehouse")
def test_it_is_found_as_marts_with_words_and_manifest(company: Company) -> None:
    published(company)
    with open_published(CompanyPaths.of(company).people) as people:
        assert people.execute("from marts.mart_reviews").fetchall() == [(REMARK,)]
        words = "select table_name, comment from duckdb_tables() order by 1"
        assert people.execute(words).fetchall() == [
            ("mart_reviews", "All mart_reviews; it's complete."),
            ("publication", None),
        ]
        [(run_id, counts)] = people.execute(
            "select run_id, row_counts from marts.publication"
        ).fetchall()
    assert (run_id, json.loads(counts)) == ("one", {"mart_reviews": 1})


@pytest.mark.usefixtures("warehouse")
def test_no_other_file_has_anything_of_it(company: Company) -> None:
    folder = published(company)
    [file] = [path for path in folder.rglob("*") if REMARK.encode() in read(path)]
    assert file.name == "people.duckdb"
    with open_published(CompanyPaths.of(company).marts) as marts:
        tables = "select table_name from duckdb_tables() order by 1"
        assert marts.execute(tables).fetchall() == [("dim_rep",), ("publication",)]
    assert sorted(path.name for path in (folder / "parquet").iterdir()) == [
        "dim_rep.parquet",
        "publication.parquet",
    ]


def read(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


@pytest.mark.usefixtures("warehouse")
@pytest.mark.parametrize(("people", "its"), [("owner", 0o600), ("group", 0o640), ("all", 0o644)])
def test_it_is_for_whom_the_company_says(company: Company, people: str, its: int) -> None:
    folder = published(seen_by(company, people))
    assert mode(folder / "people.duckdb") == its
    assert mode(folder / "salesops.duckdb") == 0o444
    assert mode(folder) == 0o755


def test_it_is_its_owners_unless_the_company_says_more(company: Company) -> None:
    assert company.audience == Audience(people="owner", reps="names")


@pytest.mark.usefixtures("warehouse")
def test_nobody_else_can_open_it_while_it_is_written(company: Company) -> None:
    modes = set()

    def look(file: Path) -> None:
        modes.add(mode(file.with_name("people.duckdb")))

    with replaced("dagster_project.publishing.writing:fill_up", look):
        published(company)
    assert modes == {0o600}


@pytest.mark.usefixtures("warehouse")
def test_earlier_publications_have_the_audience_of_now(company: Company) -> None:
    earlier = published(seen_by(company, "all"), "one")
    published(seen_by(company, "owner"), "two")
    assert mode(earlier / "people.duckdb") == 0o600
    assert mode(earlier) == 0o755
    published(seen_by(company, "owner", reps="ids"), "three")
    assert mode(earlier) == 0o700
    assert mode(CompanyPaths.of(company).published.resolve()) == 0o755


@pytest.mark.usefixtures("warehouse")
def test_a_publication_without_it_is_not_whole(company: Company) -> None:
    first, second = published(company, "one"), published(company, "two")
    assert in_place(second)
    (second / "people.duckdb").unlink()
    assert in_place(second) is None
    CompanyPaths.of(company).published.unlink()
    settle(CompanyPaths.of(company))
    assert CompanyPaths.of(company).published.resolve() == first


@pytest.mark.usefixtures("warehouse")
def test_one_of_another_run_is_told(company: Company) -> None:
    first, second = published(company, "one"), published(company, "two")
    (first / "people.duckdb").replace(second / "people.duckdb")
    assert in_place(second) is None


@pytest.mark.usefixtures("warehouse")
def test_one_that_was_cut_short_is_not_published(company: Company) -> None:
    folder = published(company, "one")
    whole = (folder / "people.duckdb").stat().st_size

    def cut(file: Path) -> None:
        if file.name == "people.duckdb":
            os.truncate(file, whole - 4096)

    cutting = replaced("dagster_project.publishing.writing:fill_up", cut)
    with cutting, pytest.raises(PublicationError, match="not whole"):
        published(company, "two")
    assert CompanyPaths.of(company).published.resolve() == folder


@pytest.mark.usefixtures("warehouse")
def test_where_it_is_missing_nothing_else_is_read_for_it(company: Company) -> None:
    folder = published(company)
    (folder / "people.duckdb").unlink()
    with pytest.raises(duckdb.IOException), open_published(CompanyPaths.of(company).people):
        pass


@pytest.mark.usefixtures("warehouse")
def test_what_is_no_table_to_publish_stays_behind(company: Company) -> None:
    with duckdb.connect(Warehouse.of(company).location) as connection:
        connection.execute("create table people.mart_of_before as select 1 as one")
    published(company)
    with open_published(CompanyPaths.of(company).people) as people:
        tables = "select table_name from duckdb_tables() order by 1"
        assert people.execute(tables).fetchall() == [("mart_reviews",), ("publication",)]


@pytest.mark.usefixtures("warehouse")
def test_earlier_versions_had_none(company: Company) -> None:
    publish(audited(company, Warehouse.of(company), "one"), MANIFEST)
    folder = CompanyPaths.of(company).published.resolve()
    manifest = folder / "manifest.json"
    told = json.loads(manifest.read_text(encoding="utf-8"))
    del told["people_row_counts"], told["reps"]
    manifest.chmod(0o644)
    manifest.write_text(json.dumps(told), encoding="utf-8")
    publication = in_place(folder)
    assert publication is not None
    assert (publication.people_row_counts, publication.reps) == ({}, "names")
