"""Numbers in text: marks of decimals and thousands, amounts with a currency, shares in percent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ingestion.contract.columns import Column
from ingestion.contract.types import TYPES
from ingestion.errors import SourceError
from ingestion.loading.rows import row_hash, typed
from ingestion.sources.files.values.numbers import COMMA, POINT, Amount, Style, number
from ingestion.warehouse.duckdb_sql import hash_of, literal
from tests.ingestion.conftest import Exports
from tests.ingestion.mapped import map_files
from tests.ingestion.test_xlsx import write_xlsx
from tests.macros import made_by_macro

DEALS = {"source_id": "id", "stage": "'Open'", "amount": "amount"}


def amounts_of(
    folder: Path, amounts: Sequence[str], from_: str = "deals", **source: Any
) -> tuple[list[float], list[str]]:
    """The amounts of deals in a CSV file, in order, and why rows are rejected."""
    rows = "\n".join(f"{number};{amount}" for number, amount in enumerate(amounts))
    (folder / "deals.csv").write_text(f"id;amount\n{rows}\n")
    found = map_files(folder, "opportunities", from_, DEALS, **source)
    return [float(amount) for amount in found.good("amount")], found.bad


@pytest.mark.parametrize(
    ("amounts", "says"),
    [
        (["4.000", "17.250", "800"], "use thousands: '.' if 4.000 is 4000"),
        (["4.000", "1.750.000", "800"], "use thousands: '.'"),
        (["17.250"], "decimal: '.' if it is 17.25"),
        (["2.400,50", "17,5"], "use decimal: ',' and thousands: '.'"),
        (["2,400.50", "990.00", "1,990.00", "4.00", "3,990.00"], "use thousands: ','"),
        (["2 400", "990", "3 990"], "use thousands: ' '"),
        (["4.000", "12.5", "1.750.000"], "points and commas mean different things"),
        (["4.000", "12.5"], "use thousands: '.' if 4.000 is 4000, decimal: '.' if it is 4"),
        (["4.000", "12.50", "n/a"], "use thousands: '.' if 4.000 is 4000"),
        (["4.000 €", "12.5 €"], "use thousands: '.' if 4.000 is 4000"),
        (["4.000 €", "800 €"], "use thousands: '.' if 4.000 is 4000"),
        (["$1,200", "$2,500", "€12,5"], "use thousands: ',' if 2,500 is 2500"),
    ],
)
def test_amounts_that_may_be_in_groups_stop_the_load(
    tmp_path: Path, amounts: list[str], says: str
) -> None:
    with pytest.raises(SourceError) as error:
        amounts_of(tmp_path, amounts)
    message = str(error.value)
    assert message.startswith("columns.amount: deals.csv has numbers such as ")
    assert amounts[0] in message
    assert "In 'options', " in message
    assert says in message


@pytest.mark.parametrize(
    ("options", "amounts", "read"),
    [
        ({"thousands": "."}, ["4.000", "17.250", "800"], [4000, 17250, 800]),
        ({"decimal": ","}, ["4.000", "1.750.000", "800,5"], [4000, 1750000, 800.5]),
        ({"decimal": ",", "thousands": "."}, ["-4.000,25", "n/a", "3,5"], [-4000.25, 3.5]),
        ({"decimal": ","}, ["12.50", "1500.125"], [12.5, 1500.125]),
        ({"decimal": "."}, ["17.250", "4.000"], [17.25, 4]),
        ({"thousands": ","}, ["2,400.50", "12,34,567"], [2400.5, 1234567]),
        ({"thousands": " ", "decimal": ","}, ["2 400,5", "1\u202f000"], [2400.5, 1000]),
        ({"thousands": "'"}, ["2'400.50", "2\u2019000"], [2400.5, 2000]),
        ({"decimal": ","}, ["1.200,-", "50,\u2013", "300,50-"], [1200, 50, -300.5]),
        ({}, ["1'200.-", "CHF 300.-", "-50.--"], [1200, 300, -50]),
        ({"thousands": ","}, ["0,250", "1,200"], [1200]),
        ({"decimal": ","}, ["0.250", "1.200"], [0.25, 1200]),
        ({}, ["€0,250", "€0,5"], [0.25, 0.5]),
        ({}, ["0.125", "12.5", "1.500"], [0.125, 12.5, 1.5]),
        ({}, ["1500.125", "1.500"], [1500.125, 1.5]),
        ({}, ["17.125", "12.5"], [17.125, 12.5]),
        ({"decimal": "."}, ["4.000", "12.5"], [4, 12.5]),
        ({}, ["2500", "9.75", "1,200.00"], [2500, 9.75]),
    ],
)
def test_options_say_how_numbers_are_written(
    tmp_path: Path, options: dict[str, str], amounts: list[str], read: list[float]
) -> None:
    assert amounts_of(tmp_path, amounts, options=options)[0] == read


@pytest.mark.parametrize(
    "from_",
    [
        "select id, sum(amount) as amount from deals group by id",
        "with a as (select id, amount * 1 as b from deals) select id, b as amount from a",
        "select id, amount from deals where id < 0 union all select id, amount + 0 from deals",
    ],
)
def test_numbers_in_groups_are_seen_through_sql(tmp_path: Path, from_: str) -> None:
    written = ["4.000", "800"]
    with pytest.raises(SourceError, match=r"deals.csv has numbers such as .*4.000"):
        amounts_of(tmp_path, written, from_)
    read, _ = amounts_of(tmp_path, written, from_, options={"thousands": "."})
    assert sorted(read) == [800, 4000]


def test_one_short_decimal_does_not_tell_of_a_thousand_others(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"deals.csv has numbers such as 1.000, 999.000"):
        amounts_of(tmp_path, [*(f"{n}.000" for n in range(1, 1000)), "12.5"])


@pytest.mark.parametrize("last", ["12.50", "n/a"])
@pytest.mark.parametrize("from_", ["deals", "select id, amount from deals"])
def test_a_file_tells_nothing_of_how_another_is_written(
    tmp_path: Path, from_: str, last: str
) -> None:
    (tmp_path / "deals_de.csv").write_text("id,amount\n1,1.200\n2,2.000\n3,300\n")
    (tmp_path / "deals_us.csv").write_text(f"id,amount\n4,1200.125\n5,{last}\n")
    views = {"deals": {"glob": "deals_*.csv"}}
    with pytest.raises(SourceError, match=r"deals_de.csv has numbers such as 1.200, 2.000"):
        map_files(tmp_path, "opportunities", from_, DEALS, views=views)
    said = {"decimal": "."}
    found = map_files(tmp_path, "opportunities", from_, DEALS, views=views, options=said)
    assert list(map(float, found.good("amount")))[:4] == [1.2, 2, 300, 1200.125]


SQL = [
    ("deals", "try_cast(amount as double)"),
    ("deals", "case when amount <> 'n/a' then amount::double end"),
    ("deals", "try_cast(replace(amount, ',', '.') as double)"),
    ("select id, try_cast(amount as double) as amount from deals", "amount"),
    ("select id, sum(try_cast(amount as double)) as a from deals group by id", "a"),
]


@pytest.mark.parametrize("options", [{}, {"decimal": ","}, {"thousands": "."}])
@pytest.mark.parametrize(("from_", "amount"), SQL)
def test_one_word_among_numbers_hides_no_groups_from_sql(
    tmp_path: Path, from_: str, amount: str, options: dict[str, str]
) -> None:
    (tmp_path / "deals.csv").write_text("id;amount\n1;1.200\n2;2.200\n3;n/a\n")
    columns = {**DEALS, "amount": amount}
    with pytest.raises(SourceError) as error:
        map_files(tmp_path, "opportunities", from_, columns, options=options)
    assert "deals.csv has numbers such as 1.200, 2.200" in str(error.value)
    assert "or nullif(column, 'n/a')" in str(error.value)
    for said in ({"decimal": "."}, {"thousands": ","}):
        points = map_files(tmp_path, "opportunities", from_, columns, options=said)
        assert [float(one) for one in points.good("amount") if one] == [1.2, 2.2]


def test_what_is_advised_of_text_reads_it(tmp_path: Path) -> None:
    (tmp_path / "deals.csv").write_text("id;amount\n1;1.200\n2;2.200,5\n3;n/a\n")
    columns = {**DEALS, "amount": "nullif(amount, 'n/a')"}
    found = map_files(tmp_path, "opportunities", "deals", columns, options={"decimal": ","})
    assert found.good("amount") == [1200, Decimal("2200.5"), None]


@pytest.mark.parametrize(
    "plain", ["replace(amount, '.', '')", "regexp_replace(amount, '[.€]', '', 'g')"]
)
def test_sql_that_takes_points_out_has_said_what_they_are(tmp_path: Path, plain: str) -> None:
    (tmp_path / "deals.csv").write_text("id;amount\n1;1.200\n2;2.200,5\n3;n/a\n")
    number = f"try_cast(replace({plain}, ',', '.') as double)"
    for from_, amount in (("deals", number), (f"select id, {number} as n from deals", "n")):
        found = map_files(tmp_path, "opportunities", from_, {**DEALS, "amount": amount})
        assert found.good("amount") == [1200, Decimal("2200.5"), None]


def test_other_columns_may_have_three_decimals(tmp_path: Path) -> None:
    (tmp_path / "rates.csv").write_text("day,rate\n2024-01-01,1.083\n2024-01-02,1.102\n")
    columns = {"day": "day", "from_currency": "'eur'", "to_currency": "' USD '", "rate": "rate"}
    found = map_files(tmp_path, "fx_rates", "rates", columns)
    assert list(map(float, found.good("rate"))) == [1.083, 1.102]


@pytest.mark.parametrize("options", [{}, {"decimal": ","}])
def test_numbers_in_cells_are_numbers(tmp_path: Path, options: dict[str, str]) -> None:
    write_xlsx(tmp_path / "deals.xlsx", {"s": [["id", "amount"], [1, 17.125], [2, 4], [3, 0.5]]})
    found = map_files(tmp_path, "opportunities", "deals", DEALS, options=options)
    assert list(map(float, found.good("amount"))) == [17.125, 4, 0.5]


def test_text_of_json_is_read_by_options_too(tmp_path: Path) -> None:
    rows = '{"id": 1, "amount": "4.000"}\n{"id": 2, "amount": 17.5}\n'
    (tmp_path / "deals.jsonl").write_text(rows)
    found = map_files(tmp_path, "opportunities", "deals", DEALS, options={"decimal": ","})
    assert list(map(float, found.good("amount"))) == [4000, 17.5]


def test_rows_in_company_yml_say_numbers_plainly(exports: Exports) -> None:
    rows = [{"source_id": 1, "stage": "Open", "amount": "17.250"}]
    with pytest.raises(Exception, match=r"17.250: write amounts with no mark for thousands"):
        exports.load({"opportunities": {"rows": rows}})


def test_the_text_as_written_is_kept(tmp_path: Path) -> None:
    (tmp_path / "deals.csv").write_text("id;amount;list\n1.000;4.000;17.250,5\n")
    found = map_files(tmp_path, "opportunities", "deals", DEALS, options={"thousands": "."})
    (row,) = found.rows
    assert (row["source_id"], row["amount"]) == ("1.000", 4000)
    assert row["source_extra"] == '{"list":"17.250,5"}'


def test_what_is_refused_is_said_by_key_and_writes_nothing(exports: Exports) -> None:
    exports.write("deals.csv", "id;amount\n1;4.000\n")
    exports.write("people.csv", "id,name\n1,Ann\n")
    people = {"from": "people", "columns": {"source_id": "id", "name": "name"}}
    deals = {"from": "deals", "columns": DEALS}
    with pytest.raises(SourceError, match=r"sources.crm.entities.opportunities: columns.amount"):
        exports.load({"users": people, "opportunities": deals})
    exports.load({"users": people, "opportunities": deals}, options={"thousands": "."})
    assert exports.rows("select rows_new from raw_files.exports") == [{"rows_new": 1}] * 2


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("USD 1,200.00", 1200),
        ("1.200,00 USD", 1200),
        ("$1,200", 1200),
        ("$115.00K", 115_000),
        ("US$ 1.2M", 1_200_000),
        ("2 Mio. $", 2_000_000),
        ("(1,200)", -1200),
        ("$ (1,200.50)", None),
        ("1200-", -1200),
        ("-$5", -5),
        ("$-5", -5),
        ("--5", None),
        ("5 m", None),
        ("XQX 5", None),
        ("about $5", None),
    ],
)
def test_amounts_with_a_currency(tmp_path: Path, text: str, amount: float | None) -> None:
    read, bad = amounts_of(tmp_path, [text, "$1.50"])
    assert read == ([1.5] if amount is None else [amount, 1.5])
    assert [why.split(": ")[0] for why in bad] == ([f"amount = {text}"] if not amount else [])


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (["10", "50", "100"], [0.1, 0.5, 1]),
        (["0", "12.5", "99"], [0, 0.125, 0.99]),
        (["20%", "7.5 %", "0.5"], [0.2, 0.075, 0.5]),
        (["0", "1"], [0, 1]),
        (["0.250", "0.500"], [0.25, 0.5]),
        (["1", "20"], [1]),
        (["0.5", "20"], [0.5]),
        (["20", "120"], []),
        (["high", "0.2"], [0.2]),
    ],
)
@pytest.mark.parametrize(
    ("entity", "others"),
    [
        ("pipeline_stages", {"stage": "n", "stage_order": "n", "status": "'open'"}),
        ("opportunities", {"source_id": "n", "stage": "'Lead'"}),
    ],
)
def test_probabilities_in_percent(
    tmp_path: Path, entity: str, others: dict[str, str], written: list[str], read: list[float]
) -> None:
    rows = "\n".join(f"{n};{value}" for n, value in enumerate(written))
    (tmp_path / "written.csv").write_text(f"n;p\n{rows}\n")
    found = map_files(tmp_path, entity, "written", {**others, "probability": "p"})
    assert list(map(float, found.good("probability"))) == read
    remedies = ("where it is percent, x / 100", "use case x when 'high' then … end")
    assert all(why.endswith(remedies) for why in found.bad)
    is_whole = written[0] in ("10", "0") and written[1] != "1"
    assert bool(found.said) == is_whole


def _sql(connection: duckdb.DuckDBPyConnection, sql: str) -> Any:
    return connection.execute(f"select {sql}").fetchall()[0][0]


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connected:
        yield connected


@given(
    value=st.decimals(min_value=-(10**12), max_value=10**12, places=2),
    style=st.sampled_from([POINT, COMMA]),
    data=st.data(),
)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_style_reads_what_it_writes(
    connection: duckdb.DuckDBPyConnection, value: Decimal, style: Style, data: st.DataObject
) -> None:
    marks = data.draw(st.sampled_from(["", *(mark for marks in style.groups for mark in marks)]))
    written = f"{value:,}".replace(",", "§").replace(".", style.decimal).replace("§", marks)
    before = data.draw(st.sampled_from(["", "USD ", "$", "€ "]))
    after = data.draw(st.sampled_from(["", " EUR", " €"])) if not before else ""
    assert _sql(connection, number(literal(written), (style,), "DECIMAL(28,6)")) == value
    amount = Amount(literal(before + written + after))
    assert _sql(connection, amount.value((style,), "DECIMAL(28,6)")) == value
    code = {"USD ": "USD", "$": "$", "€ ": "EUR", " EUR": "EUR", " €": "EUR"}
    assert _sql(connection, amount.currency) == code.get(before + after)


@given(text=st.text(max_size=12))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_text_is_an_amount_or_none(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    _sql(connection, Amount(literal(text.replace("\0", ""))).value((POINT,), "DECIMAL(28,6)"))


def digits(most: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=1, max_size=most)


NUMBERS = st.builds(
    "{}{}.{}{}".format,
    st.sampled_from(["", "-", "+"]),
    digits(14),
    digits(20),
    st.sampled_from(["", "", "e0", "e2", "E+7", "e-3"]),
)


@given(text=NUMBERS)
@example("-55697618882.09057025E1")
@example("999999999999.9999995")
def test_a_number_is_read_to_its_last_digit_however_it_is_written(text: str) -> None:
    """By loads and by models, of an API's text, on both sides of 64 bits."""
    exact = Decimal(text).quantize(Decimal("0.000001"), ROUND_HALF_UP)
    macro = made_by_macro("duckdb__money_from_text", "text", type_of=lambda _: TYPES["money"].sql)
    for sql in (typed("text", "money"), macro):
        assert duckdb.execute(f"select {sql} from (select ? as text)", [text]).fetchone() == (
            exact,
        )


@given(values=st.tuples(*[st.none() | st.decimals(-(10**20), 10**20, places=6)] * 2))
@example((Decimal("1e12"), Decimal("0.5")))
def test_a_hash_is_that_of_all_values_whatever_their_size(
    values: tuple[Decimal | None, Decimal | None],
) -> None:
    columns = [Column("source_id", "text", ""), *(Column(it, "money", "") for it in "ab")]
    text = "json_object('source_id', source_id, 'a', a, 'b', b)::VARCHAR"
    [(found, plain)] = duckdb.execute(
        f"""select {row_hash(columns)}, {hash_of(text)}
        from (select 'x' as source_id, ?::numeric(28, 6) as a, ?::numeric(28, 6) as b)""",
        values,
    ).fetchall()
    assert found == plain
