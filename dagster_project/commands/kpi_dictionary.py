"""What follows from the KPIs' own files, written by `make contract`; a test asserts that it does.

A metric is defined once, where it is computed: its words, formulas and owner are the model's
description and meta. From them come docs/kpis.md, the dictionary for readers, the list of the
metrics that the dbt project unites, and their semantic layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dagster_project.publishing.dictionary import dictionary
from dagster_project.run.kpi_metrics import MACRO, metrics_macro, product_metrics
from dagster_project.run.semantic_layer import FILE as SEMANTICS
from dagster_project.run.semantic_layer import semantics
from ingestion.contract.entities import ENTITIES
from ingestion.extension.folder import Extension
from ingestion.paths import PROJECT

PAGE = PROJECT / "docs" / "kpis.md"


def write(manifest: Mapping[str, Any]) -> None:
    """Write the page."""
    PAGE.write_text(dictionary(manifest), encoding="utf-8")


if __name__ == "__main__":
    from dagster_project.run.dbt_runner import Dbt
    from dagster_project.run.opening import company_file
    from ingestion.company.reading import load_company

    MACRO.write_text(metrics_macro(product_metrics()), encoding="utf-8")
    SEMANTICS.write_text(semantics(Extension(None), ENTITIES), encoding="utf-8")
    write(Dbt.of(load_company(company_file())).manifest())
