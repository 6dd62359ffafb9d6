"""Exports that nobody here wrote, loaded whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingestion.company.reading import load_company
from ingestion.pipeline import load_source
from ingestion.warehouse.warehouse import Warehouse
from tests.ingestion.conftest import Exports

COMPANIES = Path(__file__).resolve().parents[1] / "companies"


def load(name: str) -> Warehouse:
    """The warehouse of a company of tests/companies, freshly loaded."""
    company = load_company(COMPANIES / f"{name}.yml")
    for source in company.sources:
        load_source(company, source)
    return Warehouse.of(company)


@pytest.mark.usefixtures("exports", "shared")
def test_maven() -> None:
    warehouse = load("maven")
    deals = warehouse.read(
        "select stage, count(*) as deals, sum(amount) as amount from raw_files.opportunities "
        "group by stage order by stage"
    ).to_pylist()
    assert [(row["stage"], row["deals"]) for row in deals] == [
        ("Engaging", 1589),
        ("Lost", 2473),
        ("Prospecting", 500),
        ("Won", 4238),
    ]
    amounts = {row["stage"]: row["amount"] for row in deals}
    assert amounts["Won"] == 10_005_534
    assert amounts["Engaging"] + amounts["Prospecting"] == 4_966_215
    assert warehouse.read("select count(*) as n from raw_files.rejected").to_pylist() == [{"n": 0}]


@pytest.mark.usefixtures("exports", "shared")
def test_bpi_timestamps_keep_their_offsets() -> None:
    warehouse = load("bpi2012")
    (row,) = warehouse.read(
        "select count(*) as n, min(created_at)::VARCHAR as first from raw_files.opportunities"
    ).to_pylist()
    assert row == {"n": 7455, "first": "2011-09-30 22:38:44.546"}


@pytest.mark.usefixtures("exports", "shared")
def test_olist_tells_a_missing_channel_from_an_unknown_one() -> None:
    warehouse = load("olist")
    rows = warehouse.read(
        "select channel, count(*) as n from raw_files.leads "
        "where channel is null or channel = 'unknown' group by channel order by channel nulls first"
    ).to_pylist()
    assert rows == [{"channel": None, "n": 60}, {"channel": "unknown", "n": 1099}]


def test_online_retail_repeats_lines_and_lacks_customers(exports: Exports, shared: Path) -> None:
    columns = {
        "invoice_id": "Invoice",
        "product": "StockCode",
        "quantity": "Quantity",
        "amount": "Quantity * Price",
    }
    load = exports.load(
        {"invoice_lines": {"from": "online_retail_2009_2010", "columns": columns}},
        path=str(shared / "online_retail_ii"),
    )["invoice_lines"]
    assert (load.rows, load.rows_rejected) == (525_461, 0)
    (row,) = exports.rows(
        "select count(distinct source_id) as ids, "
        "count(*) filter (source_extra like '%\"Customer ID\":null%') as without_customer "
        "from raw_files.invoice_lines"
    )
    assert row == {"ids": 525_461, "without_customer": 107_927}
