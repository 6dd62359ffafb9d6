"""What the company's CRM does not hold, exported as files: finance, marketing, people, content.

Columns are the contract's; moments are UTC.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import yaml

from ingestion.sandbox.world import TABLES, World

CSV_ENTITIES = (
    "campaigns", "customers", "subscriptions", "credit_notes", "costs", "quotas", "fx_rates",
    "forecast_submissions", "experiments", "experiment_assignments", "training", "content",
    "surveys",
)  # fmt: skip
PARQUET_ENTITIES = (
    "spend_daily", "touches", "invoices", "invoice_lines", "payments", "content_usage",
)  # fmt: skip
"""The larger ones."""
OF_THE_CONTRACT = tuple(
    name for name in TABLES if name not in ("deal_contacts", "line_items", "prorations")
)
"""What a company's sources may give in columns of the contract."""


def write_exports(world: World, folder: Path) -> None:
    """Write every export, `<entity>.csv` or `<entity>.parquet`, each replaced whole.

    The same world gives the same bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for entity in CSV_ENTITIES:
        aside = folder / f"{entity}.csv.new"
        pa.csv.write_csv(world.table(entity), aside)
        aside.replace(folder / f"{entity}.csv")
    for entity in PARQUET_ENTITIES:
        aside = folder / f"{entity}.parquet.new"
        pa.parquet.write_table(world.table(entity), aside)
        aside.replace(folder / f"{entity}.parquet")


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
