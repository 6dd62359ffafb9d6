"""Mappings that change between loads: what they no longer find was not deleted."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from ingestion.errors import SourceError
from ingestion.loading.reports import TableLoad
from ingestion.warehouse.warehouse import Warehouse
from tests.ingestion.conftest import Exports

BY_ID = {"source_id": "id", "stage": "stage", "amount": "amount"}
BY_NUMBER = {**BY_ID, "source_id": "no"}
CSV = "id,no,stage,amount\n" + "".join(f"d{n},{n},Open,{n * 10}\n" for n in range(10))


def deals(exports: Exports, columns: Any = BY_ID, **options: Any) -> TableLoad:
    """Load deals; what happened to them."""
    source = options.pop("source", {})
    force = options.pop("force", False)
    mapping = {"from": "deals", "columns": columns, **options}
    return exports.load({"opportunities": mapping}, force=force, **source)["opportunities"]


def first(exports: Exports, text: str = CSV, **options: Any) -> None:
    """The first load of deals."""
    exports.write("deals.csv", text)
    deals(exports, **options)


def loads(exports: Exports) -> int:
    return len(exports.rows("select * from raw_files._dlt_loads where status = 0"))


@pytest.mark.parametrize("force", [False, True])
def test_ids_that_another_column_gives_are_refused(exports: Exports, force: bool) -> None:
    first(exports)
    with pytest.raises(SourceError) as error:
        deals(exports, BY_NUMBER, force=force)
    said = str(error.value)
    assert "company.yml: sources.crm.entities.opportunities: 10 of 10 records are gone" in said
    assert "columns.source_id was 'id', is 'no'" in said
    assert "columns.stage" not in said
    assert "FRESH=1" in said
    assert "\n" not in said
    assert loads(exports) == 1


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        ({}, {"from": "select * from deals where no < 4"}, "from was 'deals', is 'select * from d"),
        ({"export": "partial"}, {"from": "few"}, "export was 'partial', is 'full'"),
        ({}, {"source": {"path": "others"}}, "path was 'exports', is 'others'"),
        ({"from": "seen", "source": {"views": {"seen": {"glob": "deals.csv"}}}},
         {"from": "seen", "source": {"views": {"seen": {"glob": "few.csv"}}}}, "views.seen was "),
    ],
)  # fmt: skip
def test_whatever_of_the_reading_changed_is_named(
    exports: Exports, before: dict[str, Any], after: dict[str, Any], what: str
) -> None:
    few = "".join(CSV.splitlines(keepends=True)[:5])
    exports.write("few.csv", few)
    exports.write("../others/deals.csv", few)
    first(exports, **before)
    with pytest.raises(SourceError) as error:
        deals(exports, **after)
    assert "6 of 10 records are gone" in str(error.value)
    assert what in str(error.value)


def test_half_of_the_records_may_go_with_a_changed_mapping(exports: Exports) -> None:
    first(exports)
    few = {"from": "select * from deals where no < 5"}
    assert deals(exports, force=True, **few).rows_deleted == 5
    assert deals(exports, force=True, **few, export="partial").is_unchanged is False
    with pytest.raises(SourceError, match="3 of 5 records are gone"):
        deals(exports, force=True, **{"from": "select * from deals where no < 2"})


def test_records_that_vanish_without_a_change_are_deleted(exports: Exports) -> None:
    first(exports)
    exports.write("deals.csv", "".join(CSV.splitlines(keepends=True)[:3]))
    assert deals(exports, force=True).rows_deleted == 8


def test_a_change_counts_until_the_next_load(exports: Exports) -> None:
    first(exports)
    more = {**BY_ID, "name": "'Deal ' || no"}
    assert deals(exports, more).rows_changed == 10
    exports.write("deals.csv", "".join(CSV.splitlines(keepends=True)[:3]))
    assert deals(exports, more, force=True).rows_deleted == 8


def test_white_space_in_sql_is_no_change(exports: Exports) -> None:
    first(exports, **{"from": "select * from deals"})
    exports.write("deals.csv", "".join(CSV.splitlines(keepends=True)[:3]))
    assert deals(exports, force=True, **{"from": "select *\n  from deals"}).rows_deleted == 8


def test_rows_of_the_company_file_are_data(exports: Exports) -> None:
    def stages(*names: str) -> TableLoad:
        rows = [{"stage": n, "stage_order": i, "status": "open"} for i, n in enumerate(names)]
        return exports.load({"pipeline_stages": {"rows": rows}})["pipeline_stages"]

    stages("Lead", "Demo", "Offer")
    load = stages("Contact", "Meeting", "Proposal")
    assert (load.rows_new, load.rows_deleted) == (3, 3)


def test_rows_without_identity_are_other_rows_when_read_otherwise(exports: Exports) -> None:
    exports.write("lines.csv", "i,a,p\nX,1,Arm\nX,2,Leg\n")
    columns = {"invoice_id": "i", "amount": "a"}
    exports.load({"invoice_lines": {"from": "lines", "columns": columns}})
    more = {"invoice_lines": {"from": "lines", "columns": {**columns, "product": "p"}}}
    load = exports.load(more)["invoice_lines"]
    assert (load.rows_new, load.rows_deleted) == (2, 2)


def test_a_key_that_is_read_otherwise_is_refused(exports: Exports) -> None:
    exports.write("rates.csv", "d,f,t,r\n2024-01-01,EUR,USD,1.1\n2024-01-02,EUR,USD,1.2\n")
    columns = {"day": "d", "from_currency": "f", "to_currency": "t", "rate": "r"}
    exports.load({"fx_rates": {"from": "rates", "columns": columns}})
    turned = {**columns, "from_currency": "t", "to_currency": "f", "rate": "1 / r"}
    with pytest.raises(SourceError, match=r"2 of 2 records.*from_currency was 'f', is 't'"):
        exports.load({"fx_rates": {"from": "rates", "columns": turned}})


@pytest.mark.parametrize("sql", ["drop column mapping", "alter mapping set default null"])
def test_what_an_older_version_loaded_is_of_an_unknown_mapping(exports: Exports, sql: str) -> None:
    exports.empty = None
    first(exports)
    warehouse = Warehouse.of(exports.company({"opportunities": {"from": "deals"}})).location
    with duckdb.connect(warehouse) as connection:
        if "drop" not in sql:
            connection.execute("update raw_files.exports set mapping = null")
        connection.execute(f"alter table raw_files.exports {sql}")
    assert deals(exports, BY_NUMBER).rows_deleted == 10
    found = exports.rows("select mapping from raw_files.exports order by _dlt_load_id")
    assert [row["mapping"] is None for row in found] == [True, False]
    with pytest.raises(SourceError, match=r"columns.source_id was 'no', is 'id'"):
        deals(exports, BY_ID)
