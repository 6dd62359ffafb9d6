"""Recurring revenue at any moment is what the subscription, as it was then, brings."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path

import duckdb
import psycopg2
import pytest
from lives import EVENTS_FROM, NOW, Life, lives
from lives_loaded import raw_rows
from mrr_oracle import counts, monthly, rounded
from raw_rows import LOADED_AT, create_statements, insert, insert_on_server

from dagster_project.run.dbt_runner import run_values
from ingestion.company.reading import load_company
from ingestion.company.settings import Company
from ingestion.paths import CompanyPaths
from ingestion.warehouse.postgres_address import Address
from ingestion.warehouse.warehouse import Warehouse
from tests.compiled_models import CompiledModels, OnceParsed
from tests.ingestion.postgres_server import running_server
from tests.thorough import thorough

STRETCHES = "stg_stripe__subscriptions"
ASKED = (
    "select source_id, status, started_at, ended_at, mrr, currency from staging."
    f"{STRETCHES} order by source_id, started_at"
)
COUNTED = ("active", "past_due", "canceled")
CENT_OF_A_CENT = Decimal("0.000001")
"""Six digits are kept; an amount that is taken off several items is divided among them."""

Stretch = tuple[str, str, dt.datetime, dt.datetime | None, Decimal, str]


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Company:
    """A company whose one source is Stripe; nothing is read from there."""
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path / "data"))
    file = tmp_path / "company.yml"
    file.write_text(
        "name: Lives\ncurrency: USD\ntimezone: UTC\nsources:\n"
        "  - {name: stripe, type: stripe, key_env: NO_KEY}\n"
    )
    return load_company(file)


def on_duckdb(company: Company, of: list[Life]) -> list[Stretch]:
    """The stretches that the models make of them."""
    warehouse = Path(Warehouse.of(company).location)
    warehouse.parent.mkdir(parents=True, exist_ok=True)
    warehouse.unlink(missing_ok=True)
    with duckdb.connect(warehouse) as connection:
        connection.execute("set TimeZone = 'UTC'")
        for statement in create_statements():
            connection.execute(statement)
        insert(connection, raw_rows(of))
    known_at = LOADED_AT.replace(tzinfo=None)
    CompiledModels.of(company).build(known_at, known_at, [STRETCHES])
    with duckdb.connect(warehouse) as connection:
        return connection.execute(ASKED).fetchall()


@pytest.fixture
def server() -> Iterator[str]:
    with running_server() as url:
        yield url


def on_postgres(company: Company, of: list[Life], url: str) -> list[Stretch]:
    """The same, on a server."""
    known_at = LOADED_AT.replace(tzinfo=None)
    address = Address.of(url).parts
    with psycopg2.connect(**address) as connection, connection.cursor() as session:
        for statement in create_statements():
            session.execute(statement)
        insert_on_server(session, raw_rows(of))
    dbt = OnceParsed(company, CompanyPaths.of(company), Warehouse("postgres", url))
    CompanyPaths.of(company).dbt.mkdir(parents=True)
    selection = ["--select", "path:models/staging/stripe"]
    dbt.build(run_values(known_at, known_at), selection, lambda result: None)
    found = Warehouse("postgres", url).read(ASKED)
    return [tuple(row.values()) for row in found.to_pylist()]


def wrong(of: list[Life], stretches: list[Stretch], seed: int) -> list[str]:
    """The moments at which the stretches tell something else than the objects of then."""
    found: Mapping[str, list[Stretch]] = {life.name: [] for life in of}
    for stretch in stretches:
        found[stretch[0].partition("/")[0]].append(stretch)
    told = []
    for life in of:
        if not found[life.name]:
            told.append(f"{life.name}: no stretch")
        for moment in sorted(moments(life)):
            told += wrong_at(life, moment, found[life.name])
    return told


def moments(life: Life) -> set[dt.datetime]:
    """Before, at and after each change, and now."""
    second = dt.timedelta(seconds=1)
    around = {it + by for it, _ in life.versions for by in (-second, 0 * second, second)}
    regular = {life.began_at + dt.timedelta(days=step) for step in range(0, 1000, 37)}
    return {it for it in around | regular | {NOW} if life.began_at <= it <= NOW}


def wrong_at(life: Life, moment: dt.datetime, stretches: list[Stretch]) -> Iterator[str]:
    then = life.at(moment)
    current = [it for it in stretches if it[2] <= moment and (it[3] is None or moment < it[3])]
    has_ended = life.now["ended_at"] is not None and life.now["ended_at"] <= moment
    if len(current) != (0 if has_ended else 1):
        yield f"{life.name} at {moment}: {current}"
    elif not has_ended:
        ((_, status, _, _, mrr, currency),) = current
        wanted, is_counted = rounded(monthly(then)), counts(then)
        if is_counted != (status in COUNTED):
            yield f"{life.name} at {moment}: {status}, not {then['status']}"
        if is_counted and abs(mrr - wanted) > CENT_OF_A_CENT:
            yield f"{life.name} at {moment}: {mrr}, not {wanted}"
        if is_counted and not life.discounts and mrr != wanted:
            yield f"{life.name} at {moment}: {mrr}, not exactly {wanted}"
        if currency != then["currency"].upper():
            yield f"{life.name} at {moment}: in {currency}"


def test_revenue_at_every_moment_is_that_of_the_subscription_of_then(company: Company) -> None:
    of = lives(seed=17, number=600)
    told = [it for life in of for it in life.versions]
    assert sum(moment < EVENTS_FROM for moment, _ in told) > 300
    assert sum(moment > EVENTS_FROM for moment, _ in told) > 100
    assert wrong(of, on_duckdb(company, of), 17) == []


@thorough
@pytest.mark.parametrize("seed", range(20))
def test_revenue_of_other_lives(company: Company, seed: int) -> None:
    of = lives(seed, number=600)
    assert wrong(of, on_duckdb(company, of), seed) == []


def test_a_server_tells_the_same_stretches(company: Company, server: str) -> None:
    of = lives(seed=18, number=120)
    on_server = on_postgres(company, of, server)
    assert wrong(of, on_server, 18) == []
    of = lives(seed=18, number=120)
    assert on_duckdb(company, of) == on_server
