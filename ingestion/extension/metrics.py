"""The metrics that there are, the product's and a company's own, by what their YAML says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from ingestion.contract.columns import Entity, ExtraColumn
from ingestion.extension.folder import STEP, Extension
from ingestion.extension.product import CUTS_OF, MODELS

CUT_ENTITIES = {"deal": "opportunities", "lead": "leads"}
"""Whose columns that a company adds may be cuts, too."""


@dataclass(frozen=True)
class Variant:
    """One definition of a metric: what its members come to, and whether they have days."""

    kind: str
    is_dated: bool


@dataclass(frozen=True)
class Metric:
    """A metric: its definitions by name, and what it can be cut by."""

    variants: Mapping[str, Variant]
    cuts: tuple[str, ...]


def metrics_of(extension: Extension, entities: Mapping[str, Entity]) -> Mapping[str, Metric]:
    """The metrics by name; one of the company's own whose YAML is wrong is left out."""
    found = dict(_product_metas())
    for path in extension.metrics:
        if meta := _meta(path.with_suffix(".yml")):
            found[path.stem] = meta
    return {name: _metric(meta, entities) for name, meta in sorted(found.items())}


@cache
def _product_metas() -> Mapping[str, Mapping[str, Any]]:
    paths = (MODELS / "kpis").glob("*/*.yml")
    metas = {path.stem: _meta(path) for path in paths if not path.name.startswith(STEP)}
    return {name: meta for name, meta in metas.items() if meta}


def _meta(path: Path) -> Mapping[str, Any] | None:
    try:
        [model] = yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
        meta: Mapping[str, Any] = model["config"]["meta"]
        return meta if {"kind", "cuts", "variants"} <= meta.keys() else None
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, ValueError):
        return None


def _metric(meta: Mapping[str, Any], entities: Mapping[str, Entity]) -> Metric:
    variants = {}
    for name, said in meta["variants"].items():
        own = {**meta, **(said if isinstance(said, Mapping) else {})}
        variants[name] = Variant(own["kind"], own.get("dated", True))
    cuts = [cut for short in meta["cuts"] for cut in _written_out(short, entities)]
    return Metric(variants, tuple(dict.fromkeys(cuts)))


def _written_out(cut: str, entities: Mapping[str, Entity]) -> list[str]:
    """The cuts that one of the YAML stands for."""
    entity = CUT_ENTITIES.get(cut)
    columns = entities[entity].columns if entity else ()
    added = [one.name for one in columns if isinstance(one, ExtraColumn) and one.cut]
    return [*CUTS_OF.get(cut, (cut,)), *added]
