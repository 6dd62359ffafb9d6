"""Days and moments: by formats, in columns that are all midnight, and of days that cannot be."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.errors import CompanyError
from ingestion.sources.files.values.casting import Zones
from tests.ingestion.conftest import Exports
from tests.ingestion.mapped import Mapped, map_files
from tests.ingestion.test_xlsx import Cell, write_xlsx

NEW_YORK = Zones("America/New_York", "America/New_York")
COLUMNS = {"source_id": "id", "stage": "'Open'", "close_date": "seen", "created_at": "seen"}

DAYS = [dt.date(2024, 3, 1), dt.date(2024, 12, 1)]
MIDNIGHTS = [dt.datetime(2024, 3, 1, 5), dt.datetime(2024, 12, 1, 5)]
"""Of these days, in New York, as UTC."""


def mapped(folder: Path, *values: str, from_: str = "deals", **source: Any) -> Mapped:
    """Deals whose close date and creation are these values of a CSV file."""
    rows = "\n".join(f'{number},"{value}"' for number, value in enumerate(values))
    (folder / "deals.csv").write_text(f"id,seen\n{rows}\n")
    return map_files(folder, "opportunities", from_, COLUMNS, **{"zones": NEW_YORK, **source})


@pytest.mark.parametrize(
    ("options", "written"),
    [
        ("%d.%m.%Y", ["01.03.2024", "1.12.2024"]),
        ("%d/%m/%y", ["01/03/24", "01/12/24"]),
        ("%m/%d/%Y", ["03/01/2024", "2024-12-01"]),
        (["%d %b %Y", "%B %d, %Y"], ["1 Mar 2024", "December 1, 2024"]),
        ("%Y%m%d", ["20240301", "20241201"]),
        ("%d.%m.%Y %H:%M", ["01.03.2024 00:00", "01.12.2024 00:00"]),
        (["%d.%m.%Y", "%d.%m.%Y %H:%M"], ["01.03.2024", "01.12.2024 00:00"]),
    ],
)
def test_days_by_format(tmp_path: Path, options: Any, written: list[str]) -> None:
    found = mapped(tmp_path, *written, options={"date_format": options})
    assert (found.good("close_date"), found.good("created_at")) == (DAYS, MIDNIGHTS)


def test_moments_by_format_are_in_the_sources_zone(tmp_path: Path) -> None:
    options = {"date_format": ["%m/%d/%Y %I:%M %p", "%m/%d/%Y %H:%M %z"]}
    found = mapped(
        tmp_path,
        "3/1/2024 9:30 PM",
        "3/1/2024 23:30 -0800",
        zones=Zones("UTC", "America/New_York"),
        options=options,
    )
    assert found.good("created_at") == [
        dt.datetime(2024, 3, 1, 21, 30),
        dt.datetime(2024, 3, 2, 7, 30),
    ]
    assert found.good("close_date") == [dt.date(2024, 3, 1), dt.date(2024, 3, 2)]


def test_what_fits_no_format_is_rejected_alone(tmp_path: Path) -> None:
    options = {"date_format": "%d.%m.%Y"}
    found = mapped(tmp_path, "01.03.2024", "2024-12-01", "13.13.2024", options=options)
    assert found.good("close_date") == DAYS
    (why,) = found.bad
    assert why.startswith("close_date = 13.13.2024: expected a date")


@pytest.mark.parametrize(
    ("format_", "says"),
    [("%d.%q.%Y", "%q is no mark of strptime"), ("%d.%m", "names no year")],
)
def test_formats_are_checked_at_once(exports: Exports, format_: str, says: str) -> None:
    with pytest.raises(CompanyError, match=says):
        exports.company({"users": {"from": "people"}}, options={"date_format": format_})


def test_a_format_types_the_column_in_sql(tmp_path: Path) -> None:
    from_ = "select id, date_trunc('month', seen)::DATE as seen from deals"
    options = {"date_format": "%d.%m.%Y"}
    found = mapped(tmp_path, "17.03.2024", "31.12.2024", from_=from_, options=options)
    assert found.good("close_date") == DAYS


@pytest.mark.parametrize("from_", ["deals", "select * from deals", "select id, seen from deals"])
@pytest.mark.parametrize(
    "written",
    [
        ["2024-03-01T00:00:00Z", "2024-12-01T00:00:00.000Z"],
        ["2024-03-01T00:00:00.000+0000", "2024-12-01T00:00:00.000+0000"],
        ["2024-03-01T00:00:00+03:00", "2024-12-01T00:00:00+03:00"],
        ["2024-03-01T03:00:00+03:00", "2024-12-01T03:00:00+03:00"],
        ["2024-03-01 00:00:00", "2024-12-01 00:00"],
        ["2024-03-01", "2024-12-01T00:00:00Z"],
    ],
)
def test_moments_that_are_all_midnight_are_days(
    tmp_path: Path, written: list[str], from_: str
) -> None:
    for zones in (NEW_YORK, Zones("UTC", "America/New_York")):
        found = mapped(tmp_path, *written, from_=from_, zones=zones)
        assert (found.good("close_date"), found.good("created_at")) == (DAYS, MIDNIGHTS)


@pytest.mark.parametrize(
    ("format_", "written"),
    [
        ("%d.%m.%Y %H:%M %z", ["01.03.2024 00:00 +0300", "01.12.2024 00:00 +0300"]),
        ("%d.%m.%Y %H:%M%z", ["01.03.2024 00:00+03:00", "01.12.2024 00:00+03:00"]),
    ],
)
def test_midnights_of_a_format_with_an_offset_are_days(
    tmp_path: Path, format_: str, written: list[str]
) -> None:
    options = {"date_format": format_}
    found = mapped(tmp_path, *written, zones=NEW_YORK, options=options)
    assert (found.good("close_date"), found.good("created_at")) == (DAYS, MIDNIGHTS)


def test_a_value_that_is_no_date_does_not_hide_the_midnights(tmp_path: Path) -> None:
    found = mapped(tmp_path, "2024-03-01T00:00:00Z", "never", "2024-12-01T00:00:00Z")
    assert (found.good("close_date"), found.good("created_at")) == (DAYS, MIDNIGHTS)
    assert len(found.bad) == 1


def test_a_midnight_among_other_moments_is_a_moment(tmp_path: Path) -> None:
    written = ["2024-03-01T00:00:00Z", "2024-12-01T00:00:00Z", "2024-12-01T10:00:00Z"]
    found = mapped(tmp_path, *written)
    assert found.good("created_at")[0] == dt.datetime(2024, 3, 1)
    assert found.good("close_date")[0] == dt.date(2024, 2, 29)
    assert found.said == (
        "close_date: 2 of 3 moments in deals.csv are midnights, the others are not: all are taken "
        "as moments, and close_date as their day in America/New_York; where they are days as "
        "written, map close_date: x::DATE",
    )


PARQUET = {
    "TIMESTAMP": "TIMESTAMP '2024-03-01' as seen union all select 2, '2024-12-01 00:00:00'",
    "TIMESTAMPTZ": "'2024-03-01 00:00:00+00'::TIMESTAMPTZ as seen "
    "union all select 2, '2024-12-01 00:00:00+00'",
    "DATE": "DATE '2024-03-01' as seen union all select 2, '2024-12-01'",
    "VARCHAR": "'2024-03-01T00:00:00Z' as seen union all select 2, '2024-12-01T00:00:00Z'",
}


@pytest.mark.parametrize("type_", PARQUET)
def test_days_of_parquet(tmp_path: Path, type_: str) -> None:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        select = f"select 1 as id, {PARQUET[type_]}"
        connection.execute(f"copy ({select}) to '{tmp_path / 'deals.parquet'}'")
    found = map_files(tmp_path, "opportunities", "deals", COLUMNS, zones=NEW_YORK)
    assert (found.good("close_date"), found.good("created_at")) == (DAYS, MIDNIGHTS)


def test_days_of_json(tmp_path: Path) -> None:
    rows = [f'{{"id": {n}, "seen": "{day}T00:00:00Z"}}' for n, day in enumerate(DAYS)]
    (tmp_path / "deals.jsonl").write_text("\n".join(rows))
    found = map_files(tmp_path, "opportunities", "deals", COLUMNS, zones=NEW_YORK)
    assert (found.good("close_date"), found.good("created_at")) == (DAYS, MIDNIGHTS)


def test_days_and_moments_of_cells(tmp_path: Path) -> None:
    moments = [dt.datetime(2024, 3, 1, 21, 30), dt.datetime(2024, 12, 1)]
    rows: list[list[Cell]] = [["id", "day", "seen"]]
    rows += [[1, DAYS[0], moments[0]], [2, DAYS[1], moments[1]]]
    write_xlsx(tmp_path / "deals.xlsx", {"s": rows})
    columns = {**COLUMNS, "close_date": "day"}
    found = map_files(tmp_path, "opportunities", "deals", columns, zones=NEW_YORK)
    assert found.good("close_date") == DAYS
    assert found.good("created_at") == [dt.datetime(2024, 3, 2, 2, 30), MIDNIGHTS[1]]


@pytest.mark.parametrize(
    "written",
    [
        "0001-01-01",
        "1753-01-01",
        "1899-12-30",
        "1900-01-01",
        "1970-01-01",
        "1970-01-01T00:00:00Z",
        "2204-02-20",
        "9999-12-31",
        "9999-12-31T23:59:59Z",
    ],
)
def test_days_that_cannot_be_reject_their_row(tmp_path: Path, written: str) -> None:
    found = mapped(tmp_path, "2024-03-01", written)
    assert found.good("close_date") == DAYS[:1]
    (why,) = found.bad
    assert why.startswith(f"close_date = {written[:10]}")
    assert ": expected a day from 1970-01-02 to 2100-12-31" in why
    assert "if it stands for none, nullif(x, '" in why


@pytest.mark.parametrize("type_", ["DATE", "TIMESTAMP", "TIMESTAMPTZ"])
@pytest.mark.parametrize("value", ["infinity", "-infinity", "250000-01-01", "4000-01-01 (BC)"])
def test_days_beyond_all_calendars_reject_their_row(tmp_path: Path, type_: str, value: str) -> None:
    with duckdb.connect() as connection:
        select = f"select 1 as id, '{value}'::{type_} as seen union all select 2, '2024-03-01'"
        connection.execute(f"copy ({select}) to '{tmp_path / 'deals.parquet'}'")
    found = map_files(tmp_path, "opportunities", "deals", COLUMNS, zones=NEW_YORK)
    assert found.good("close_date") == DAYS[:1]
    assert len(found.bad) == 1
