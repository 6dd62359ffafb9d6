"""Codes of currencies as people write them, and currencies that are written with amounts."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingestion.errors import SourceError
from tests.ingestion.conftest import Exports
from tests.ingestion.mapped import Mapped, map_files

DEALS = {"source_id": "id", "stage": "'Open'", "amount": "amount"}


def mapped(folder: Path, *rows: str, company: str = "USD", maps: bool = True) -> Mapped:
    """Deals of a CSV file with amount and currency; `maps` says whether the latter is mapped."""
    lines = "\n".join(f"{number};{row}" for number, row in enumerate(rows))
    (folder / "deals.csv").write_text(f"id;amount;code\n{lines}\n")
    columns = {**DEALS, "currency": "code"} if maps else DEALS
    return map_files(folder, "opportunities", "deals", columns, currency=company)


def test_codes_are_in_capitals_however_they_are_written(tmp_path: Path) -> None:
    found = mapped(tmp_path, "1;eur", "2; EUR ", "3;Eur", "4;", "5;€", "6;GBP")
    assert found.good("currency") == ["EUR", "EUR", "EUR", None, "EUR", "GBP"]


def test_the_case_of_a_code_makes_no_new_version(exports: Exports) -> None:
    mapping = {"opportunities": {"from": "deals", "columns": {**DEALS, "currency": "code"}}}
    exports.write("deals.csv", "id;amount;code\n1;5;EUR\n")
    exports.load(mapping)
    exports.write("deals.csv", "id;amount;code\n1;5;eur \n")
    assert exports.load(mapping)["opportunities"].rows_changed == 0


def test_the_company_may_write_its_own_in_any_case(exports: Exports) -> None:
    exports.settings["currency"] = "eur"
    exports.write("deals.csv", "id;amount\n1;5\n")
    assert exports.company({"opportunities": {"from": "deals", "columns": DEALS}}).currency == "EUR"


def test_the_currency_of_an_amount_is_its_rows_where_none_is_mapped(tmp_path: Path) -> None:
    found = mapped(tmp_path, "EUR 5;", "£6;", "$7;", "8;", maps=False)
    assert found.good("currency") == ["EUR", "GBP", None, None]
    assert found.good("amount") == [5, 6, 7, 8]


def test_an_empty_currency_is_that_of_the_amount(tmp_path: Path) -> None:
    assert mapped(tmp_path, "EUR 5;", "6 EUR;EUR").good("currency") == ["EUR", "EUR"]


@pytest.mark.parametrize(
    ("row", "company", "of_row"),
    [
        ("EUR 5;USD", "USD", "USD"),
        ("$5;EUR", "USD", "EUR"),
        ("$5;", "EUR", "EUR"),
        ("kr 5;", "USD", "USD"),
    ],
)
def test_a_row_in_two_currencies_is_rejected(
    tmp_path: Path, row: str, company: str, of_row: str
) -> None:
    found = mapped(tmp_path, row, "6;", company=company)
    amount = row.split(";")[0]
    assert found.bad == [
        f"amount = {amount}: the row is in {of_row}; if it is in another currency, map 'currency'"
    ]


@pytest.mark.parametrize(
    ("row", "company"),
    [("$5;CAD", "USD"), ("$5;", "AUD"), ("kr 5;SEK", "USD"), ("¥5;", "JPY"), ("US$5;USD", "EUR")],
)
def test_a_sign_that_several_share_fits_each_of_them(
    tmp_path: Path, row: str, company: str
) -> None:
    assert mapped(tmp_path, row, company=company).good("amount") == [5]


def test_a_forecast_is_in_the_companys_currency(tmp_path: Path) -> None:
    (tmp_path / "forecasts.csv").write_text("rep;amount\nu1;USD 5\nu2;EUR 6\n")
    columns = {
        "owner_id": "rep",
        "period_start": "DATE '2024-01-01'",
        "category": "'commit'",
        "amount": "amount",
        "submitted_at": "TIMESTAMP '2024-01-02 10:00:00'",
    }
    found = map_files(tmp_path, "forecast_submissions", "forecasts", columns)
    assert found.good("amount") == [5]
    assert found.bad[0].startswith("amount = EUR 6: the row is in USD")


def test_no_currency_is_guessed_from_digits(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"4.000 €"):
        mapped(tmp_path, "4.000 €;", "800 €;")
