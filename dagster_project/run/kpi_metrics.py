"""The list of the metrics that dbt unites: a macro that follows from their files."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from ingestion.extension.folder import SHORT, STEP
from ingestion.paths import PROJECT

FOLDER = PROJECT / "dbt" / "models" / "kpis"
MACRO = PROJECT / "dbt" / "macros" / "kpi_metrics.sql"
UNKNOWN = (
    "no_rate", "no_history", "no_usual", "no_probability", "unknown_status", "no_ended_at",
    "no_paid_at",
)  # fmt: skip
"""Reasons of an exclusion that say that a value is not known, not that there is none."""


def product_metrics() -> list[Path]:
    """The SQL files of the product's metrics.

    A folder of `models/kpis` is a subject; what begins with `int_` are steps towards metrics.
    """
    return [path for path in FOLDER.glob("*/*.sql") if not path.name.startswith(STEP)]


def metrics_macro(files: Iterable[Path]) -> str:
    """The macro `kpi_metrics`: the metrics of these files, as their YAML orders them."""
    names = [path.stem for path in in_order(files)]
    listed = "".join(f'                "{name}",\n' for name in names)
    return (
        "{#- Written by `make contract` from the files of models/kpis; do not edit. -#}\n"
        "{% macro kpi_metrics() -%}\n    {{\n        return(\n            [\n"
        f"{listed}            ]\n        )\n    }}}}\n{{%- endmacro %}}\n"
    )


def in_order(files: Iterable[Path]) -> list[Path]:
    """The SQL files of metrics, as their YAML orders them."""
    return sorted(files, key=_order)


def cuts_of(file: Path) -> list[str]:
    """The cuts that a metric names, but for those that all metrics on its records have."""
    return [cut for cut in model_of(file)["config"]["meta"]["cuts"] if cut not in SHORT]


def _order(file: Path) -> tuple[float, str]:
    """The place that the YAML gives; one without comes after those."""
    return model_of(file)["config"]["meta"].get("order", math.inf), file.stem


def model_of(file: Path) -> Mapping[str, Any]:
    """What the YAML beside a metric's SQL says of it."""
    [model] = yaml.safe_load(file.with_suffix(".yml").read_text(encoding="utf-8"))["models"]
    return model
