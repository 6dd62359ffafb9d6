"""MetricFlow's semantic layer: metrics and dimensions that follow from the KPIs' own files.

A metric is its members (dbt/macros/kpi.sql), and so it is here: all rest on `kpi_members`, in which
every exclusion, rate and local day has been decided, and each is a filter on a few sums over it. The
YAML of a metric says which. What MetricFlow cannot say as `kpi_values` does is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from dagster_project.run.kpi_metrics import FOLDER, UNKNOWN, in_order, model_of, product_metrics
from ingestion.extension.product import CUTS

FILE = FOLDER / "kpi_semantics.yml"

HEAD = "# Written by `make contract` from the files of models/kpis; do not edit.\n"

ONCE_A_PERIOD = {("stage_conversion_rate", "default"), ("stage_conversion_rate", "to_won")}
"""Of which a record counts once in each period, and no later entry of it says more than its first.

So what counts in a longer period are the different records, which any period can count.
"""

_COUNTS = "exclusion_reason is null"
_IS_UNKNOWN = "exclusion_reason in ('{}')".format("', '".join(UNKNOWN))
_ENTRY = "entity_key || '|' || pipeline"

MEASURES: Mapping[str, tuple[str, str, str]] = {
    "numerator": ("sum", f"case when {_COUNTS} then numerator end", "What the records add up to"),
    "denominator": (
        "sum",
        f"case when {_COUNTS} then denominator end",
        "What the records' denominators add up to",
    ),
    "median": (
        "median",
        f"case when {_COUNTS} then cast(numerator as double precision) end",
        "The median of the records' numerators",
    ),
    "records": (
        "sum",
        f"case when side is null and {_COUNTS} then 1 else 0 end",
        "Records that count",
    ),
    "excluded": (
        "sum",
        "case when side is null and exclusion_reason is not null then 1 else 0 end",
        "Records that are left out, for a reason",
    ),
    "unknown": (
        "sum",
        f"case when side is null and {_IS_UNKNOWN} then 1 else 0 end",
        "Records that are left out because a value is not known",
    ),
    "entries": (
        "count_distinct",
        f"case when {_COUNTS} then {_ENTRY} end",
        "Different records that count",
    ),
    "entries_passed": (
        "count_distinct",
        f"case when {_COUNTS} and numerator = 1 then {_ENTRY} end",
        "Different records that count and did what is asked",
    ),
}
"""By name: how it is aggregated, of what, and in words."""

OF_STATES = ("numerator", "records", "excluded", "unknown")
"""The measures that a state has: of a longer period, its last month's."""

SUM = "case when records = 0 and unknown > 0 then null else coalesce(numerator, 0) end"
STATE = (
    "case when (records = 0 and unknown > 0) or 10 * unknown > records + excluded then null "
    "else coalesce(numerator, 0) end"
)


def semantics(metrics: Iterable[Path], own_cuts: Iterable[str] = ()) -> str:
    """The YAML of the semantic layer: of these metrics, in the order of their YAML."""
    cuts = [cut for cut in CUTS if cut != "company"] + list(own_cuts)
    document = {
        "semantic_models": [_members(cuts)],
        "metrics": [*_bases(), *(one for path in in_order(metrics) for one in _metrics(path))],
    }
    return HEAD + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)


def _members(cuts: Iterable[str]) -> dict[str, Any]:
    return {
        "name": "kpi_members",
        "model": "ref('kpi_members')",
        "description": "The records of every metric, with what each adds to it.",
        "defaults": {"agg_time_dimension": "period_on"},
        "primary_entity": "member",
        "entities": [{"name": "deal", "type": "foreign", "expr": "opportunity_key"}],
        "dimensions": [
            {"name": "period_on", "type": "time", "type_params": {"time_granularity": "day"}},
            *({"name": name, "type": "categorical"} for name in ("metric", "variant", *cuts)),
        ],
        "measures": [
            *(_measure(name) for name in MEASURES),
            *(_measure(name, of_state=True) for name in OF_STATES),
        ],
    }


def _measure(name: str, of_state: bool = False) -> dict[str, Any]:
    agg, expr, words = MEASURES[name]
    measure: dict[str, Any] = {
        "name": f"{'state' if of_state else 'kpi'}_{name}",
        "description": f"{words}.",
        "agg": agg,
        "expr": expr,
    }
    if of_state:
        measure["non_additive_dimension"] = {"name": "period_on", "window_choice": "max"}
    return measure


def _bases() -> Iterator[dict[str, Any]]:
    """The measures as metrics, of which each metric is made by its filter."""
    named = [(f"kpi_{name}", name) for name in MEASURES]
    for measure, name in [*named, *((f"state_{name}", name) for name in OF_STATES)]:
        yield {
            "name": measure,
            "label": measure,
            "description": f"{MEASURES[name][2]}: a part of metrics, not one by itself.",
            "type": "simple",
            "type_params": {"measure": measure},
        }


def _metrics(path: Path) -> Iterator[dict[str, Any]]:
    model = model_of(path)
    meta, words = model["config"]["meta"], re.sub(r"\s+", " ", model["description"]).strip()
    for variant, said in meta["variants"].items():
        own = {"formula": said} if isinstance(said, str) else said
        made = _made({**meta, **own}, path.stem, variant)
        if made is None:
            continue
        name = path.stem if variant == "default" else f"{path.stem}_{variant}"
        yield {
            "name": name,
            "label": name.replace("_", " ").capitalize(),
            "description": f"{own['formula']}. {words}",
            **made,
            "filter": (
                f"{{{{ Dimension('member__metric') }}}} = '{path.stem}' "
                f"and {{{{ Dimension('member__variant') }}}} = '{variant}'"
            ),
        }


def _made(meta: Mapping[str, Any], metric: str, variant: str) -> dict[str, Any] | None:
    """How MetricFlow makes a number; None where it cannot make the one of `kpi_values`."""
    if (metric, variant) in ONCE_A_PERIOD:
        return _ratio("kpi_entries_passed", "kpi_entries")
    if not meta.get("dated", True) or set(meta.get("says", ())) & {"counts_in", "company"}:
        return None
    match meta["kind"], meta.get("state"):
        case "sum", None:
            return _derived(SUM, "kpi", ("numerator", "records", "unknown"))
        case "sum", "end":
            return _derived(STATE, "state", OF_STATES)
        case ("share" | "quotient"), None if "least_denominator" not in meta:
            return _ratio("kpi_numerator", "kpi_denominator")
        case "median", None:
            return {"type": "simple", "type_params": {"measure": "kpi_median"}}
    return None


def _ratio(numerator: str, denominator: str) -> dict[str, Any]:
    parts = {"numerator": numerator, "denominator": denominator}
    return {"type": "ratio", "type_params": parts}


def _derived(expr: str, kind: str, inputs: Iterable[str]) -> dict[str, Any]:
    metrics = [{"name": f"{kind}_{name}", "alias": name} for name in inputs]
    return {"type": "derived", "type_params": {"expr": expr, "metrics": metrics}}


if __name__ == "__main__":
    FILE.write_text(semantics(product_metrics()), encoding="utf-8")
