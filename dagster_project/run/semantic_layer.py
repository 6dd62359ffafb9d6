"""MetricFlow's semantic layer: metrics and dimensions that follow from the KPIs' own files.

A metric is its members (dbt/macros/kpi.sql), and so it is here: all rest on `kpi_members`, in which
every exclusion, rate and local day has been decided, and each is a filter on a few sums over it.
The YAML of a metric says which. What MetricFlow cannot say as `kpi_values` does is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from dagster_project.run.kpi_metrics import FOLDER, UNKNOWN, in_order, model_of, product_metrics
from ingestion.contract.columns import Entity
from ingestion.extension.folder import Extension
from ingestion.extension.metrics import metrics_of

FILE = FOLDER / "kpi_semantics.yml"
MEMBER, DEAL, SELLER = "member", "deal", "seller"
"""The entities by which dimensions are named, as in `member__team`."""

HEAD = "# Written by `make contract` from the files of models/kpis; do not edit.\n"

ONCE_A_PERIOD = {("stage_conversion_rate", "default"), ("stage_conversion_rate", "to_won")}
"""Of which a record counts once in each period, and no later entry of it says more than its first.

So what counts in a longer period are the different records, which can be counted in any period.
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
"""What is not known is not 0, and a part of a state looks like the whole."""

OF_A_STATE = (
    "A state at the end of the period: a longer period has that of its last month with any record; "
    "with a filter, ask by month."
)

NOT_ALLOWED = {
    *("nanosecond", "microsecond", "millisecond", "second", "minute", "hour"),
    *("day", "week", "month", "quarter", "year", "metric_time", "mf_internal_uuid"),
}
"""Names that MetricFlow keeps to itself; nor does it take one of a single letter."""


def semantics(own: Extension, entities: Mapping[str, Entity]) -> str:
    """The YAML of the semantic layer of a company; of one without own things, the product's."""
    files = in_order([*product_metrics(), *own.metrics])
    metrics = metrics_of(own, entities)
    names = _Names({"period_on", "metric", "variant", MEMBER, DEAL, SELLER})
    cuts = dict.fromkeys(cut for path in files for cut in metrics[path.stem].cuts)
    dimensions = {cut: names.free(cut, "_cut") for cut in cuts}
    cuts_of = {path: [dimensions[cut] for cut in metrics[path.stem].cuts] for path in files}
    document = {
        "semantic_models": [_members(dimensions)],
        "metrics": [*_bases(), *_metrics(cuts_of)],
    }
    return HEAD + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)


def _members(dimensions: Mapping[str, str]) -> dict[str, Any]:
    """The semantic model on `kpi_members`, with the names of its cuts."""
    return {
        "name": "kpi_members",
        "model": "ref('kpi_members')",
        "description": "The records of every metric, with what each adds to it.",
        "defaults": {"agg_time_dimension": "period_on"},
        "primary_entity": MEMBER,
        "entities": [
            {"name": DEAL, "type": "foreign", "expr": "opportunity_key"},
            {"name": SELLER, "type": "foreign", "expr": "rep"},
        ],
        "dimensions": [
            {"name": "period_on", "type": "time", "type_params": {"time_granularity": "day"}},
            {"name": "metric", "type": "categorical"},
            {"name": "variant", "type": "categorical"},
            *(
                {"name": name, "type": "categorical", "expr": cut}
                for cut, name in dimensions.items()
            ),
        ],
        "measures": [
            *(_measure(name) for name in MEASURES),
            *(_measure(name, of_state=True) for name in OF_STATES),
        ],
    }


def _measure(name: str, of_state: bool = False) -> dict[str, Any]:
    aggregation, expression, words = MEASURES[name]
    measure: dict[str, Any] = {
        "name": f"{'state' if of_state else 'kpi'}_{name}",
        "description": f"{words}.",
        "agg": aggregation,
        "expr": expression,
    }
    if of_state:
        measure["non_additive_dimension"] = {"name": "period_on", "window_choice": "max"}
    return measure


def _bases() -> Iterator[dict[str, Any]]:
    """The measures as metrics, of which each metric is made by its filter."""
    for kind, names in (("kpi", tuple(MEASURES)), ("state", OF_STATES)):
        for name in names:
            yield {
                "name": f"{kind}_{name}",
                "label": f"{kind}_{name}",
                "description": f"{MEASURES[name][2]}: a part of metrics, and none by itself.",
                "type": "simple",
                "type_params": {"measure": f"{kind}_{name}"},
            }


def _metrics(cuts: Mapping[Path, Sequence[str]]) -> Iterator[dict[str, Any]]:
    """The metrics that have these cuts, by their files: one for each definition."""
    names = _Names({base["name"] for base in _bases()})
    # The usual definition of a metric has the metric's name, whatever else would be called so.
    usual = {path: names.free(path.stem, "_kpi") for path in cuts}
    for path in cuts:
        model = model_of(path)
        meta, words = model["config"]["meta"], _line(model.get("description", ""))
        for variant, own in meta["variants"].items():
            own = {"formula": own} if isinstance(own, str) else own
            made = _made({**meta, **own}, path.stem, variant)
            if made is None:
                continue
            name = usual[path]
            if variant != "default":
                name = names.free(f"{path.stem}_{variant}", "_variant")
            state = f" {OF_A_STATE}" if {**meta, **own}.get("state") else ""
            yield {
                "name": name,
                "label": name.replace("_", " ").capitalize(),
                "description": f"{_line(own['formula'])}. {words}{state}",
                **made,
                "filter": (
                    f"{{{{ Dimension('{MEMBER}__metric') }}}} = '{path.stem}' "
                    f"and {{{{ Dimension('{MEMBER}__variant') }}}} = '{variant}'"
                ),
                "config": {
                    "meta": {
                        "metric": path.stem,
                        "variant": variant,
                        "unit": {**meta, **own}["unit"],
                        "cuts": cuts[path],
                        "state": bool(state),
                    }
                },
            }


def _made(meta: Mapping[str, Any], metric: str, variant: str) -> dict[str, Any] | None:
    """How MetricFlow makes a number; None where it cannot make that of `kpi_values`."""
    if (metric, variant) in ONCE_A_PERIOD:
        return _ratio("kpi_entries_passed", "kpi_entries")
    depends_on_the_period = {"counts_in", "company"} & set(meta.get("says", ()))
    if depends_on_the_period or not meta.get("dated", True) or "least_denominator" in meta:
        return None
    match meta["kind"], meta.get("state"):
        case "sum", None:
            return _derived(SUM, "kpi", ("numerator", "records", "unknown"))
        case "sum", "end":
            return _derived(STATE, "state", OF_STATES)
        case (("share" | "quotient"), None):
            return _ratio("kpi_numerator", "kpi_denominator")
        case "median", None:
            return {"type": "simple", "type_params": {"measure": "kpi_median"}}
    return None


def _ratio(numerator: str, denominator: str) -> dict[str, Any]:
    parts = {"numerator": numerator, "denominator": denominator}
    return {"type": "ratio", "type_params": parts}


def _derived(expression: str, kind: str, inputs: Iterable[str]) -> dict[str, Any]:
    metrics = [{"name": f"{kind}_{name}", "alias": name} for name in inputs]
    return {"type": "derived", "type_params": {"expr": expression, "metrics": metrics}}


def _line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


class _Names:
    """Names that MetricFlow takes, each once."""

    def __init__(self, taken: set[str]) -> None:
        self._taken = taken | NOT_ALLOWED

    def free(self, name: str, otherwise: str) -> str:
        """The name; with an end that tells what it is, where it is none or another has it."""
        while name in self._taken or len(name) == 1:
            name += otherwise
        self._taken.add(name)
        return name
