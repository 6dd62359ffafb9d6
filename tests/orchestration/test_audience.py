"""What is not for all is in no file that all can open: looked for in all that is published."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from dagster_project.publication import MARTS, PEOPLE
from ingestion.warehouse.duckdb_sql import quote
from tests.conftest import Publish
from tests.kpis.companies import TEST_COMPANIES, Published
from tests.orchestration.copies import Copy
from tests.store import made_once

EXPORTS = TEST_COMPANIES["edge_cases"].exports


@pytest.fixture
def by_ids(published: Publish) -> Published:
    """The edge-case company, published with names, and then with ids."""

    def make(folder: Path) -> None:
        copy = Copy.of(published("edge_cases"), folder)
        copy.settings(audience={"reps": "ids"})
        done = copy.run()
        assert done.returncode == 0, done.stdout + done.stderr

    folder = made_once("by_ids", make, TEST_COMPANIES["edge_cases"].fingerprint(), Path(__file__))
    return Published(Copy(folder).file, Copy(folder).data)


def column(file: str, name: str) -> set[str]:
    """The values of a column of an export."""
    with (EXPORTS / file).open(encoding="utf-8", newline="") as lines:
        return {value for row in csv.DictReader(lines) if (value := (row[name] or "").strip())}


def relations(file: Path) -> Iterator[tuple[str, duckdb.DuckDBPyConnection, str]]:
    """What is in a published file: each table with a connection that reads it."""
    with duckdb.connect() as connection:
        if file.suffix == ".parquet":
            yield file.name, connection, f"read_parquet('{file}')"
        if file.suffix == ".duckdb":
            connection.execute(f"attach '{file}' as found (read_only)")
            tables = connection.execute(
                "select schema_name, table_name from duckdb_tables() where database_name = 'found'"
            ).fetchall()
            for schema, table in tables:
                yield f"{file.name} {table}", connection, f"found.{schema}.{quote(table)}"


def found_in(folder: Path, words: set[str]) -> set[tuple[str, str]]:
    """Where any of the words stands in any value of any file, whatever it is part of."""
    assert len(words) > 3
    found = set()
    for file in (path for path in folder.rglob("*") if path.is_file()):
        for name, connection, relation in relations(file):
            values = "\n".join(
                text
                for (text,) in connection.execute(
                    f"select cast(t as varchar) from {relation} as t"
                ).fetchall()
            )
            found |= {(name, word) for word in words if word in values}
        if file.suffix not in (".parquet", ".duckdb"):
            text = file.read_text(encoding="utf-8")
            found |= {(file.name, word) for word in words if word in text}
        content = file.read_bytes()
        found |= {(file.name, word) for word in words if word.encode() in content}
    return found


def names_of_people(company: Published) -> set[str]:
    """Names that no id has."""
    ids = company.marts("select rep_id from marts.dim_rep")["rep_id"]
    return column("users.csv", "name") - set(ids)


def test_ids_stand_for_names_in_all_that_is_published(by_ids: Published) -> None:
    folder = (by_ids.folder / "published").resolve()
    assert found_in(folder, names_of_people(by_ids)) == set()
    told = by_ids.marts(
        "select count(*) as n, count(case when rep_name <> rep_id then 1 end) as named "
        "from marts.dim_rep"
    )
    assert told["n"].iloc[0] > 5
    assert told["named"].iloc[0] == 0
    labels = by_ids.marts(
        "select distinct dimension_key, dimension_label from marts.kpi_values "
        "where dimension in ('rep', 'manager')"
    )
    assert len(labels) > 5
    assert (labels["dimension_key"] == labels["dimension_label"]).all()


def test_the_publication_with_names_is_closed_then(by_ids: Published) -> None:
    on_show = (by_ids.folder / "published").resolve()
    modes = {
        path.resolve() == on_show: path.stat().st_mode & 0o777
        for path in (by_ids.folder / "publications").iterdir()
    }
    assert modes == {True: 0o755, False: 0o700}


@pytest.mark.parametrize("name", ["edge_cases"])
def test_the_search_finds_names_where_they_stand(published: Publish, name: str) -> None:
    company = published(name)
    found = found_in((company.folder / "published").resolve(), names_of_people(company))
    assert {"salesops.duckdb dim_rep", "salesops.duckdb kpi_values", "dim_rep.parquet"} <= {
        where for where, _ in found
    }


@pytest.mark.parametrize("name", ["edge_cases"])
def test_contacts_are_named_nowhere(published: Publish, name: str) -> None:
    folder = (published(name).folder / "published").resolve()
    # An account, or a customer, may be called like somebody.
    of_others = " ".join(
        name for of in ("users", "accounts", "customers") for name in column(f"{of}.csv", "name")
    )
    names = {name for name in column("contacts.csv", "name") if name not in of_others}
    mails = [column("contacts.csv", "email"), column("users.csv", "email")]
    assert all(len(words) > 3 for words in (names, *mails))
    assert found_in(folder, names.union(*mails)) == set()


@pytest.mark.parametrize("name", ["edge_cases"])
def test_what_is_about_single_people_is_in_one_file_only(published: Publish, name: str) -> None:
    company = published(name)
    folder = (company.folder / "published").resolve()
    of_people = set(
        company.warehouse(f"select table_name from duckdb_tables() where schema_name = '{PEOPLE}'")[
            "table_name"
        ]
    )
    assert {"mart_one_on_one", "mart_rep_scorecard", "mart_skill_gaps"} <= of_people
    holding: dict[str, set[str]] = {}
    for file in folder.rglob("*.*"):
        for label, _, _ in relations(file):
            table = label.split()[-1].removesuffix(".parquet")
            holding.setdefault(table, set()).add(file.name)
    assert [table for table in of_people if holding[table] != {"people.duckdb"}] == []
    assert holding.keys() - of_people > {"dim_rep", "kpi_values"}
    assert (folder / "people.duckdb").stat().st_mode & 0o777 == 0o600
    built = company.warehouse(
        "select schema_name from duckdb_tables() "
        f"where database_name = 'salesops' and table_name in {tuple(of_people)}"
    )
    assert built.empty, f"the file that is copied has tables of people beside {MARTS}"
