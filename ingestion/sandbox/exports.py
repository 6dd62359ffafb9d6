"""What the company's CRM does not hold, exported as files: finance, marketing, people, content.

Columns are the contract's; moments are UTC.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from ingestion.sandbox.world import World

CSV_ENTITIES = (
    "campaigns", "customers", "subscriptions", "credit_notes", "costs", "quotas", "fx_rates",
    "forecast_submissions", "experiments", "experiment_assignments", "training", "content",
    "surveys",
)  # fmt: skip
PARQUET_ENTITIES = (
    "spend_daily", "touches", "invoices", "invoice_lines", "payments", "content_usage",
)  # fmt: skip
"""The larger ones."""


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
