"""docs/kpis.md, the KPI dictionary for readers: written from the dbt models by `make contract`.

A metric is defined once, where it is computed: its words, formulas and owner are the model's
description and meta. A test asserts that the page says what the models say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

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
    columns = nodes["model.salesops.kpi_values"]["columns"].values()
    table = "".join(f"| `{column['name']}` | {_line(column)} |\n" for column in columns)
    return INTRODUCTION + table + "".join(_section(nodes, name) for name in metrics(manifest))


def metrics(manifest: Mapping[str, Any]) -> Iterator[str]:
    """The metrics, in the order in which they are united into `kpi_values`."""
    for key in manifest["nodes"]["model.salesops.kpi_values"]["depends_on"]["nodes"]:
        yield key.removeprefix("model.salesops.kpi_")


def _section(nodes: Mapping[str, Any], metric: str) -> str:
    node = nodes[f"model.salesops.kpi_{metric}"]
    meta = node["config"]["meta"]
    members = nodes.get(f"model.salesops.int_{metric}__members", {})
    files = [one["original_file_path"] for one in (node, members) if one]
    links = ", ".join(f"[{Path(file).name}](../dbt/{file})" for file in files)
    variants = "".join(f"| `{name}` | {text} |\n" for name, text in meta["variants"].items())
    return (
        f"\n## {metric}\n\n{_line(node)}\n\n| variant | formula |\n|---|---|\n{variants}"
        f"\nBetter: {meta['better']}. Owner: {meta['owner']}. SQL: {links}.\n"
    )


def _line(described: Mapping[str, Any]) -> str:
    return re.sub(r"\s+", " ", described["description"]).strip()


def write(manifest: Mapping[str, Any]) -> None:
    """Write the page."""
    PAGE.write_text(dictionary(manifest), encoding="utf-8")


if __name__ == "__main__":
    from dagster_project.dbt_runner import Dbt
    from dagster_project.pipeline_run import company_file
    from ingestion.company import load_company

    write(Dbt.of(load_company(company_file())).manifest())
