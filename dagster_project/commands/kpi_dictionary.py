"""What follows from the KPIs' own files, written by `make contract`; a test asserts that it does.

A metric is defined once, where it is computed: its words, formulas and owner are the model's
description and meta. From them come docs/kpis.md, the dictionary for readers, and the list of the
metrics that the dbt project unites.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagster_project.run.dbt_manifest import MODEL, metrics
from dagster_project.run.kpi_metrics import MACRO, metrics_macro, product_metrics
from ingestion.paths import PROJECT

PAGE = PROJECT / "docs" / "kpis.md"

INTRODUCTION = """\
# The KPI dictionary

Written by `make contract` from the dbt models; do not edit. Every number is a row of
`marts.kpi_values`: one per metric, variant, period and cut. The usual definition of a metric is
its variant `default`. What a metric leaves out is a row of `marts.kpi_exclusions` with the reason,
so that included + excluded = population.

| column | meaning |
|---|---|
"""


def dictionary(manifest: Mapping[str, Any]) -> str:
    """The whole page, as Markdown."""
    nodes = manifest["nodes"]
    columns = nodes[f"{MODEL}kpi_values"]["columns"].values()
    table = "".join(f"| `{column['name']}` | {_line(column)} |\n" for column in columns)
    return INTRODUCTION + table + "".join(_section(nodes, name) for name in metrics(manifest))


def _section(nodes: Mapping[str, Any], metric: str) -> str:
    node = nodes[MODEL + metric]
    meta = node["config"]["meta"]
    file = node["original_file_path"]
    variants = "".join(
        f"| `{name}` | {said if isinstance(said, str) else said['formula']} |\n"
        for name, said in meta["variants"].items()
    )
    return (
        f"\n## {metric}\n\n{_line(node)}\n\n| variant | formula |\n|---|---|\n{variants}"
        f"\nBetter: {meta['better']}. Owner: {meta['owner']}. "
        f"SQL: [{Path(file).name}](../dbt/{file}).\n"
    )


def _line(described: Mapping[str, Any]) -> str:
    return re.sub(r"\s+", " ", described["description"]).strip()


def write(manifest: Mapping[str, Any]) -> None:
    """Write the page."""
    PAGE.write_text(dictionary(manifest), encoding="utf-8")


if __name__ == "__main__":
    from dagster_project.run.dbt_runner import Dbt
    from dagster_project.run.opening import company_file
    from ingestion.company.settings import load_company

    MACRO.write_text(metrics_macro(product_metrics()), encoding="utf-8")
    write(Dbt.of(load_company(company_file())).manifest())
