"""Copies beside a file that is read: nothing reads them, and the load says so."""

from __future__ import annotations

import pytest

from ingestion.loading.reports import LoadReport
from ingestion.pipeline import load_source
from tests.ingestion.conftest import Exports

HEADER = "id,stage,amount\n"
COLUMNS = {"source_id": "id", "stage": "stage", "amount": "amount"}


def deals(exports: Exports, from_: str = "deals") -> LoadReport:
    company = exports.company({"opportunities": {"from": from_, "columns": COLUMNS}})
    return load_source(company, company.sources[0])


@pytest.mark.parametrize(
    "copy",
    [
        "deals (1).csv",
        "deals(2).csv",
        "deals - Copy.csv",
        "deals - Copy (2).csv",
        "deals_copy.csv",
        "deals copy 2.csv",
        "Deals (1).CSV",
        "deals - Kopie.csv",
    ],
)
def test_a_copy_beside_the_file_that_is_read_is_told(exports: Exports, copy: str) -> None:
    exports.write("deals.csv", HEADER + "a,Open,1\n")
    exports.write(copy, HEADER + "a,Open,2\n")
    (warning,) = deals(exports).warnings
    assert warning.startswith(f"deals.csv: beside it, not read: {copy}, by the name the same")
    is_matched = copy.startswith("deals") and copy.endswith("csv")
    assert ("write from: deals*.csv to read all, or remove" in warning) == is_matched


def test_a_second_download_is_told_though_nothing_that_is_read_has_changed(
    exports: Exports,
) -> None:
    exports.write("deals.csv", HEADER + "a,Open,1\n")
    assert deals(exports).warnings == ()
    exports.write("deals (1).csv", HEADER + "a,Open,2\n")
    report = deals(exports)
    assert report.tables[0].is_unchanged
    assert "deals (1).csv" in report.warnings[0]
    assert deals(exports, "deals*.csv").warnings[0].startswith("opportunities: 1 ids in several")


def test_the_file_without_a_number_is_told_where_the_copy_is_read(exports: Exports) -> None:
    exports.write("Copy of deals.csv", HEADER + "a,Open,1\n")
    exports.write("deals.csv", HEADER + "a,Open,2\n")
    (warning,) = deals(exports, "Copy of deals").warnings
    assert warning.startswith("Copy of deals.csv: beside it, not read: deals.csv,")


def test_a_pattern_that_would_read_other_files_too_is_not_proposed(exports: Exports) -> None:
    for name in ("deals.csv", "deals (1).csv", "deals_history.csv"):
        exports.write(name, HEADER + "a,Open,1\n")
    (warning,) = deals(exports).warnings
    assert "from: deals*" not in warning


@pytest.mark.parametrize(
    "other", ["deals_2.csv", "deals_2024.csv", "copy.csv", "deals_copyright.csv", "deals.xlsx"]
)
def test_files_that_are_no_copies_are_not_told(exports: Exports, other: str) -> None:
    exports.write("deals.csv", HEADER + "a,Open,1\n")
    exports.write(other, HEADER + "a,Open,2\n")
    assert deals(exports, "deals.csv").warnings == ()
