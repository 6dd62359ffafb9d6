"""What no system of the company holds, exported as files: marketing, people, content.

Columns are the contract's; moments are UTC.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
import yaml

from ingestion.sandbox.world import TABLES, World

PARQUET_ENTITIES = frozenset(
    {"spend_daily", "touches", "invoices", "invoice_lines", "payments", "content_usage"}
)
"""The larger ones; the others are CSV."""
BESIDE_THE_CONTRACT = ("deal_contacts", "line_items", "prorations", "ads", "restatements")
OF_THE_CONTRACT = tuple(name for name in TABLES if name not in BESIDE_THE_CONTRACT)
"""What a company's sources may give in columns of the contract."""


def write_exports(
    world: World, folder: Path, entities: Collection[str], systems: Collection[str] = ()
) -> None:
    """Write an export of each entity, `<entity>.csv` or `<entity>.parquet`, replaced whole.

    Campaigns and spend of the platforms among `systems`, which tell of them, are left out. The
    same world gives the same bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for entity in entities:
        is_large = entity in PARQUET_ENTITIES
        file = folder / f"{entity}.{'parquet' if is_large else 'csv'}"
        aside = file.with_name(f"{file.name}.new")
        table = world.table(entity)
        if entity in ("campaigns", "spend_daily"):
            told = pc.is_in(table["platform"], pa.array(sorted(systems), pa.string()))
            table = table.filter(pc.invert(told))
        if is_large:
            pa.parquet.write_table(table, aside)
        else:
            pa.csv.write_csv(table, aside)
        aside.replace(file)


def write_company(
    world: World,
    folder: Path,
    name: str,
    timezone: str,
    currency: str,
    fiscal_year_start_month: int,
) -> Path:
    """Write a company whose every entity is a Parquet export, as of the world's now.

    Returns its file, `<folder>/company.yml`; the exports are beside it.
    """
    exports = folder / "exports"
    exports.mkdir(parents=True, exist_ok=True)
    for entity in OF_THE_CONTRACT:
        pa.parquet.write_table(world.table(entity), exports / f"{entity}.parquet")
    source = {
        "name": "exports",
        "type": "files",
        "path": exports.name,
        "timezone": "UTC",
        "entities": {entity: {"from": f"{entity}.parquet"} for entity in OF_THE_CONTRACT},
    }
    company = {
        "name": name,
        "timezone": timezone,
        "currency": currency,
        "fiscal_year_start_month": fiscal_year_start_month,
        "as_of": world.now,
        "sources": [source],
    }
    file = folder / "company.yml"
    file.write_text(yaml.safe_dump(company), encoding="utf-8")
    return file
