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
from ingestion.paths import PROJECT

PAGE = PROJECT / "docs" / "kpis.md"
FOLDER = PROJECT / "dbt" / "models" / "kpis"
MACRO = PROJECT / "dbt" / "macros" / "kpi_metrics.sql"

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


def metrics_macro() -> str:
    """The macro `kpi_metrics`: the files of `models/kpis`, as their YAML orders them.

    A folder there is a subject; what begins with `int_` are steps towards metrics.
    """
    files = [path for path in FOLDER.glob("*/*.sql") if not path.name.startswith("int_")]
    names = [path.stem for path in sorted(files, key=_order)]
    listed = "".join(f'                "{name}",\n' for name in names)
    return (
        "{#- Written by `make contract` from the files of models/kpis; do not edit. -#}\n"
        "{% macro kpi_metrics() -%}\n    {{\n        return(\n            [\n"
        f"{listed}            ]\n        )\n    }}}}\n{{%- endmacro %}}\n"
    )


def _order(file: Path) -> tuple[float, str]:
    import yaml

    [model] = yaml.safe_load(file.with_suffix(".yml").read_text(encoding="utf-8"))["models"]
    return model["config"]["meta"]["order"], file.stem


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
    from ingestion.company.reading import load_company

    MACRO.write_text(metrics_macro(), encoding="utf-8")
    write(Dbt.of(load_company(company_file())).manifest())
