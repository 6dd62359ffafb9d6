"""What earlier loads brought of sources that company.yml no longer has: it still counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from ingestion.company.settings import Company
from ingestion.loading.moments import is_finished
from ingestion.sources.registry import SOURCE_TYPES
from ingestion.warehouse.warehouse import Warehouse

EXPORTS = "exports"


def left_behind(company: Company, warehouse: Warehouse, source_type: str) -> Iterator[str]:
    """What to tell of a type's raw dataset: sources, or what they gave, that nobody reads now.

    Staging reads all of the dataset as long as one source of the type is left, so that a source
    that was renamed, or whose place another has taken, counts twice.
    """
    dataset = f"raw_{source_type}"
    if EXPORTS not in warehouse.columns(dataset):
        return
    given = {
        source.name: set(source.entities_given)
        for source in company.sources
        if source.type == source_type
    }
    rows = warehouse.read(
        f"select distinct source_instance, entity from {dataset}.{EXPORTS} "
        f"where rows > 0 and {is_finished(dataset)}"
    ).to_pylist()
    found: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        name, entity = row["source_instance"], row["entity"]
        is_entity = SOURCE_TYPES[source_type].is_canonical
        if name not in given or (is_entity and entity not in given[name]):
            found[name].add(entity)
    for name, entities in sorted(found.items()):
        yield (
            f"company.yml no longer has {', '.join(sorted(entities))} of a source {name}, and what "
            "earlier loads brought of them still counts; where another source gives the same, it "
            "counts twice. Name them again, and take out of the export what shall not count; or "
            "run with FRESH=1: the company starts anew, and its old warehouse is kept aside"
        )
