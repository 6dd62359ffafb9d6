"""What a `from` may be: names as a database spells them, and SELECTs as people write them."""

from __future__ import annotations

from typing import Any

import pytest

from ingestion.errors import SourceError
from ingestion.sources.sql.origins import is_select, statement, steps
from tests.sql.databases import Db

CUSTOMERS = {"source_id": "id", "name": "name"}


def customers(from_: str, **columns: str) -> dict[str, Any]:
    return {"customers": {"from": from_, "columns": {**CUSTOMERS, **columns}}}


def names(db: Db) -> list[str]:
    return [name for (name,) in db.latest("customers", "name")]


@pytest.fixture
def filled(db: Db) -> Db:
    """A database with tables of which one has a name that needs quotes."""
    db.run(
        'create table "Kunden Liste" ("Id" integer, "Name" text, "E-Mail" text)',
        """insert into "Kunden Liste" values (1, 'quoted', 'a@b.de')""",
        "create table plain (id integer, name text)",
        "insert into plain values (1, 'plain'), (2, '50% : off')",
        "create view seen as select * from plain where id = 1",
    )
    return db


@pytest.mark.parametrize(
    ("from_", "expected"),
    [
        ("plain", ["plain", "50% : off"]),
        ("PLAIN", ["plain", "50% : off"]),
        ("seen", ["plain"]),
        ("Kunden Liste", ["quoted"]),
        ('"Kunden Liste"', ["quoted"]),
        ("kunden liste", ["quoted"]),
        ("select * from plain where id = 1;", ["plain"]),
        ("with one as (select * from plain where id = 1) select * from one ;\n", ["plain"]),
        ("-- first\n/* then */ SELECT id, name FROM plain WHERE id = 1; -- last", ["plain"]),
        ("select id, name from plain where name like '50% : o%' or name = ':x'", ["50% : off"]),
        ("(select id, name from plain where id = 1)", ["plain"]),
        ("select id, name from plain where id = 1 -- no more", ["plain"]),
    ],
)
def test_names_and_selects(filled: Db, from_: str, expected: list[str]) -> None:
    filled.load(customers(from_))
    assert names(filled) == expected


def test_columns_that_need_quotes_are_taken_as_they_are(filled: Db) -> None:
    filled.load(customers("Kunden Liste", email="E-Mail"))
    assert filled.latest("customers", "source_id", "email") == [("1", "a@b.de")]


@pytest.mark.parametrize(
    "from_", ["Sales.Plain", "sales.plain", '"Sales"."Plain"', 'select * from "Sales"."Plain"']
)
def test_names_of_a_schema(postgres: Db, from_: str) -> None:
    postgres.run(
        'create schema "Sales"',
        'create table "Sales"."Plain" (id integer, name text)',
        """insert into "Sales"."Plain" values (1, 'of a schema')""",
    )
    postgres.load(customers(from_))
    assert names(postgres) == ["of a schema"]
    assert postgres.rows("select distinct source_file from raw_sql.customers") == [
        {"source_file": "the SELECT of entities.customers" if " " in from_ else "Sales.Plain"}
    ]


@pytest.mark.parametrize("from_", ["plain", 'select * from "Plain"'])
def test_a_schema_of_the_source_is_that_of_names_without_one(postgres: Db, from_: str) -> None:
    postgres.run(
        'create schema "Sales"',
        'create table "Sales"."Plain" (id integer, name text)',
        """insert into "Sales"."Plain" values (1, 'of a schema')""",
        "create table plain (id integer, name text)",
    )
    postgres.load(customers(from_), schema="sales")
    assert names(postgres) == ["of a schema"]
    with pytest.raises(SourceError, match="no schema 'sails'; did you mean 'Sales'"):
        postgres.load(customers(from_), schema="sails")


@pytest.mark.parametrize(
    ("from_", "said"),
    [
        ("plian", "no table or view 'plian' in schema '(main|public)'; did you mean 'plain'"),
        ("nowhere.plain", "no schema 'nowhere'"),
        ("a.b.c", "more parts than schema and table"),
        ('"unclosed', "is no name of a table"),
        ("select * from plian", "sources.erp.entities.customers.from: the database says: .*plian"),
        ("select nothing from plain", "the database says: .*nothing"),
        ("select id, name from plain; drop table plain", "the database says: .*"),
    ],
)
def test_what_a_from_cannot_be(filled: Db, from_: str, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        filled.load(customers(from_))
    filled.load(customers("plain"))
    assert len(names(filled)) == 2


def test_all_that_is_wrong_is_told_at_once(filled: Db) -> None:
    columns = {"source_id": "id", "name": "name"}
    with pytest.raises(SourceError) as raised:
        filled.load(
            {
                "customers": {"from": "select nothing from plain", "columns": columns},
                "accounts": {"from": "plian", "columns": columns},
                "users": {"from": "plain", "columns": {**columns, "email": "mail"}},
            }
        )
    said = [problem.partition("sources.erp.")[2] for problem in raised.value.problems]
    assert [it.partition(":")[0] for it in said] == [
        "entities.customers.from",
        "entities.accounts.from",
        "entities.users",
    ]


def test_names_that_differ_in_case_alone_are_written_exactly(postgres: Db) -> None:
    postgres.run(
        'create table "Plain" (id integer, name text)', "create table plain (id integer, name text)"
    )
    postgres.load(customers("Plain"))
    with pytest.raises(SourceError, match="'PLAIN' may be"):
        postgres.load(customers("PLAIN"))


def test_two_columns_of_one_name_are_told(postgres: Db) -> None:
    postgres.run("create table plain (id integer, name text)")
    with pytest.raises(SourceError, match="two columns are called 'id'"):
        postgres.load(customers("select a.id, b.id, a.name from plain a, plain b"))
    with pytest.raises(SourceError, match="two columns are called 'a' and 'A', which differ in"):
        postgres.load(customers('select id, name, 1 as a, 2 as "A" from plain'))


def test_parts_of_names() -> None:
    assert steps('a."b.c"') == ("a", "b.c")
    assert steps("`x y`.z") == ("x y", "z")
    assert steps('"say ""hi"""') == ('say "hi"',)
    assert not is_select("selected_orders")
    assert not is_select("with")
    assert statement("select 1 ; ; -- a\n") == "select 1"
    assert statement("select ';' as x") == "select ';' as x"


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("select * from t where x <> '-- none'", "select * from t where x <> '-- none'"),
        ("select 'a;' ; -- bye\n/* all */ ;", "select 'a;'"),
        ('select "--" from t -- it\'s\n', 'select "--" from t'),
    ],
)
def test_remarks_and_semicolons_are_taken_off_the_end_but_not_out_of_text(
    written: str, told: str
) -> None:
    assert statement(written) == told


def test_a_foreign_table_is_a_table(postgres: Db) -> None:
    postgres.run(
        "create extension postgres_fdw",
        "create server other foreign data wrapper postgres_fdw",
        "create foreign table remote (id integer) server other",
    )
    with pytest.raises(SourceError) as raised:
        postgres.load({"customers": {"from": "remote", "columns": {"source_id": "id"}}})
    assert "no table" not in str(raised.value)
