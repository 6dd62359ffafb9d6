"""Values in histories are values of their fields, whatever the format of the file."""

from __future__ import annotations

import datetime as dt
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.errors import SalesopsError
from tests.ingestion.conftest import Exports
from tests.ingestion.test_xlsx import write_xlsx

HEADER = "entity,entity_id,field,old_value,new_value,changed_at\n"
MAPPING = {"field_changes": {"from": "log.csv"}}


def changes(*rows: str) -> str:
    """A log of changes of deals on 2024-03-01: `deal,field,old,new`."""
    return HEADER + "".join(f"opportunities,{row},2024-03-01\n" for row in rows)


def values(exports: Exports) -> dict[str, tuple[str | None, str | None]]:
    """The values of all changes in raw, by deal."""
    rows = exports.rows("select entity_id, old_value, new_value from raw_files.field_changes")
    return {row["entity_id"]: (row["old_value"], row["new_value"]) for row in rows}


def test_a_value_may_be_emptied(exports: Exports) -> None:
    exports.write("log.csv", changes("d1,owner_id,ann,", "d2,amount,100,", "d3,close_date,,"))
    counts = exports.load(MAPPING)["field_changes"]
    assert (counts.rows, counts.rows_rejected) == (3, 0)
    assert values(exports) == {"d1": ("ann", None), "d2": ("100", None), "d3": (None, None)}


def test_who_maps_no_new_value_does_not_empty_everything(exports: Exports) -> None:
    exports.write("log.csv", changes("d1,owner_id,ann,bob"))
    columns = {name: name for name in HEADER.strip().split(",") if name != "new_value"}
    with pytest.raises(SalesopsError, match="'new_value' is missing: field_changes need it"):
        exports.load({"field_changes": {"from": "log.csv", "columns": columns}})
    exports.write("log.csv", changes("d1,owner_id,ann,bob").replace("new_value", "after"))
    with pytest.raises(SalesopsError, match="no column is called 'new_value'"):
        exports.load(MAPPING)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("d2,amount,,abc", "new_value of amount = abc: expected a number"),
        ("d2,amount,1.2.3,900", "old_value of amount = 1.2.3: expected a number"),
        ("d2,close_date,,9999-12-31", "new_value of close_date = 9999-12-31: expected a day from"),
        ("d2,close_date,,31.02.2024", "new_value of close_date = 31.02.2024: expected a date"),
        ("d2,close_date,2024-02-31,", "old_value of close_date = 2024-02-31: expected a date"),
        ("d2,closed_at,,soon", "new_value of closed_at = soon: expected a timestamp"),
        ("d2,is_deleted,,gone", "new_value of is_deleted = gone: expected true or false"),
        ("d2,forecast_category,,Sure", "new_value of forecast_category = Sure: expected one of"),
    ],
)
def test_a_value_that_does_not_fit_its_field_is_rejected(
    exports: Exports, row: str, reason: str
) -> None:
    exports.write("log.csv", changes("d1,amount,,100", row))
    counts = exports.load(MAPPING)["field_changes"]
    assert (counts.rows, counts.rows_rejected) == (1, 1)
    [rejected] = exports.rejected()
    assert (rejected["source_file"], rejected["source_line"]) == ("log.csv", 3)
    assert rejected["reason"].startswith(reason)
    assert ", or nothing where there was no value" in rejected["reason"]
    assert rejected["record"]["entity_id"] == "d2"


def test_both_values_of_a_change_are_named(exports: Exports) -> None:
    exports.write("log.csv", changes("d1,amount,x,y"))
    exports.load(MAPPING)
    [rejected] = exports.rejected()
    assert [part.split(":")[0] for part in rejected["reason"].split("; ")] == [
        "old_value of amount = x",
        "new_value of amount = y",
    ]


def test_fields_are_those_of_the_changed_entity(exports: Exports) -> None:
    """`amount` is money of a deal, and nothing that an account has; owners may be anything."""
    log = changes("d1,owner_id,ann,4711", "d1,stage,abc,31.02.2024", "d1,Amount,,abc")
    exports.write("log.csv", log + "accounts,a1,amount,,abc,2024-03-01\nthings,t,x,,y,2024-03-01\n")
    counts = exports.load(MAPPING)["field_changes"]
    assert (counts.rows, counts.rows_rejected) == (5, 0)


def test_values_are_kept_in_one_form(exports: Exports) -> None:
    exports.settings = {"timezone": "America/New_York"}
    exports.write(
        "log.csv",
        changes(
            "money,amount,1200.50,0.00",
            "large,amount,1e+16,-3",
            "day,close_date,2024-01-31,2024-01-31 00:00:00",
            "moment,close_date,2024-02-01T03:00:00Z,2024-02-01T06:00:00Z",
            "closed,closed_at,2024-01-31 19:00:00,2024-01-31",
            "deleted,is_deleted,No,YES",
        ),
    )
    assert exports.load(MAPPING)["field_changes"].rows_rejected == 0
    assert values(exports) == {
        "money": ("1200.5", "0"),
        "large": ("10000000000000000", "-3"),
        "day": ("2024-01-31", "2024-01-31"),
        "moment": ("2024-01-31", "2024-02-01"),
        "closed": ("2024-02-01 00:00:00", "2024-01-31 05:00:00"),
        "deleted": ("false", "true"),
    }


def test_what_was_loaded_before_its_values_were_checked_is_not_changed(
    exports: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hashes are of what is written; only what means something else in the company's zone moves."""
    exports.settings = {"timezone": "America/New_York"}
    log = changes(
        "d1,amount,1200.50,100.00",
        "d2,close_date,2024-01-31,2024-02-10 00:00:00",
        "d3,owner_id,ann,",
        "d4,close_date,,2024-02-01T03:00:00Z",
        "d6,closed_at,,2024-02-01 09:30",
        "d7,amount,1e3,.5",
    )
    exports.write("log.csv", log)
    with monkeypatch.context() as unchecked:
        for module in ("mapped_extract", "validation"):
            unchecked.setattr(f"ingestion.sources.files.{module}.check_values", lambda *_: ())
        exports.load(MAPPING)
    before = exports.rows("select entity_id, source_id from raw_files.field_changes")
    exports.write("log.csv", log + "opportunities,d5,amount,,7,2024-03-01\n")
    counts = exports.load(MAPPING)["field_changes"]
    assert (counts.rows_new, counts.rows_changed, counts.rows_deleted) == (1, 1, 0)
    rows = exports.rows("select * from raw_files.field_changes where entity_id = 'd4'")
    assert {row["new_value"] for row in rows} == {"2024-02-01T03:00:00Z", "2024-01-31"}
    assert {row["source_id"] for row in rows} == {
        row["source_id"] for row in before if row["entity_id"] == "d4"
    }


def test_options_and_whole_fields_say_how_values_are_written(exports: Exports) -> None:
    """The zone is west of Greenwich: a midnight in UTC is the evening before there."""
    exports.settings = {"timezone": "America/New_York"}
    log = changes(
        'd1,amount,"1.200,50",15.500',
        "d2,close_date,2024-03-01T00:00:00Z,2024-04-01T00:00:00Z",
        "d3,closed_at,,01.11.2024 10:00",
        "d4,currency,usd,€",
    )
    exports.write("log.csv", log)
    with pytest.raises(SalesopsError, match=r"new_value: log\.csv has numbers such as .*thousands"):
        exports.load(MAPPING)
    options = {"decimal": ",", "thousands": ".", "date_format": "%d.%m.%Y %H:%M"}
    assert exports.load(MAPPING, options=options)["field_changes"].rows_rejected == 0
    assert values(exports) == {
        "d1": ("1200.5", "15500"),
        "d2": ("2024-03-01", "2024-04-01"),
        "d3": (None, "2024-11-01 14:00:00"),
        "d4": ("USD", "EUR"),
    }


def test_what_is_written_may_come_to_mean_something_else(exports: Exports) -> None:
    """An option that reads the same text otherwise changes the rows that it is about."""
    log = changes("d1,owner_id,15.500,16.500", "d2,amount,15.500,16.500")
    exports.write("log.csv", log)
    exports.load(MAPPING, options={"decimal": "."})
    exports.write("log.csv", log + "\n")
    options = {"decimal": ",", "thousands": "."}
    counts = exports.load(MAPPING, options=options)["field_changes"]
    assert (counts.rows_changed, counts.rows_rejected) == (1, 0)
    rows = exports.rows("select new_value from raw_files.field_changes where entity_id = 'd2'")
    assert {row["new_value"] for row in rows} == {"16.5", "16500"}


def test_json_says_emptied_with_null_or_nothing(exports: Exports) -> None:
    of_all = {"entity": "opportunities", "field": "amount", "changed_at": "2024-03-01"}
    rows = [
        {**of_all, "entity_id": "d1", "old_value": 10, "new_value": 12.50},
        {**of_all, "entity_id": "d2", "old_value": "10", "new_value": None},
        {**of_all, "entity_id": "d3", "old_value": 10},
        {**of_all, "entity_id": "d4", "old_value": "10", "new_value": ""},
    ]
    exports.write("log.json", json.dumps(rows))
    assert exports.load({"field_changes": {"from": "log.json"}})["field_changes"].rows == 4
    assert values(exports) == {
        "d1": ("10", "12.5"),
        "d2": ("10", None),
        "d3": ("10", None),
        "d4": ("10", None),
    }


def test_cells_and_typed_columns_say_what_text_says(exports: Exports) -> None:
    """In one column a number, a day, a moment and nothing."""
    exports.settings = {"timezone": "Asia/Tokyo"}
    day, moment = dt.date(2024, 1, 31), dt.datetime(2024, 1, 31, 17, 45)
    cells = [("d1", "amount", 1200.5), ("d2", "close_date", day), ("d3", "close_date", moment),
             ("d4", "closed_at", moment), ("d5", "amount", None)]  # fmt: skip
    rows = [
        ["opportunities", deal, field, None, value, dt.datetime(2024, 3, 1, 9)]
        for deal, field, value in cells
    ]
    exports.folder.mkdir(exist_ok=True)
    write_xlsx(exports.folder / "log.xlsx", {"log": [HEADER.strip().split(","), *rows]})
    expected = {
        "d1": (None, "1200.5"),
        "d2": (None, "2024-01-31"),
        "d3": (None, "2024-01-31"),
        "d4": (None, "2024-01-31 08:45:00"),
        "d5": (None, None),
    }
    exports.load({"field_changes": {"from": "log.xlsx"}})
    assert values(exports) == expected

    days = pa.table(
        {
            "entity": ["opportunities"] * 2,
            "entity_id": ["d6", "d7"],
            "field": ["close_date"] * 2,
            "old_value": pa.array([dt.date(2024, 1, 31), None]),
            "new_value": pa.array([None, dt.date(2024, 2, 29)]),
            "changed_at": [moment] * 2,
        }
    )
    pq.write_table(days, exports.folder / "log.parquet")
    partial = {"from": "log.parquet", "export": "partial"}
    exports.load({"field_changes": partial})
    added = {"d6": ("2024-01-31", None), "d7": (None, "2024-02-29")}
    assert values(exports) == expected | added


def test_inline_changes_are_checked_before_anything_is_read(exports: Exports) -> None:
    row = {
        "entity": "opportunities",
        "entity_id": "d1",
        "field": "amount",
        "changed_at": "2024-03-01",
    }
    with pytest.raises(SalesopsError, match="new_value of amount = abc: expected a number"):
        exports.load({"field_changes": {"rows": [{**row, "new_value": "abc"}]}})
