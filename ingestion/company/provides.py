"""Which source provides what: rows that add up must not come twice.

Deals, or invoices, of one business that two sources both give would double every number. Where two
sources map the same of these entities, each says under `provides:` which part it gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from ingestion.errors import Problem, one_of

ADDED_UP: Mapping[str, str] = {
    "opportunities": "deals",
    "leads": "leads",
    "activities": "activities",
    "subscriptions": "subscriptions",
    "invoices": "invoices",
    "payments": "payments",
    "credit_notes": "credit notes",
}
"""Entities whose rows add up to numbers whichever source they are of, with words for their rows.

Others are not asked for: users, accounts and contacts may be known to several systems, a quota
given twice fails the audit, costs are of one ledger's categories. Spend comes from several sources
as a rule, each of other platforms, accounts or days: what two of them tell counts twice, and data
hygiene names the campaign, or the platform's account and day (`in_two_sources`).
"""


class Provider(Protocol):
    """A source, as far as it matters here.

    `provides` is what company.yml says: the part (say, a region) by entity. `entities_given` are
    those that it gives rows of; `without` says how it is told to leave some out.
    """

    @property
    def name(self) -> str: ...
    @property
    def provides(self) -> Mapping[str, str]: ...
    @property
    def entities_given(self) -> Sequence[str]: ...
    def without(self, entities: Sequence[str]) -> str: ...


def find_overlaps(sources: Sequence[Provider]) -> Iterator[Problem]:
    """What is wrong with who provides what; the messages have the YAML to write."""
    for index, source in enumerate(sources):
        yield from _misplaced(index, source)
    shared = [entity for entity in ADDED_UP if len(_givers(entity, sources)) > 1]
    undeclared = [
        entity
        for entity in shared
        if any(entity not in source.provides for source in _givers(entity, sources))
    ]
    if undeclared:
        yield _ask(undeclared, sources)
    for entity in shared:
        yield from _declared_twice(entity, sources)


def _givers(entity: str, sources: Sequence[Provider]) -> list[Provider]:
    return [source for source in sources if entity in source.entities_given]


def _misplaced(index: int, source: Provider) -> Iterator[Problem]:
    for entity, scope in source.provides.items():
        key = ("sources", index, "provides", entity)
        if entity not in ADDED_UP:
            hint = one_of(entity, ADDED_UP)
            yield Problem(key, scope, f"not an entity whose rows add up; {hint}")
        elif entity not in source.entities_given:
            given = ", ".join(sorted(source.entities_given))
            yield Problem(
                key,
                scope,
                f"the source gives no {entity}: remove the line, or map them. It gives: {given}",
            )


def _ask(entities: Sequence[str], sources: Sequence[Provider]) -> Problem:
    """What to write where nobody says which source provides which part of some entities."""
    involved = [
        (index, source, [entity for entity in entities if entity in source.entities_given])
        for index, source in enumerate(sources)
        if any(entity in source.entities_given for entity in entities)
    ]
    first = next(
        index for index, source, given in involved if any(e not in source.provides for e in given)
    )
    names = " and ".join(f"'{source.name}'" for _, source, _ in involved)
    declared = "\n".join(
        f"      - name: {source.name}\n        provides: {{{_scopes(source, given)}}}"
        for _, source, given in involved
    )
    leaving_out = "; or ".join(
        f"in '{source.name}' {source.without(given)}" for _, source, given in involved
    )
    return Problem(
        ("sources", first, "provides"),
        None,
        f"{names} all give {', '.join(entities)}. What they both have would count twice. If each "
        f"has its own, say which part (a region, a brand; any words that tell them apart):\n"
        f"{declared}\n    If they have the same, leave them out of all but one: {leaving_out}",
    )


def _scopes(source: Provider, entities: Sequence[str]) -> str:
    scopes = {**source.provides, **{e: source.provides.get(e, source.name) for e in entities}}
    return ", ".join(f"{entity}: {scope}" for entity, scope in scopes.items())


def _declared_twice(entity: str, sources: Sequence[Provider]) -> Iterator[Problem]:
    first: dict[str, Provider] = {}
    for index, source in enumerate(sources):
        if entity not in source.entities_given or entity not in source.provides:
            continue
        scope = source.provides[entity]
        other = first.setdefault(" ".join(scope.split()).casefold(), source)
        if other is not source:
            yield Problem(
                ("sources", index, "provides", entity),
                scope,
                f"source '{other.name}' provides the same {ADDED_UP[entity]}, which would count "
                f"twice. Name the part that each one has, or leave them out of one: "
                f"in '{other.name}' {other.without([entity])}; "
                f"or in '{source.name}' {source.without([entity])}",
            )
