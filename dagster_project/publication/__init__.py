"""Publication: what BI tools read, written aside, verified, and shown by one swap of a link.

A publication is a folder of its own, `publications/<run>/`, with `salesops.duckdb` (schema
`marts`), `parquet/` and `manifest.json`. Readers go through the link `published`. Who has files of
an earlier publication open keeps reading them, and who opens them anew gets the new ones, of one
run. The file carries its manifest in the table `marts.publication`, so numbers and provenance
cannot part.
"""

from dagster_project.publication.manifest import (
    MARTS,
    MartTable,
    Publication,
    PublicationError,
    definitions_hash,
    mart_tables,
)
from dagster_project.publication.reading import in_place, open_published
from dagster_project.publication.writing import copy_tables, everything, inputs, publish

__all__ = [
    "MARTS",
    "MartTable",
    "Publication",
    "PublicationError",
    "copy_tables",
    "definitions_hash",
    "everything",
    "in_place",
    "inputs",
    "mart_tables",
    "open_published",
    "publish",
]
