"""A publication as it lies in its folder: what BI tools read, shown by one swap of a link.

It is a folder of its own, `publications/<run>/`, with `salesops.duckdb` (schema `marts`),
`parquet/` and `manifest.json`, and with `people.duckdb`, which is not for all. Readers go through
the link `published`. Who has files of an earlier publication open keeps reading them, and who opens
them anew gets the new ones, of one run. Each DuckDB file carries its manifest in the table
`marts.publication`, so numbers and provenance cannot part.
"""

from dagster_project.publication.manifest import MARTS, PEOPLE, Publication, PublicationError
from dagster_project.publication.reading import in_place, open_published, show_published

__all__ = [
    "MARTS",
    "PEOPLE",
    "Publication",
    "PublicationError",
    "in_place",
    "open_published",
    "show_published",
]
