"""Overlapping downloads of one pattern: a record counts once, as its newest row has it."""

from __future__ import annotations

from typing import Any

import pytest

from ingestion.loading.reports import LoadReport
from ingestion.pipeline import load_source
from ingestion.sources.files.file_order import in_order, is_certain
from tests.ingestion.conftest import Exports

DEALS = {"source_id": "id", "stage": "stage", "amount": "amount"}
HEADER = "id,stage,amount,updated\n"


def load(exports: Exports, entities: dict[str, Any]) -> LoadReport:
    company = exports.company(entities)
    report = load_source(company, company.sources[0])
    for table in report.tables:
        became = table.rows + table.rows_rejected + table.rows_restated
        assert table.rows_read == became
    return report


def deals(exports: Exports, **columns: str) -> LoadReport:
    """Load deals from all files that are called so."""
    mapping = {"from": "deals*.csv", "columns": {**DEALS, **columns}}
    return load(exports, {"opportunities": mapping})


def amounts(exports: Exports) -> dict[str, int]:
    rows = exports.rows("select source_id, amount from raw_files.opportunities order by source_id")
    return {row["source_id"]: int(row["amount"]) for row in rows}


def test_a_restated_row_takes_the_last_file_and_an_identical_one_is_no_reject(
    exports: Exports,
) -> None:
    exports.write("deals_9.csv", HEADER + "a,Open,1,\nb,Open,2,\n")
    exports.write("deals_10.csv", HEADER + "b,Open,2,\na,Open,10,\nc,Open,3,\n")
    report = deals(exports)
    (table,) = report.tables
    assert (table.rows_read, table.rows, table.rows_restated, table.rows_rejected) == (5, 3, 2, 0)
    assert amounts(exports) == {"a": 10, "b": 2, "c": 3}
    assert report.warnings == (
        "opportunities: 2 ids in several files, 1 with other values: "
        "the row of the last file by name was taken (a: deals_10.csv, not deals_9.csv)",
    )
    rows = exports.rows("select source_id, source_file from raw_files.opportunities order by 1")
    assert {row["source_file"] for row in rows} == {"deals_10.csv"}


def test_the_newest_by_its_own_account_wins_whatever_the_file(exports: Exports) -> None:
    """Where a file does not say when a row changed, the last file wins; equal moments likewise."""
    exports.write(
        "deals_1.csv",
        HEADER + "old,Open,1,2024-03-01\nsame,Open,1,2024-03-01\nuntold,Open,1,2024-03-01\n",
    )
    exports.write(
        "deals_2.csv",
        HEADER + "old,Open,2,2024-02-01\nsame,Open,2,2024-03-01\nuntold,Open,2,\n",
    )
    report = deals(exports, source_updated_at="updated")
    assert amounts(exports) == {"old": 1, "same": 2, "untold": 2}
    (warning,) = report.warnings
    assert "the row of the latest source_updated_at or of the last file by name was" in warning


def test_a_newer_row_that_does_not_fit_leaves_the_older_one(exports: Exports) -> None:
    exports.write("deals_1.csv", HEADER + "a,Open,1,\n")
    exports.write("deals_2.csv", HEADER + "a,Open,many,\n")
    (table,) = deals(exports).tables
    assert (table.rows, table.rows_restated, table.rows_rejected) == (1, 0, 1)
    assert amounts(exports) == {"a": 1}


def test_an_id_that_one_file_repeats_stays_a_reject(exports: Exports) -> None:
    """Of the file that counts; what an older one has of the id is restated, repeats and all."""
    exports.write("deals_1.csv", HEADER + "a,Open,1,\na,Open,2,\nb,Open,1,\n")
    exports.write("deals_2.csv", HEADER + "b,Open,2,\nb,Open,3,\n")
    exports.write("deals_3.csv", HEADER + "a,Open,5,\n")
    (table,) = deals(exports).tables
    assert (table.rows, table.rows_restated, table.rows_rejected) == (2, 3, 1)
    assert amounts(exports) == {"a": 5, "b": 2}
    (rejected,) = exports.rejected()
    assert (rejected["source_file"], rejected["source_line"]) == ("deals_2.csv", 3)
    assert rejected["reason"] == "source_id = b: repeated; the first is in line 2"


def test_daily_downloads_of_the_last_days_change_nothing_but_what_they_restate(
    exports: Exports,
) -> None:
    exports.write("deals_2024-01-30.csv", HEADER + "a,Open,1,\nb,Open,2,\n")
    deals(exports)
    exports.write("deals_2024-01-31.csv", HEADER + "b,Won,2,\nc,Open,3,\n")
    exports.write("deals_2024-02-01.csv", HEADER + "c,Open,3,\n")
    (table,) = deals(exports).tables
    assert (table.rows_new, table.rows_changed, table.rows_deleted) == (1, 1, 0)


def test_files_that_share_nothing_are_not_told_of(exports: Exports) -> None:
    exports.write("deals_1.csv", HEADER + "a,Open,1,\n")
    exports.write("deals_2.csv", HEADER)
    exports.write("deals_3.csv", HEADER + "b,Open,1,\n")
    report = deals(exports)
    assert (report.warnings, report.tables[0].rows_restated) == ((), 0)


def test_rows_known_by_their_key_are_restated_likewise(exports: Exports) -> None:
    header = "rep,start,amount\n"
    exports.write("quotas_2023.csv", header + "r1,2024-01-01,100\nr2,2024-01-01,100\n")
    exports.write("quotas_2024.csv", header + "r1,2024-01-01,150\n")
    columns = {
        "owner_id": "rep",
        "period_start": "start",
        "period_grain": "'month'",
        "measure": "'revenue'",
        "amount": "amount",
    }
    report = load(exports, {"quotas": {"from": "quotas_*.csv", "columns": columns}})
    rows = exports.rows("select owner_id, amount from raw_files.quotas order by 1")
    assert [(row["owner_id"], row["amount"]) for row in rows] == [("r1", 150), ("r2", 100)]
    assert report.warnings[0].startswith("quotas: 1 keys in several files, 1 with other")


def test_rows_without_id_or_key_occur_as_often_as_in_the_file_that_has_most_of_them(
    exports: Exports,
) -> None:
    """Two calls of a minute are two; the same two in tomorrow's download are no four."""
    header = "kind,at,who\n"
    call, mail = "call,2024-01-31 10:00,ann\n", "email,2024-01-31 11:00,ann\n"
    exports.write("log_1.csv", header + call + mail)
    exports.write("log_2.csv", header + call + call)
    exports.write("log_3.csv", header + call)
    columns = {"type": "kind", "occurred_at": "at", "owner_id": "who"}
    mapping = {"activities": {"from": "log_*.csv", "columns": columns}}
    report = load(exports, mapping)
    rows = exports.rows(
        "select type, count(*) as n from raw_files.activities group by 1 order by 1"
    )
    assert [(row["type"], row["n"]) for row in rows] == [("call", 2), ("email", 1)]
    assert report.tables[0].rows_restated == 2
    assert report.warnings[0].startswith("activities: 1 rows in several files, 0 with other")
    exports.write("log_4.csv", header + call + call)
    (table,) = load(exports, mapping).tables
    assert (table.rows_new, table.rows_changed, table.rows_deleted) == (0, 0, 0)


def test_sql_over_a_view_of_files_overlaps_likewise(exports: Exports) -> None:
    exports.write("deals_1.csv", HEADER + "a,Open,1,\n")
    exports.write("deals_2.csv", HEADER + "a,Open,2,\n")
    exports.write("names.csv", "id,name\na,Ann\n")
    sql = 'select d.*, n.name from "deals_*.csv" d left join names n on n.id = d.id'
    mapping = {"from": sql, "columns": {**DEALS, "name": "name"}}
    load(exports, {"opportunities": mapping})
    assert amounts(exports) == {"a": 2}


@pytest.mark.parametrize(
    "names",
    [
        ["deals_9.csv", "deals_10.csv"],
        ["deals.csv", "deals (1).csv", "deals (2).csv", "deals (10).csv"],
        ["deals.csv.gz", "deals_2.csv"],
        ["deals_2023-12-31.csv", "deals_2024-01-01.csv"],
        ["deals 31.12.2023.csv", "deals 1.1.2024.csv", "deals 15.01.2024.csv"],
        ["deals_12-31-2023.csv", "deals_01-15-2024.csv", "deals_02-01-2024.csv"],
        ["deals Dec 2023.csv", "deals Jan 2024.csv", "deals February 2024.csv"],
        ["deals-30Jan2024.csv", "deals-1 Feb 2024.csv"],
        ["2023/deals.csv", "2024/deals.csv", "2024/deals (1).csv"],
        ["Deals_1.CSV", "deals_2.csv", "DEALS_3.csv"],
        ["markets 2023.csv", "markets 2024.csv"],
        ["deals_Q3 2023.csv", "deals_Q4 2023.csv", "deals_Q1 2024.csv", "deals_Q1 2024 (1).csv"],
        ["deals Q4-23.csv", "deals 1Q24.csv", "deals Q2'24.csv"],
        ["deals_2023-Q4.csv", "deals_2024-Q1.csv"],
        ["deals_Q1.csv", "deals_Q2.csv"],
        ["deals_31122023.csv", "deals_01022024.csv", "deals_13022024.csv"],
        ["deals_12312023.csv", "deals_01022024.csv"],
        ["deals_20231231.csv", "deals_20240102.csv"],
        ["deals_311223.csv", "deals_010224.csv"],
        ["deals_123123.csv", "deals_020124.csv"],
        ["deals_202312.csv", "deals_202401.csv"],
        ["deals_31.12.23.csv", "deals_1.2.24.csv"],
        ["deals_01122023_31122023.csv", "deals_01012024_31012024.csv"],
        ["deals_20240131_082916.csv", "deals_20240131_083015.csv"],
        ["deals 2024-01-31 08.29.16.csv", "deals 2024-01-31 08.30.15.csv"],
        ["deals_2024-01-31-10.csv", "deals_2024-02-01-09.csv"],
        ["deals_99887766.csv", "deals_100887766.csv"],
        ["deals_Feb.csv", "deals_Mar.csv", "deals_Apr.csv", "deals_Sept.csv"],
        ["deals_31 Mar.csv", "deals_1 Apr.csv"],
        ["deals_2023 Dec.csv", "deals_2024 Mar.csv", "deals_2024 April.csv"],
        ["deals_2024-Mar-31.csv", "deals_2024-Apr-01.csv"],
        ["deals_31Dec23.csv", "deals_01Jan24.csv"],
    ],
)
def test_files_are_ordered_as_people_name_them(names: list[str]) -> None:
    assert in_order(reversed(names)) == in_order(names) == names
    assert is_certain(names)


@pytest.mark.parametrize(
    "names",
    [
        ["deals_02012024.csv", "deals_01022024.csv"],
        ["deals 02.01.2024.csv", "deals 01.02.2024.csv"],
        ["deals_021124.csv", "deals_011224.csv"],
        ["deals_Dec 23.csv", "deals_Jan 24.csv"],
    ],
)
def test_dates_that_may_be_read_in_two_ways_give_no_certain_order(names: list[str]) -> None:
    assert in_order(reversed(names)) == in_order(names)
    assert not is_certain(names)


def test_a_last_file_that_is_guessed_is_named_with_the_remedy(exports: Exports) -> None:
    exports.write("deals_02012024.csv", HEADER + "a,Open,1,2024-01-01\n")
    exports.write("deals_01022024.csv", HEADER + "a,Open,2,2024-01-02\n")
    (warning,) = deals(exports).warnings
    assert "read in two ways, and deals_01022024.csv was taken for the newest: map sou" in warning
    assert amounts(exports) == {"a": 2}
    (warning,) = deals(exports, source_updated_at="updated").warnings
    assert "two ways" not in warning
