"""The names that the product's dbt project has: what a company adds is named otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

MODELS = Path(__file__).resolve().parents[2] / "dbt" / "models"

CUTS = (
    *("rep", "team", "manager", "region", "segment", "lead_source", "product", "deal_type"),
    *("pipeline", "stage", "channel", "campaign", "activity_type", "company"),
)
"""By what the product's metrics are cut."""
CUTS_OF = {
    "deal": (
        *("rep", "team", "manager", "region", "segment", "lead_source", "product", "deal_type"),
        "pipeline",
    ),
    "lead": ("rep", "team", "manager", "region", "segment", "channel", "campaign"),
    "customer": ("segment", "region", "product", "channel"),
}
"""The cuts of all metrics on deals, on leads and on customers, by the word for them."""
FRAME = ("kpi_members", "kpi_month_cells", "kpi_medians", "kpi_values")


@cache
def model_names() -> frozenset[str]:
    """The models, and the seeds beside them."""
    seeds = (MODELS.parent / "seeds").glob("*.csv")
    return frozenset(path.stem for path in (*MODELS.rglob("*.sql"), *seeds))


@cache
def published_tables() -> frozenset[str]:
    """The models that are published in the file for all."""
    return frozenset(path.stem for path in MODELS.rglob("*.yml") if _is_for_all(path))


def _is_for_all(path: Path) -> bool:
    text = path.read_text(encoding="utf-8")
    is_public, is_of_people = (
        re.search(rf"\b{said}\b", text) for said in ("access: public", "audience: people")
    )
    return is_public is not None and is_of_people is None


def show_extra(entity: str) -> Iterator[Path]:
    """The SQL files of the models that show all columns that a company adds to an entity."""
    for path in sorted(MODELS.rglob("*.sql")):
        if f'{{ extra_of("{entity}"' in path.read_text(encoding="utf-8"):
            yield path


@cache
def names_of_the_frame() -> frozenset[str]:
    """The names in the SQL that adds up the metrics by their cuts."""
    frame = (MODELS / "kpis" / f"{name}.sql" for name in FRAME)
    return frozenset(name for path in frame for name in _names(path))


@cache
def names_used(entity: str) -> frozenset[str]:
    """The names in the SQL of these models, those of a source's own columns left out."""
    models = (path for path in show_extra(entity) if "staging" not in path.parts)
    return frozenset(name for path in models for name in _names(path))


def _names(path: Path) -> list[str]:
    return re.findall(r"\b[a-z]\w*", path.read_text(encoding="utf-8"))
