"""What is wrong with shapes that can be told without reading files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from ingestion.contract.columns import Entity
from ingestion.contract.entities import ENTITIES
from ingestion.errors import Problem, SourceError, one_of
from ingestion.sources.files.settings import EntityMapping, Input
from ingestion.sources.files.shapes.changes import GIVEN
from ingestion.sources.files.shapes.inputs import DEALS, STAGES, needs
from ingestion.sources.files.shapes.references import target_in
from ingestion.sources.files.shapes.rows import fold
from ingestion.sources.files.shapes.spans import DAY
from ingestion.sources.files.shapes.statuses import words_of

HISTORIES, SPEND = "field_changes", "spend_daily"

Key = tuple[str | int, ...]


def given(said: Input) -> frozenset[str]:
    """The canonical columns that an input has without mapping them."""
    if said.snapshots or said.intervals:
        return frozenset(GIVEN)
    return frozenset({DAY} if said.spread else ())


def shape_problems(
    key: Key, entity: Entity, said: Input, entities: Mapping[str, EntityMapping]
) -> Iterator[Problem]:
    """What is wrong with the shape of an input of an entity, beside these of its source."""
    yield from _misplaced(key, entity, said)
    mapped = set(said.columns) if said.columns is not None else set(entity.by_name)
    for name in ("words", "match"):
        told = said.history.told if said.history and name == "match" else ()
        known = (*entity.by_name, *told)
        for column in getattr(said, name):
            if column not in known:
                message = f"unknown column of {entity.name}; {one_of(column, known)}"
                yield Problem((*key, name, column), None, message)
            elif column not in (*mapped, *told):
                message = f"not mapped; give columns.{column}, too"
                yield Problem((*key, name, column), None, message)
    yield from _match_problems(key, entity, said, entities)
    if said.history:
        yield from _history_problems(key, said)
    if said.status:
        yield from _status_problems(key, said, entities)


def key_problems(key: Key, entity: Entity, mapping: EntityMapping) -> Iterator[Problem]:
    """What is wrong with the columns that tell records without ids from each other."""
    mapped = set(mapping.columns or entity.by_name)
    for number, column in enumerate(mapping.key):
        if column not in entity.by_name or column not in mapped:
            message = f"not a mapped column of {entity.name}; {one_of(column, mapped)}"
            yield Problem((*key, "key", number), column, message)
    if mapping.key and "source_id" in (mapping.columns or ()):
        message = "'source_id' is mapped: records have ids; leave 'key' out"
        yield Problem((*key, "key"), None, message)


def circle_problems(entities: Mapping[str, EntityMapping]) -> Iterator[Problem]:
    """Entities whose names are matched in a circle."""
    for name in entities:
        try:
            needs(entities, name)
        except SourceError as error:
            yield Problem(("entities", name, "match"), None, str(error))


def _misplaced(key: Key, entity: Entity, said: Input) -> Iterator[Problem]:
    """Keys that belong to another entity, and columns that these keys give."""
    homes = {"status": DEALS, "snapshots": HISTORIES, "intervals": HISTORIES, "spread": SPEND}
    for name, home in homes.items():
        if getattr(said, name) and entity.name != home:
            yield Problem((*key, name), None, f"goes with {home}")
    if given(said) == frozenset(GIVEN) and said.columns is not None:
        message = "follow from snapshots and intervals; leave 'columns' out"
        yield Problem((*key, "columns"), None, message)
    elif said.spread and DAY in (said.columns or ()):
        message = f"'{DAY}' follows from spread; leave it out"
        yield Problem((*key, "columns", DAY), None, message)


def _match_problems(
    key: Key, entity: Entity, said: Input, entities: Mapping[str, EntityMapping]
) -> Iterator[Problem]:
    for column, by in said.match.items():
        target = target_in(entity.name, said, column)
        where = (*key, "match", column)
        if not target:
            known = (*entity.by_name, *(said.history.told if said.history else ()))
            pointing = [name for name in known if target_in(entity.name, said, name)]
            yield Problem(where, by, f"points at no record; {one_of(column, pointing)}")
        elif target not in entities:
            message = (
                f"the source has no {target} to look names up in; give entities.{target}, with "
                "one_per from this very export if there is no other"
            )
            yield Problem(where, by, message)
        elif by not in ENTITIES[target].by_name:
            message = f"unknown column of {target}; {one_of(by, ENTITIES[target].by_name)}"
            yield Problem(where, by, message)


def _history_problems(key: Key, said: Input) -> Iterator[Problem]:
    name, history = "snapshots" if said.snapshots else "intervals", said.history
    assert history is not None
    entity = ENTITIES.get(history.entity)
    if entity is None:
        message = f"unknown entity; {one_of(history.entity, ENTITIES)}"
        yield Problem((*key, name, "entity"), history.entity, message)
        return
    where = (*key, name, "fields") if said.snapshots else (*key, name)
    for field in history.told:
        if field not in entity.by_name:
            message = f"unknown column of {entity.name}; {one_of(field, entity.by_name)}"
            yield Problem((*where, field) if said.snapshots else (*where, "field"), field, message)


def _status_problems(
    key: Key, said: Input, entities: Mapping[str, EntityMapping]
) -> Iterator[Problem]:
    assert said.status is not None
    where = (*key, "status")
    if STAGES not in entities:
        message = f"give entities.{STAGES}: the open stages in their order; Won and Lost are made"
        yield Problem(where, None, message)
    words = [
        fold(word)
        for outcome in set(words_of(said.status).values())
        for word in {fold(w): w for w in (outcome, *getattr(said.status, outcome))}
    ]
    for word, count in Counter(words).items():
        if count > 1:
            yield Problem(where, word, "stands for two outcomes")
