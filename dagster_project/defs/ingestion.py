"""Source files and the raw tables that dlt loads from them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import dagster as dg

from dagster_project.run.pipeline_run import PipelineRun
from dagster_project.run.time_travel import copy_raw
from ingestion.company.settings import Company, Source
from ingestion.errors import SourceError
from ingestion.loading.moments import LOADS
from ingestion.loading.reports import LoadReport
from ingestion.sources.files.catalog import Catalog, Relation, stem
from ingestion.sources.files.settings import FilesSource
from ingestion.sources.registry import SOURCE_TYPES
from ingestion.visible import as_code, visible

COMPANY_FILE = dg.AssetKey(["company", "company_yml"])
ABOUT_LOADS = "dlt's record of its loads: when each was finished."
OWNERS = ("team:data_engineering",)


def file_assets(company: Company) -> list[dg.AssetSpec]:
    """The files that the sources read, and the company file: made outside, read here."""
    specs = [
        dg.AssetSpec(
            COMPANY_FILE,
            description="The company's file: settings, mappings, and small tables written inline.",
            group_name="sources",
            kinds={"yaml"},
            owners=OWNERS,
            metadata={"path": dg.MetadataValue.path(visible(company.path))},
        )
    ]
    for source in company.sources:
        specs += [
            dg.AssetSpec(
                key,
                description=description,
                group_name="sources",
                kinds={"file" if isinstance(source, FilesSource) else source.type},
                owners=OWNERS,
            )
            for key, description in sorted(_origins(source).items())
        ]
    return specs


def raw_assets(company: Company) -> list[dg.AssetsDefinition]:
    """One loading step per source type: its raw tables, fed by the type's sources in turn."""
    return [_load_step(company, source_type) for source_type in company.source_types]


def _load_step(company: Company, source_type: str) -> dg.AssetsDefinition:
    sources = [source for source in company.sources if source.type == source_type]
    tables = SOURCE_TYPES[source_type].tables
    inputs = _inputs(sources)
    files = {COMPANY_FILE: (company.path,), **_files(sources)}
    systems = {one.name: _system_key(one) for one in sources if not isinstance(one, FilesSource)}
    specs = [
        dg.AssetSpec(
            [f"raw_{source_type}", table],
            deps=sorted(inputs[table]),
            description=SOURCE_TYPES[source_type].descriptions[table],
            group_name=f"raw_{source_type}",
            kinds={"dlt", company.destination},
            owners=OWNERS,
        )
        for table in tables
    ]
    specs.append(
        dg.AssetSpec(
            [f"raw_{source_type}", LOADS],
            description=ABOUT_LOADS,
            group_name=f"raw_{source_type}",
            kinds={"dlt", company.destination},
            owners=OWNERS,
        )
    )

    @dg.multi_asset(name=f"load_{source_type}", specs=specs, pool="warehouse")
    def load(
        run: dg.ResourceParam[PipelineRun],
    ) -> Iterator[dg.MaterializeResult | dg.AssetObservation]:
        loads: list[LoadReport] = []
        if run.is_time_travel:
            with run.phase(f"load {source_type}"):
                copy_raw(run, source_type)
        else:
            for key, paths in files.items():
                with suppress(OSError):
                    yield _seen(key, paths)
            loads = run.load(source_type)
            yield from (_read(systems[one.source], one) for one in loads if one.source in systems)
        for spec in specs:
            yield dg.MaterializeResult(
                asset_key=spec.key, metadata=_counts(loads, spec.key.path[-1])
            )

    return load


def _files(sources: Iterable[Source]) -> Mapping[dg.AssetKey, tuple[Path, ...]]:
    """The files behind the assets of sources."""
    return {
        _relation_key(source, relation): relation.files
        for source in sources
        if isinstance(source, FilesSource)
        for relations in _relations(source).values()
        for relation in relations
    }


def _seen(key: dg.AssetKey, paths: Iterable[Path]) -> dg.AssetObservation:
    """What a run has found of a source's files before it read them; raises OSError."""
    found = [path.stat() for path in paths]
    return dg.AssetObservation(
        key,
        metadata={
            "files": len(found),
            "bytes": sum(one.st_size for one in found),
            "changed": dg.MetadataValue.timestamp(max(one.st_mtime for one in found)),
        },
    )


def _read(key: dg.AssetKey, load: LoadReport) -> dg.AssetObservation:
    """What a run has read of the system behind an API."""
    names = ("rows_new", "rows_changed", "rows_deleted")
    return dg.AssetObservation(
        key,
        metadata={name: sum(getattr(one, name) for one in load.tables) for name in names},
    )


def _origins(source: Source) -> dict[dg.AssetKey, str]:
    """What a source reads from, described: files, or the system behind an API."""
    if not isinstance(source, FilesSource):
        label = SOURCE_TYPES[source.type].label
        return {_system_key(source): f"The {label} account that '{source.name}' reads."}
    return {
        _relation_key(source, relation): f"{_names(relation)} in {as_code(source.path)}"
        for relations in _relations(source).values()
        for relation in relations
    }


def _inputs(sources: Iterable[Source]) -> Mapping[str, set[dg.AssetKey]]:
    """What the raw tables of contract entities are loaded from, by table."""
    inputs: dict[str, set[dg.AssetKey]] = defaultdict(set)
    for source in sources:
        if not isinstance(source, FilesSource):
            for table in SOURCE_TYPES[source.type].tables:
                inputs[table].add(_system_key(source))
            continue
        for entity, relations in _relations(source).items():
            inputs[entity].update(_relation_key(source, relation) for relation in relations)
            if source.entities[entity].rows is not None:
                inputs[entity].add(COMPANY_FILE)
    return inputs


def _relations(source: FilesSource) -> dict[str, tuple[Relation, ...]]:
    """The files behind each entity; none while the source cannot be read."""
    import duckdb

    relations: dict[str, tuple[Relation, ...]] = dict.fromkeys(source.entities, ())
    with duckdb.connect() as connection:
        for entity, mapping in source.entities.items():
            # A wrong `from` is not worth losing the whole graph for: the load says what is wrong.
            with suppress(SourceError):
                if mapping.from_ is not None:
                    origin = Catalog.of(source).origin(connection, mapping.from_)
                    relations[entity] = origin.relations
    return relations


def _relation_key(source: Source, relation: Relation) -> dg.AssetKey:
    """Key of a file, or of files read as one table: source and name, in letters and digits."""
    return _key(source.name, stem(Path(relation.name)))


def _system_key(source: Source) -> dg.AssetKey:
    return _key(source.name, source.type)


def _key(*parts: str) -> dg.AssetKey:
    return dg.AssetKey([re.sub(r"\W+", "_", part) for part in parts])


def _names(relation: Relation) -> str:
    return ", ".join(as_code(path.name) for path in relation.files)


def _counts(loads: Iterable[LoadReport], entity: str) -> dict[str, int]:
    """The entity's row counts, added up over the sources."""
    totals: dict[str, int] = {}
    for load in loads:
        for table in load.tables:
            if table.entity == entity:
                for name in ("rows", "rows_new", "rows_changed", "rows_deleted", "rows_rejected"):
                    totals[name] = totals.get(name, 0) + getattr(table, name)
    return totals
