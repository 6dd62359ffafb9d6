"""Rows of a database set down as a Parquet file, each column of the one type that its values have.

Drivers give Python's values. What no column of the contract could take as it is (intervals, arrays,
ranges, JSON, UUIDs) is text: cast by the database where it tells its types, else here.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestion.errors import SourceError
from ingestion.sources.sql.database import Database, Field, Rows, within

if TYPE_CHECKING:
    import pyarrow as pa

MAX_DIGITS = 38
"""The digits that a decimal may have in all."""

_AS_THEY_ARE = {
    "postgresql": frozenset(
        # bool; int8, int2, int4; text, name, bpchar, varchar; float4, float8; numeric; date,
        # timestamp, timestamptz
        (16, 20, 21, 23, 25, 19, 1042, 1043, 700, 701, 1700, 1082, 1114, 1184)
    )
}
"""The types, by database and its numbers, that are taken as the driver gives them."""
_MONEY = {"postgresql": 790}
"""The type of amounts that are text to the driver, written as the server's locale would."""
_TIMES = {"postgresql": {1082: "date", 1114: "timestamp", 1184: "timestamptz"}}
"""The types of days and moments, which have one even where there is no value."""

Forms = Mapping[str, str]
"""How values of columns are written as text, where that depends on the other values of the column:

how many decimals a number has, or whether it is one at all.
"""


def selected(database: Database, rows: Rows, names: Iterable[str] | None = None) -> str:
    """A SELECT of columns of rows, all by default, in types that can be taken."""
    wanted = None if names is None else set(names)
    columns = [
        _selected(database, field)
        for field in rows.fields
        if wanted is None or field.name in wanted
    ]
    return f"select {', '.join(columns)} from {within(rows)}"


def _selected(database: Database, field: Field) -> str:
    name = database.quoted(field.name)
    known = _AS_THEY_ARE.get(database.dialect)
    if known is None or field.type in known:
        return name
    if field.type == _MONEY.get(database.dialect):
        return f"cast({name} as numeric) as {name}"
    return f"cast({name} as text) as {name}"


def stage(
    database: Database,
    sql: str,
    fields: Sequence[Field],
    target: Path,
    params: Mapping[str, object] | None = None,
    forms: Forms | None = None,
) -> int:
    """Write the rows of a statement to a Parquet file; how many there are.

    Values are written in these `forms`, of which more are known than these rows, or in wider ones.
    Raises SourceError naming the column whose values do not fit one type.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    parts: list[Path] = []
    schemas: list[pa.Schema] = []
    rows = 0
    try:
        with database.batches(sql, params) as batches:
            for batch in batches:
                table = _table(batch, fields, database.dialect)
                parts.append(target.with_suffix(f".{len(parts)}"))
                schemas.append(table.schema)
                pq.write_table(table, parts[-1])
                rows += table.num_rows
        wanted = forms or {}
        schema = pa.schema(
            [
                _in_form(_united(one.name, schemas, wanted.get(one.name)), wanted.get(one.name))
                for one in fields
            ]
        )
        with pq.ParquetWriter(target, schema) as writer:
            for part in parts:
                writer.write_table(_cast(pq.read_table(part), schema))
    finally:
        for part in parts:
            part.unlink(missing_ok=True)
    return rows


def forms_of(file: Path, names: Iterable[str]) -> dict[str, str]:
    """The forms of columns of a file, those left out that have no value or always the same form."""
    import pyarrow.parquet as pq

    schema = pq.read_schema(file)
    return {name: form for name in names if (form := _form(schema.field(name).type))}


def differing(known: Forms, forms: Forms) -> bool:
    """Whether a column has values in another form than is known of it."""
    return any(forms[name] != known[name] for name in forms.keys() & known.keys())


def _form(type_: pa.DataType) -> str | None:
    import pyarrow as pa

    if pa.types.is_decimal(type_):
        return str(type_.scale)
    return {pa.int64(): "0", pa.float64(): "float", pa.string(): "text"}.get(type_)


def _table(batch: Sequence[Sequence[Any]], fields: Sequence[Field], dialect: str) -> pa.Table:
    import pyarrow as pa

    columns = zip(*batch, strict=True)
    arrays = [_array(field, values, dialect) for field, values in zip(fields, columns, strict=True)]
    return pa.table(arrays, names=[field.name for field in fields])


def _array(field: Field, values: Sequence[Any], dialect: str) -> pa.Array:
    """Values of a column as of one type: of that which they all have, else text."""
    import pyarrow as pa

    types = {*map(type, values)} - {type(None)}
    if not types:
        # Expressions of no type at all are not understood: date_trunc('month', NULL).
        told = _TIMES.get(dialect, {}).get(field.type)
        return pa.nulls(len(values), _time(told) if told else None)
    if types == {int} and not all(-(2**63) <= it < 2**63 for it in values if it is not None):
        types = {int, Decimal}
    if types in ({Decimal}, {int, Decimal}):
        return _decimals(field, values)
    if types == {dt.datetime}:
        return _moments(values)
    if types == {int, float}:
        return pa.array([None if it is None else float(it) for it in values], pa.float64())
    if types in ({bool}, {int}, {float}, {str}, {dt.date}):
        return pa.array(values)
    return pa.array([None if it is None else _text(it) for it in values], pa.string())


def _time(name: str) -> pa.DataType:
    import pyarrow as pa

    types = {"date": pa.date32(), "timestamp": pa.timestamp("us")}
    return types.get(name, pa.timestamp("us", tz="UTC"))


def _moments(values: Sequence[Any]) -> pa.Array:
    """Moments, as of UTC where they name a zone; those that name none, as they are written."""
    import pyarrow as pa

    zoned = {it.tzinfo is not None for it in values if it is not None}
    if zoned == {True}:
        return pa.array(values, pa.timestamp("us", tz="UTC"))
    if zoned == {False}:
        return pa.array(values, pa.timestamp("us"))
    return pa.array([None if it is None else it.isoformat() for it in values], pa.string())


def _decimals(field: Field, values: Sequence[Any]) -> pa.Array:
    """Decimals with the digits and places that they need; whole ones have no places."""
    import pyarrow as pa

    found = [None if it is None else Decimal(it) for it in values]
    if not all(it is None or it.is_finite() for it in found):
        raise SourceError(
            f"column '{field.name}' holds NaN or infinity, which is no number; give a SELECT with "
            f"nullif({field.name}, 'NaN') as {field.name}, or what stands for it"
        )
    is_whole = field.scale is None and all(
        it is None or it == it.to_integral_value() for it in found
    )
    if is_whole:
        found = [None if it is None else it.to_integral_value() for it in found]
    numbers = [it.as_tuple() for it in found if it is not None]
    scale = max(field.scale or 0, *(-int(it.exponent) for it in numbers))
    whole = max(0, *(len(it.digits) + int(it.exponent) for it in numbers))
    return pa.array(found, _decimal(field.name, whole, scale))


def _decimal(name: str, whole: int, scale: int) -> pa.DataType:
    """The type of decimals. Raises SourceError where there is none that is long enough."""
    import pyarrow as pa

    if whole + scale > MAX_DIGITS:
        raise SourceError(
            f"column '{name}' has numbers of {whole} digits before the point and {scale} behind, "
            f"more than {MAX_DIGITS} in all; give a SELECT that says how many are wanted: "
            f"cast({name} as numeric(18, 6)) as {name}"
        )
    return pa.decimal128(max(1, whole + scale), scale)


def _united(name: str, schemas: Sequence[pa.Schema], form: str | None) -> pa.Field:
    """A column of the type that the values of all batches fit."""
    import pyarrow as pa

    types = {*(schema.field(name).type for schema in schemas)} - {pa.null()}
    if not types and form is not None:
        places = pa.decimal128(MAX_DIGITS, int(form)) if form.isdigit() else pa.string()
        return pa.field(name, {"0": pa.int64(), "float": pa.float64()}.get(form, places))
    if len(types) == 1:
        return pa.field(name, types.pop())
    if types and all(pa.types.is_decimal(it) or it == pa.int64() for it in types):
        decimals = [it for it in types if pa.types.is_decimal(it)]
        whole = max(19 if pa.int64() in types else 0, *(it.precision - it.scale for it in decimals))
        return pa.field(name, _decimal(name, whole, max(it.scale for it in decimals)))
    if types == {pa.int64(), pa.float64()}:
        return pa.field(name, pa.float64())
    return pa.field(name, pa.string())


def _in_form(field: pa.Field, form: str | None) -> pa.Field:
    """A column in the form that is known of it, unless it needs a wider one."""
    import pyarrow as pa

    if form is None or pa.types.is_null(field.type):
        return field
    if form == "text" or (form == "float" and field.type == pa.int64()):
        return field.with_type(pa.string() if form == "text" else pa.float64())
    if form.isdigit() and pa.types.is_decimal(field.type) and int(form) > field.type.scale:
        whole = field.type.precision - field.type.scale
        if whole + int(form) <= MAX_DIGITS:
            return field.with_type(pa.decimal128(whole + int(form), int(form)))
    return field


def _cast(table: pa.Table, schema: pa.Schema) -> pa.Table:
    if table.schema == schema:
        return table
    import pyarrow as pa

    columns = [
        pa.array([None if it is None else _text(it) for it in column.to_pylist()], pa.string())
        if pa.types.is_floating(column.type) and pa.types.is_string(field.type)
        else column.cast(field.type)
        for column, field in zip(table.columns, schema, strict=True)
    ]
    return pa.table(columns, schema=schema)


def _text(value: Any) -> str:
    """What a value is as text, the same in each load."""
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, default=str, ensure_ascii=False, sort_keys=True)
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    return str(value)
