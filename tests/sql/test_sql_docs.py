"""The recipe of docs/connect.md, as it stands there, reads a database of its shape."""

from __future__ import annotations

import datetime as dt
import re

import yaml

from ingestion.paths import PROJECT
from tests.sql.databases import ADDRESS, Db


def test_the_recipe_loads_and_goes_on(postgres: Db) -> None:
    page = (PROJECT / "docs" / "connect.md").read_text(encoding="utf-8")
    section = page.partition("\n## A database\n")[2]
    recipe = re.search(r"```yaml\n(sources:.*?)```", section, re.DOTALL)
    assert recipe
    (source,) = yaml.safe_load(recipe[1])["sources"]
    settings = {**source, "address_env": ADDRESS}
    entities = settings.pop("entities")
    postgres.settings |= {"currency": "EUR", "timezone": "Europe/Berlin"}
    postgres.run(
        "create schema sales",
        "create table sales.debtors (debtor_no integer, company text, mail text)",
        "create table sales.terms (term_id integer, due_date date)",
        "create table sales.deleted_invoices (invoice_no integer)",
        "create table sales.invoices (invoice_no integer, debtor_no integer, term_id integer, "
        "kind char(1), state text, posted_on timestamp, gross numeric, vat numeric, "
        "currency char(3), changed_at timestamptz)",
        "insert into sales.debtors values (7, 'Nordwind', 'a@nordwind.de')",
        "insert into sales.terms values (1, '2026-02-01')",
        "insert into sales.invoices values "
        "(1, 7, 1, 'R', 'open', '2026-01-05 23:30', 119.00, 19, 'EUR', '2026-01-05 12:00+00'), "
        "(2, 7, null, 'R', 'open', '2026-01-06 10:00', 11.9, 1.9, 'EUR', '2026-01-06 12:00+00'), "
        "(3, 7, null, 'X', 'open', '2026-01-06 10:00', 11.9, 1.9, 'EUR', '2026-01-06 12:00+00')",
        "insert into sales.invoices select no, 7, null, 'R', 'open', '2026-01-06', 1, 0, 'EUR', "
        "'2026-01-06 12:00+00' from generate_series(4, 7) as no",
    )
    loads = postgres.load(entities, **settings)
    assert (loads["customers"].rows, loads["invoices"].rows) == (1, 6)
    assert postgres.latest("invoices", "source_id", "issued_at", "due_at", "total")[0] == (
        "1",
        dt.datetime(2026, 1, 5, 23, 30),
        dt.datetime(2026, 1, 31, 23),
        119,
    )
    postgres.run(
        "delete from sales.invoices where invoice_no = 1",
        "insert into sales.deleted_invoices values (1)",
        "update sales.invoices set state = 'paid', changed_at = '2026-01-07 09:00+00' "
        "where invoice_no = 2",
    )
    load = postgres.load(entities, **settings)["invoices"]
    assert (load.rows, load.rows_changed, load.rows_deleted) == (5, 1, 1)
