"""Exports, loaded: what lands in raw tables, in versions, and what is rejected."""

from __future__ import annotations

import datetime as dt
import gzip
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from ingestion.contract.entities import ENTITIES
from ingestion.errors import SourceError
from ingestion.sources.registry import SOURCE_TYPES
from tests.ingestion.conftest import Exports

DEALS = {
    "source_id": "id",
    "stage": "stage",
    "amount": "amount",
    "created_at": "created",
}
STAGES = {
    "rows": [
        {"stage": "Open", "stage_order": 1, "status": "open"},
        {"stage": "Won", "stage_order": 2, "status": "won", "probability": 1},
    ]
}
CSV = """id,stage,amount,created
001,Open,100,2024-01-05
002,Won,200.50,2024-01-06
003,Open,,2024-01-07
"""


def deals(exports: Exports, text: str, **options: Any) -> Any:
    """Load deals from a CSV; what happened to them."""
    exports.write("deals.csv", text)
    force = options.pop("force", False)
    mapping = {"from": "deals", "columns": DEALS, **options}
    return exports.load({"opportunities": mapping}, force=force)["opportunities"]


def versions(exports: Exports) -> list[tuple[str, Decimal | None, bool]]:
    rows = exports.rows(
        "select source_id, amount, is_deleted from raw_files.opportunities "
        "order by source_id, _dlt_load_id"
    )
    return [(row["source_id"], row["amount"], row["is_deleted"]) for row in rows]


@pytest.mark.usefixtures("through_dlt")
def test_every_entity_has_a_table_even_without_rows(exports: Exports) -> None:
    exports.write("people.csv", "id,name\n1,Ann\n")
    exports.load({"users": {"from": "people", "columns": {"source_id": "id", "name": "name"}}})
    tables = exports.rows(
        "select table_name as name from information_schema.tables where table_schema = 'raw_files'"
    )
    names = {row["name"] for row in tables}
    assert names == {*ENTITIES, "rejected", "exports", "_dlt_loads", "_dlt_version"}
    assert set(SOURCE_TYPES["files"].tables) == {*ENTITIES, "rejected", "exports"}
    types = exports.rows(
        "select column_name as name, data_type as type from information_schema.columns "
        "where table_schema = 'raw_files' and table_name = 'fx_rates'"
    )
    assert {row["name"]: row["type"] for row in types} == {
        "source_instance": "VARCHAR",
        "source_file": "VARCHAR",
        "source_row": "BIGINT",
        "source_extra": "VARCHAR",
        "row_hash": "BIGINT",
        "source_id": "VARCHAR",
        "source_updated_at": "TIMESTAMP",
        "is_deleted": "BOOLEAN",
        "day": "DATE",
        "from_currency": "VARCHAR",
        "to_currency": "VARCHAR",
        "rate": "DECIMAL(28,10)",
        "_dlt_load_id": "VARCHAR",
    }


def test_rows_carry_where_they_came_from_and_what_is_beyond_the_contract(exports: Exports) -> None:
    exports.write("deals.csv", "id,stage,amount,created,color\n7,Open,1,2024-01-05,red\n")
    exports.load({"opportunities": {"from": "deals.csv", "columns": DEALS}})
    (row,) = exports.rows("select * from raw_files.opportunities")
    assert (row["source_instance"], row["source_file"], row["source_row"]) == (
        "crm",
        "deals.csv",
        1,
    )
    assert row["source_extra"] == '{"color":"red"}'
    assert row["created_at"] == dt.datetime(2024, 1, 5)
    assert row["amount"] == Decimal(1)
    assert row["is_deleted"] is False
    assert 0 <= row["row_hash"] < 2**63


@pytest.mark.parametrize("name", ["deals [2].csv", "deals *.csv", "deals ?.csv"])
def test_a_path_is_no_pattern(exports: Exports, name: str) -> None:
    """Read as patterns, they would find the twin, too, or instead."""
    exports.write(name, "id,stage,amount,created\n1,Open,10,2024-01-05\n")
    exports.write("deals 2.csv", "id,stage,amount,created\n1,Open,99,2024-01-05\n")
    exports.load({"opportunities": {"from": name, "columns": DEALS}})
    assert versions(exports) == [("1", Decimal(10), False)]


@pytest.mark.usefixtures("through_dlt")
def test_a_load_is_one_load_package(exports: Exports) -> None:
    exports.write("deals.csv", CSV)
    exports.load({"opportunities": {"from": "deals", "columns": DEALS}, "pipeline_stages": STAGES})
    (load,) = exports.rows("select load_id, status from raw_files._dlt_loads")
    ids = exports.rows(
        "select distinct _dlt_load_id as id from raw_files.opportunities "
        "union select _dlt_load_id from raw_files.pipeline_stages "
        "union select _dlt_load_id from raw_files.exports"
    )
    assert ids == [{"id": load["load_id"]}]
    assert load["status"] == 0


@pytest.mark.usefixtures("through_dlt")
def test_unchanged_inputs_load_nothing(exports: Exports) -> None:
    first = deals(exports, CSV)
    assert (first.rows, first.rows_new, first.is_unchanged) == (3, 3, False)
    second = deals(exports, CSV)
    assert (second.rows, second.rows_new, second.is_unchanged) == (3, 0, True)
    assert len(exports.rows("select * from raw_files._dlt_loads")) == 1


def test_another_order_of_rows_makes_no_version(exports: Exports) -> None:
    deals(exports, CSV)
    header, *rows = CSV.splitlines()
    load = deals(exports, "\n".join([header, *reversed(rows)]))
    assert (load.rows_new, load.rows_changed, load.rows_deleted) == (0, 0, 0)
    assert not load.is_unchanged
    assert len(versions(exports)) == 3


def test_a_changed_row_is_one_new_version(exports: Exports) -> None:
    deals(exports, CSV)
    load = deals(exports, CSV.replace("200.50", "250"))
    assert (load.rows_new, load.rows_changed, load.rows_deleted) == (0, 1, 0)
    assert versions(exports) == [
        ("001", Decimal(100), False),
        ("002", Decimal("200.5"), False),
        ("002", Decimal(250), False),
        ("003", None, False),
    ]


def test_a_row_that_vanishes_is_deleted_and_may_come_back(exports: Exports) -> None:
    text = CSV + "004,Open,4,2024-01-08\n005,Open,5,2024-01-08\n"
    deals(exports, text)
    load = deals(exports, text.replace("004,Open,4,2024-01-08\n", ""))
    assert (load.rows, load.rows_deleted) == (4, 1)
    assert deals(exports, text.replace("001,Open,100", "001,Open,1")).rows_changed == 2
    found = [version for version in versions(exports) if version[0] == "004"]
    assert found == [
        ("004", Decimal(4), False),
        ("004", Decimal(4), True),
        ("004", Decimal(4), False),
    ]
    assert deals(exports, text).rows_deleted == 0


def test_a_deleted_row_is_deleted_once(exports: Exports) -> None:
    text = CSV + "".join(f"{n},Open,1,2024-01-08\n" for n in range(10))
    deals(exports, text)
    assert deals(exports, text.replace("003,Open,,2024-01-07\n", "")).rows_deleted == 1
    less = text.replace("003,Open,,2024-01-07\n", "").replace("001,Open,100", "001,Open,101")
    load = deals(exports, less)
    assert (load.rows_changed, load.rows_deleted) == (1, 0)


def test_a_partial_export_deletes_nothing(exports: Exports) -> None:
    deals(exports, CSV, export="partial")
    load = deals(exports, "id,stage,amount,created\n004,Open,4,2024-01-08\n", export="partial")
    assert (load.rows_new, load.rows_deleted) == (1, 0)


def test_a_full_export_that_shrinks_is_refused_unless_forced(exports: Exports) -> None:
    text = CSV + "".join(f"{n},Open,1,2024-01-08\n" for n in range(7))
    deals(exports, text)
    with pytest.raises(SourceError, match=r"has 7 rows, the last one had 10.*FORCE=1"):
        deals(exports, "".join(text.splitlines(keepends=True)[:8]))
    assert len(versions(exports)) == 10
    assert deals(exports, "".join(text.splitlines(keepends=True)[:9])).rows_deleted == 2
    assert deals(exports, CSV, force=True).rows_deleted == 5


def test_rejected_rows_count_as_rows_of_the_export(exports: Exports) -> None:
    text = CSV + "".join(f"{n},Open,1,2024-01-08\n" for n in range(7))
    deals(exports, text)
    load = deals(exports, text.replace(",Open,1,", ",Open,x,"))
    assert (load.rows, load.rows_rejected, load.rows_deleted) == (3, 7, 0)


def test_rejected_rows_are_kept_whole_with_line_and_reason(exports: Exports) -> None:
    exports.write(
        "deals.csv",
        'id,stage,amount,created,note\n1,Open,10,2024-01-05,"two\nlines"\n\n'
        "2,Open,ten,2024-13-45,x\n,Open,5,,y\n4,Shut,5,,z\n1,Won,7,,again\n"
        "5,Open\n6,Open,6,2024-01-06,ok\n",
    )
    load = exports.load(
        {"opportunities": {"from": "deals", "columns": DEALS}, "pipeline_stages": STAGES}
    )["opportunities"]
    assert (load.rows, load.rows_new, load.rows_rejected) == (2, 2, 5)
    found = [(row["source_line"], row["source_id"], row["reason"]) for row in exports.rejected()]
    assert found == [
        (
            5,
            "2",
            "amount = ten: expected a number, such as 1234.50; "
            "created_at = 2024-13-45: expected a timestamp, such as 2024-01-31 17:45:00 "
            "or 2024-01-31T17:45:00+01:00",
        ),
        (6, None, "source_id: missing, but required"),
        (7, "4", "stage = Shut: expected one of the pipeline_stages of this source: Open, Won"),
        (8, "1", "source_id = 1: repeated; the first is in line 2"),
        (9, None, "broken line: Expected Number of Columns: 5 Found: 2"),
    ]
    records = [row["record"] for row in exports.rejected()]
    assert records[0] == {
        "id": 2, "stage": "Open", "amount": "ten", "created": "2024-13-45", "note": "x",
    }  # fmt: skip
    assert records[4] == {"line": "5,Open"}
    assert {row["source_file"] for row in exports.rejected()} == {"deals.csv"}


def test_a_row_that_is_rejected_is_not_deleted(exports: Exports) -> None:
    deals(exports, CSV)
    load = deals(exports, CSV.replace("200.50", "?"))
    assert (load.rows_rejected, load.rows_deleted) == (1, 0)


def test_an_export_with_a_line_that_cannot_be_read_deletes_nothing(exports: Exports) -> None:
    text = CSV + "".join(f"x{n},Open,1,2024-01-08\n" for n in range(9))
    deals(exports, text)
    load = deals(
        exports,
        text.replace("002,Won,200.50,2024-01-06", "002,Won").replace("003,Open,,2024-01-07\n", ""),
    )
    assert (load.rows_rejected, load.rows_deleted) == (1, 0)
    load = deals(exports, text.replace("003,Open,,2024-01-07\n", ""))
    assert (load.rows_rejected, load.rows_deleted) == (0, 1)
    assert [version for version in versions(exports) if version[2]] == [("003", None, True)]


def test_stages_of_pipelines(exports: Exports) -> None:
    exports.write("deals.csv", "id,pipeline,stage\n1,A,Open\n2,B,Open\n3,B,Won\n4,,Open\n5,,Won\n")
    stages = [
        {"pipeline": "A", "stage": "Open", "stage_order": 1, "status": "open"},
        {"stage": "Won", "stage_order": 2, "status": "won"},
    ]
    columns = {"source_id": "id", "pipeline": "pipeline", "stage": "stage"}
    exports.load(
        {
            "opportunities": {"from": "deals", "columns": columns},
            "pipeline_stages": {"rows": stages},
        }
    )
    assert [row["source_id"] for row in exports.rejected()] == ["2", "4"]


def test_changed_stages_check_the_deals_again(exports: Exports) -> None:
    exports.write("deals.csv", CSV)
    mapping = {"from": "deals", "columns": DEALS}
    exports.load({"opportunities": mapping, "pipeline_stages": STAGES})
    fewer = {"rows": STAGES["rows"][:1]}
    loads = exports.load({"opportunities": mapping, "pipeline_stages": fewer})
    assert loads["opportunities"].rows_rejected == 1
    assert loads["pipeline_stages"].rows_deleted == 1


def test_a_natural_key_stands_in_for_an_id(exports: Exports) -> None:
    text = "d,f,t,r\n2024-01-01,EUR,USD,1.1\n2024-01-02,EUR,USD,1.2\n2024-01-01,EUR,USD,1.3\n"
    exports.write("rates.csv", text)
    columns = {"day": "d", "from_currency": "f", "to_currency": "t", "rate": "r"}
    load = exports.load({"fx_rates": {"from": "rates", "columns": columns}})["fx_rates"]
    assert (load.rows, load.rows_rejected) == (2, 1)
    (rejected,) = exports.rejected()
    assert rejected["reason"] == (
        "day = 2024-01-01, from_currency = EUR, to_currency = USD: repeated; the first is in line 2"
    )
    exports.write("rates.csv", text.replace("1.2", "1.25"))
    changed = exports.load({"fx_rates": {"from": "rates", "columns": columns}})["fx_rates"]
    assert (changed.rows_new, changed.rows_changed) == (0, 1)


def test_without_key_or_id_equal_rows_are_told_apart(exports: Exports) -> None:
    exports.write("lines.csv", "i,a\nX,1\nX,1\nX,2\n")
    mapping = {"from": "lines", "columns": {"invoice_id": "i", "amount": "a"}}
    assert exports.load({"invoice_lines": mapping})["invoice_lines"].rows_new == 3
    exports.write("lines.csv", "i,a\nX,2\nX,1\nX,1\nX,1\n")
    load = exports.load({"invoice_lines": mapping})["invoice_lines"]
    assert (load.rows_new, load.rows_changed, load.rows_deleted) == (1, 0, 0)


def test_an_expression_that_fails_on_a_row_rejects_the_row(exports: Exports) -> None:
    exports.write("deals.csv", "id,stage,amount,created\n1,Open,1,31/01/2024\n2,Open,2,soon\n")
    columns = {**DEALS, "created_at": "strptime(created, '%d/%m/%Y')"}
    exports.load({"opportunities": {"from": "deals", "columns": columns}})
    (row,) = exports.rows("select source_id, created_at from raw_files.opportunities")
    assert row == {"source_id": "1", "created_at": dt.datetime(2024, 1, 31)}
    (rejected,) = exports.rejected()
    assert rejected["source_line"] == 3
    assert rejected["reason"].startswith("created_at: the expression (")


def test_sql_over_several_files_keeps_the_lines_of_the_first(exports: Exports) -> None:
    exports.write("deals.csv", "id,stage,owner\n1,Open,a\n2,,b\n3,Open,c\n")
    exports.write("people.csv", "id,name\na,Ann\nb,Bob\n")
    sql = "select d.*, p.name as rep from deals d left join people p on p.id = d.owner"
    columns = {"source_id": "id", "stage": "stage", "owner_id": "rep"}
    exports.load({"opportunities": {"from": sql, "columns": columns}})
    rows = exports.rows(
        "select source_id, source_file, source_row, owner_id "
        "from raw_files.opportunities order by source_id"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("1", "deals.csv", 1, "Ann"),
        ("3", "deals.csv", 3, None),
    ]
    (rejected,) = exports.rejected()
    assert (rejected["source_file"], rejected["source_line"]) == ("deals.csv", 3)


def test_sql_that_groups_has_no_lines(exports: Exports) -> None:
    exports.write("deals.csv", "owner,n\na,1\na,2\n,3\n")
    sql = "select owner, sum(n) as n from deals group by owner"
    columns = {"source_id": "owner", "name": "owner"}
    exports.load({"users": {"from": sql, "columns": columns}})
    (rejected,) = exports.rejected()
    assert (rejected["source_file"], rejected["source_line"]) == ("deals.csv", None)
    assert rejected["record"] == {"owner": None, "n": 3}


def test_a_pattern_reads_files_as_one_table(exports: Exports) -> None:
    exports.write("deals-01.csv", "id,stage\n1,Open\n2,Open\n")
    exports.write("deals-02.csv", "stage,id,amount\nOpen,3,5\n,4,6\n")
    columns = {"source_id": "id", "stage": "stage", "amount": "amount"}
    exports.load({"opportunities": {"from": "deals-*.csv", "columns": columns}})
    rows = exports.rows(
        "select source_id, source_file, source_row, amount from raw_files.opportunities order by 1"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("1", "deals-01.csv", 1, None),
        ("2", "deals-01.csv", 2, None),
        ("3", "deals-02.csv", 3, Decimal(5)),
    ]
    (rejected,) = exports.rejected()
    assert (rejected["source_file"], rejected["source_line"]) == ("deals-02.csv", 3)


def test_a_view_has_options_of_its_own(exports: Exports) -> None:
    exports.write("old/deals.txt", "id;stage\n1;Gewonnen für immer\n".encode("cp1252"))
    views = {"old_deals": {"glob": "old/*.txt", "delimiter": ";", "encoding": "cp1252"}}
    columns = {"source_id": "id", "stage": "stage"}
    exports.load(
        {"opportunities": {"from": "select * from old_deals", "columns": columns}}, views=views
    )
    (row,) = exports.rows("select stage, source_file from raw_files.opportunities")
    assert row == {"stage": "Gewonnen für immer", "source_file": "old/deals.txt"}


def test_a_file_that_others_share_a_stem_with_is_an_error_only_when_used(exports: Exports) -> None:
    exports.write("deals.csv", CSV)
    exports.write("deals.csv.gz", gzip.compress(CSV.encode()))
    exports.write("people.csv", "id,name\n1,Ann\n")
    people = {"from": "people", "columns": {"source_id": "id", "name": "name"}}
    assert exports.load({"users": people})["users"].rows == 1
    named = {"from": "deals.csv.gz", "columns": DEALS}
    assert exports.load({"opportunities": named})["opportunities"].rows == 3
    with pytest.raises(Exception, match=r"'deals' may be deals\.csv, deals\.csv\.gz"):
        exports.load({"opportunities": {"from": "deals", "columns": DEALS}})


def test_columns_of_canonical_names_need_no_mapping(exports: Exports) -> None:
    exports.write("users.csv", "source_id,Name,email,shoe_size\n1,Ann,a@x.org,38\n")
    exports.load({"users": {"from": "users"}})
    (row,) = exports.rows("select source_id, name, email, source_extra from raw_files.users")
    assert tuple(row.values()) == ("1", "Ann", "a@x.org", '{"shoe_size":38}')
    exports.write("users.csv", "id,name\n1,Ann\n")
    with pytest.raises(SourceError, match=r"entities\.users: no column is called 'source_id'"):
        exports.load({"users": {"from": "users"}})


def test_a_column_name_that_is_no_sql_is_still_a_name(exports: Exports) -> None:
    exports.write("deals.csv", "Deal ID,Stage (now),at\n1,Open,2024-01-05\n")
    columns = {"source_id": "deal id", "stage": "Stage (now)", "created_at": "at"}
    exports.load({"opportunities": {"from": "deals", "columns": columns}})
    (row,) = exports.rows("select source_id, stage, source_extra from raw_files.opportunities")
    assert tuple(row.values()) == ("1", "Open", None)


def test_a_column_called_rowid_does_not_shift_rows(exports: Exports) -> None:
    exports.write("deals.csv", "rowid,stage\n70,Open\n71,\n")
    columns = {"source_id": "row_id", "stage": "stage"}
    exports.load({"opportunities": {"from": "deals", "columns": columns}})
    (row,) = exports.rows("select source_id, source_row from raw_files.opportunities")
    assert row == {"source_id": "70", "source_row": 1}
    assert [row["source_line"] for row in exports.rejected()] == [3]


def test_nothing_is_loaded_when_one_entity_fails(exports: Exports) -> None:
    exports.empty = None
    exports.write("deals.csv", CSV)
    wrong = {"from": "deals", "columns": {"source_id": "id", "name": "nome"}}
    with pytest.raises(SourceError) as error:
        exports.load({"opportunities": {"from": "deals", "columns": DEALS}, "users": wrong})
    assert "sources.crm.entities.users: columns.name = 'nome'" in str(error.value)
    assert "Columns there are: id, stage, amount, created" in str(error.value)
    assert not (exports.root / "data" / "test" / "warehouse.duckdb").exists()


def test_two_sources_of_one_type_keep_apart(exports: Exports) -> None:
    exports.write("deals.csv", CSV)
    mapping = {"opportunities": {"from": "deals", "columns": DEALS}}
    exports.load(mapping)
    exports.load(mapping, name="other")
    rows = exports.rows(
        "select source_instance as name, count(*) as n from raw_files.opportunities "
        "group by 1 order by 1"
    )
    assert rows == [{"name": "crm", "n": 3}, {"name": "other", "n": 3}]


@pytest.mark.parametrize(
    ("zone", "source_zone", "written", "utc"),
    [
        ("America/New_York", None, "2024-03-10", "2024-03-10 05:00"),
        ("Asia/Tokyo", None, "2024-03-10", "2024-03-09 15:00"),
        ("America/New_York", None, "2024-07-01 12:00:00", "2024-07-01 16:00"),
        ("America/New_York", "Asia/Tokyo", "2024-07-01 12:00:00", "2024-07-01 03:00"),
        ("America/New_York", "Asia/Tokyo", "2024-07-01", "2024-07-01 04:00"),
        ("America/New_York", "Asia/Tokyo", "2024-07-01T12:00:00+02:00", "2024-07-01 10:00"),
        ("America/New_York", None, "2024-07-01T12:00:00.5Z", "2024-07-01 12:00:00.5"),
        ("America/New_York", None, "2024-11-03 00:30", "2024-11-03 04:30"),
        ("America/New_York", None, "2024-11-03 03:00:00", "2024-11-03 08:00"),
    ],
)
def test_zones(
    exports: Exports, zone: str, source_zone: str | None, written: str, utc: str
) -> None:
    exports.settings["timezone"] = zone
    # Once in a column that is typed as a whole, once in one that holds all kinds of text.
    exports.write(
        "deals.csv", f"id,stage,created,mixed\n1,Open,{written},{written}\n2,Open,,2024\n"
    )
    columns = {"source_id": "id", "stage": "stage", "created_at": "created"}
    mixed = "case when id = 1 then mixed end"
    entities = {
        "opportunities": {"from": "deals", "columns": {**columns, "closed_at": mixed}},
    }
    exports.load(entities, **({"timezone": source_zone} if source_zone else {}))
    row = exports.rows(
        "select created_at, closed_at from raw_files.opportunities order by source_id"
    )[0]
    expected = dt.datetime.fromisoformat(utc)
    assert row == {"created_at": expected, "closed_at": expected}


def test_a_timestamp_becomes_the_companys_date(exports: Exports) -> None:
    exports.settings["timezone"] = "Asia/Tokyo"
    exports.write(
        "deals.csv", "id,stage,due\n1,Open,2024-03-09T15:00:00Z\n2,Open,2024-03-09T14:59:59Z\n"
    )
    columns = {"source_id": "id", "stage": "stage", "close_date": "due"}
    exports.load({"opportunities": {"from": "deals", "columns": columns}})
    rows = exports.rows("select close_date from raw_files.opportunities order by source_id")
    assert [row["close_date"].day for row in rows] == [10, 9]


def test_parquet_keeps_its_types(exports: Exports) -> None:
    exports.folder.mkdir()
    with duckdb.connect() as connection:
        connection.execute(
            "copy (select '007' as id, 'Open' as stage, 1.25::decimal(10,2) as amount, "
            "timestamptz '2024-01-05 10:00:00+02' as created) "
            f"to '{exports.folder / 'deals.parquet'}'"
        )
    exports.load({"opportunities": {"from": "deals", "columns": DEALS}})
    (row,) = exports.rows("select source_id, amount, created_at from raw_files.opportunities")
    assert tuple(row.values()) == ("007", Decimal("1.25"), dt.datetime(2024, 1, 5, 8))


def test_json_lines(exports: Exports) -> None:
    text = (
        '{"id": "007", "stage": "Open", "amount": 1.5, "created": "2024-01-05T10:00:00Z"}\n'
        '{"id": "8", "stage": "Open", "amount": "x", "created": "2024-01-05"}\n'
        '{"id": "9", "stage": "Open", "amount": 2, "created": "2024-01-05T10:00:00Z", '
        '"o": {"a": 1}}\n'
    )
    exports.settings["timezone"] = "America/New_York"
    exports.write("deals.jsonl.gz", gzip.compress(text.encode()))
    exports.load({"opportunities": {"from": "deals", "columns": DEALS}})
    rows = exports.rows(
        "select source_id, amount, created_at, source_extra from raw_files.opportunities order by 1"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("007", Decimal("1.5"), dt.datetime(2024, 1, 5, 10), '{"o":null}'),
        ("9", Decimal(2), dt.datetime(2024, 1, 5, 10), '{"o":{"a":1}}'),
    ]
    (rejected,) = exports.rejected()
    assert (rejected["source_file"], rejected["source_line"]) == ("deals.jsonl.gz", 2)
