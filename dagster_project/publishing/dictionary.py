"""The KPI dictionary: what each metric means, from the words beside its SQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dagster_project.run.dbt_manifest import MODEL, metrics

INTRODUCTION = """\
# The KPI dictionary

Written by {writer} from the dbt models; do not edit. Every number is a row of
`marts.kpi_values`: one per metric, variant, period and cut. The usual definition of a metric is
its variant `default`. What a metric leaves out is a row of `marts.kpi_exclusions` with the reason,
so that included + excluded = population.

| column | meaning |
|---|---|
"""


def dictionary(
    manifest: Mapping[str, Any],
    writer: str = "`make contract`",
    sql: Callable[[str], str] = lambda file: f"[{Path(file).name}](../dbt/{file})",
) -> str:
    """The whole page, as Markdown: who writes it, and how it names a file of the dbt project."""
    nodes = manifest["nodes"]
    columns = nodes[f"{MODEL}kpi_values"]["columns"].values()
    table = "".join(f"| `{column['name']}` | {_line(column)} |\n" for column in columns)
    sections = "".join(_section(nodes, name, sql) for name in metrics(manifest))
    return INTRODUCTION.format(writer=writer) + table + sections


def _section(nodes: Mapping[str, Any], metric: str, sql: Callable[[str], str]) -> str:
    node = nodes[MODEL + metric]
    meta = node["config"]["meta"]
    variants = "".join(
        f"| `{name}` | {said if isinstance(said, str) else said['formula']} |\n"
        for name, said in meta["variants"].items()
    )
    return (
        f"\n## {metric}\n\n{_line(node)}\n\n| variant | formula |\n|---|---|\n{variants}"
        f"\nBetter: {meta['better']}. Owner: {meta['owner']}. "
        f"SQL: {sql(node['original_file_path'])}.\n"
    )


def _line(described: Mapping[str, Any]) -> str:
    return re.sub(r"\s+", " ", described["description"]).strip()
