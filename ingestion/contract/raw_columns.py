"""The columns of raw tables that are of no entity: of every row, of rejected rows, of exports."""

from __future__ import annotations

from ingestion.contract.columns import Column

RECORD_COLUMNS = (
    Column("source_instance", "text", "Name of the source in company.yml.", required=True),
    Column("source_file", "text", "The file that the row came from."),
    Column("source_row", "integer", "Position of the row in its file or answer; keeps its order."),
    Column("source_extra", "text", "What the source has beyond the contract, as a JSON object."),
    Column("row_hash", "integer", "Hash of the row's values: equal hashes, equal versions."),
)
"""Columns that every raw row carries beside those of its entity."""

REJECTED_COLUMNS = (
    Column("source_instance", "text", "Name of the source in company.yml.", required=True),
    Column("entity", "text", "The entity that the row was meant for.", required=True),
    Column("source_id", "text", "The row's id, where it has one."),
    Column("source_file", "text", "The file of the row; of an API, the object and its id."),
    Column("source_line", "integer", "Line of the file on which the row starts."),
    Column("reason", "text", "What is wrong, column by column.", required=True),
    Column("record", "text", "The whole row as it came, as a JSON object.", required=True),
)
"""Columns of `raw_<type>.rejected`: rows that break the contract, kept whole."""

EXPORT_COLUMNS = (
    Column("source_instance", "text", "Name of the source in company.yml.", required=True),
    Column("entity", "text", "The entity.", required=True),
    Column("fingerprint", "text", "Hash of the inputs, mapping and contract.", required=True),
    Column("files", "text", "The files read, with size and SHA-256, as JSON.", required=True),
    Column("rows", "integer", "Rows in the export, rejected ones left out.", required=True),
    Column("rows_new", "integer", "Rows never seen before.", required=True),
    Column("rows_changed", "integer", "Rows that differ from their last version.", required=True),
    Column("rows_deleted", "integer", "Rows gone since the last export.", required=True),
    Column("rows_rejected", "integer", "Rows that break the contract.", required=True),
    Column("extracted_at", "timestamp", "When the export was read (UTC).", required=True),
)
"""Columns of `raw_<type>.exports`: one row per entity and load, the state of the last export."""
