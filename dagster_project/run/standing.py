"""What stands in an increment: what is not made again, as all that it is made of is as it was.

A table that is built whole is as at the last build where its statement says the same, the views
that it reads through included, and the rows of all tables that it reads are those of then. So is
the result of a test. A table that was made again and came out with the same rows changes nobody.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from dagster_project.run.nodes import BUILD, Node
from ingestion.warehouse.session import Session

KNOWN_VERSIONS = re.compile(r"/\* known versions \*/(.*?)/\* until here \*/", re.DOTALL)
"""What reads a raw table (dbt/macros/entities.sql): rows that hang on the loads that are known."""
LOOK_BACK = re.compile(r"/\* whether it \*/(.*?)/\* looks back \*/", re.DOTALL)
"""What asks whether a run looks back (dbt/macros/run.sql)."""


@dataclass
class Standing:
    """Whether nodes of the last build stand in a run with other `values`.

    The nodes have the statements of the last build. Who asks makes them in their order, each that
    does not stand within `watched`. Rows of a load do not change: of raw data, loads are compared.
    But where a replay goes on from another, loads of then have more rows in the `filled` tables.
    """

    session: Session
    nodes: Mapping[str, Node]
    values: Mapping[str, str]
    filled: Collection[str] = ()
    changed: dict[str, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._says_the_same: dict[str, bool] = {}
        self._known: dict[str, str] = {}
        self._readers: dict[str, list[Node]] = {}
        for reader in self._may_be_asked():
            for table in self._tables(reader):
                self._readers.setdefault(table, []).append(reader)

    def stands(self, node: Node) -> bool:
        """Whether a node, of which all that it reads is made, is as at the last build."""
        if not (node.is_standing or (self._may_stand(node) and self.is_as_it_was(node))):
            return False
        self.changed[node.name] = False
        return True

    def is_as_it_was(self, node: Node) -> bool:
        """Whether a statement says what it said, and reads what it read: all of it is made."""
        return self._may_be_as_it_was(node) and self._tables(node) <= self.changed.keys()

    @contextmanager
    def watched(self, node: Node) -> Iterator[None]:
        """Tell, where something might stand for it, whether a node comes out with other rows.

        What unites records of all kinds is not looked at: it is large, and seldom as it was. Nor
        are the sets of records: what makes one may be another node.
        """
        unites = node.reading and node.reading.wholly
        might_stand = any(map(self._may_be_as_it_was, self._readers.get(node.name, ())))
        is_looked_at = might_stand and not (unites or _is_set(node))
        rows = f"select * from {node.relation}"
        before = contents(self.session, {"rows": rows}) if is_looked_at else {}
        yield
        self.changed[node.name] = not before or before != contents(self.session, {"rows": rows})

    def _may_be_as_it_was(self, node: Node) -> bool:
        """Whether a statement says the same, and no table that it reads is known to differ."""
        return not any(self.changed.get(it) for it in self._tables(node)) and all(
            map(self._is_as_said, self._through(node))
        )

    def _may_be_asked(self) -> Iterator[Node]:
        """What is built whole, and what is read wholly where other rows are recomputed."""
        for node in self.nodes.values():
            if node.materialized == "table" and self._may_stand(node):
                yield node
            elif node.reading and node.reading.wholly:
                yield from (self.nodes[name] for name in node.reading.of)

    def _may_stand(self, node: Node) -> bool:
        """Whether a node is a test, or a table that is built whole or of differing records."""
        if node.reading:
            return self.nodes[node.reading.set].differs_from is not None
        return node.resource_type == "test" or node.materialized == "table"

    def _through(self, node: Node) -> Iterator[Node]:
        """A node, and the views that it reads through."""
        yield node
        for name in node.parents:
            if self.nodes[name].materialized == "view":
                yield from self._through(self.nodes[name])

    def _tables(self, node: Node) -> set[str]:
        """The tables that a node reads, those through views included."""
        parents = {name for it in self._through(node) for name in it.parents}
        return {name for name in parents if self.nodes[name].materialized != "view"}

    def _is_as_said(self, node: Node) -> bool:
        """Whether a node's own statement says what it said at the last build."""
        if node.name not in self._says_the_same:
            before, now = node.sql, node.sql_of(self.values)
            self._says_the_same[node.name] = not (
                self._reads_what_no_node_makes(node) or self._reads_filled(node)
            ) and (before == now or self._say_the_same(before, now))
        return self._says_the_same[node.name]

    def _say_the_same(self, before: str, now: str) -> bool:
        """Whether two statements differ in nothing but moments that come to the same."""
        texts = [
            KNOWN_VERSIONS.split(LOOK_BACK.sub(lambda it: self._answer(it[1]), text))
            for text in (before, now)
        ]
        if len(texts[0]) != len(texts[1]):
            return False
        pairs = [*zip(*texts, strict=True)]
        return all(one == other for one, other in pairs[::2]) and all(
            one == other or self._loads(one) == self._loads(other) for one, other in pairs[1::2]
        )

    def _reads_what_no_node_makes(self, node: Node) -> bool:
        """Whether a statement reads more than nodes and known versions of raw tables.

        What a company has written itself may read anything; a set of records is of one build.
        """
        if node.is_own or (_is_set(node) and not node.differs_from):
            return True
        rest = KNOWN_VERSIONS.sub("", node.sql).replace(f"{BUILD}.last_{node.differs_from}", "")
        for name in node.parents:
            rest = rest.replace(self.nodes[name].relation, "")
        schemas = "|".join({BUILD, *node.sources})
        return re.search(rf'(?<![\w"])"?({schemas})"?\.', rest) is not None

    def _reads_filled(self, node: Node) -> bool:
        statement = node.sql.replace('"', "")
        return any(re.search(rf"\b{re.escape(it)}\b", statement) for it in self.filled)

    def _loads(self, versions: str) -> str:
        """The loads of which there are versions, by the query of these, and how many."""
        if versions not in self._known:
            loads = f"""select _dlt_load_id, loaded_at, load_number, count(*) as versions
                from ({versions}) as known group by _dlt_load_id, loaded_at, load_number"""
            self._known |= contents(self.session, {versions: loads})
        return self._known[versions]

    def _answer(self, question: str) -> str:
        if question not in self._known:
            [[answer]] = self.session.rows(f"select {question}")
            self._known[question] = str(answer)
        return self._known[question]


def contents(session: Session, queries: Mapping[str, str]) -> dict[str, str]:
    """A digest of the rows of each query, by its name."""
    if not queries:
        return {}
    digests = (f"(select {session.digest_of_rows} from ({it}) as rows)" for it in queries.values())
    [row] = session.rows(f"select {', '.join(digests)}")
    return dict(zip(queries, row, strict=True))


def _is_set(node: Node) -> bool:
    """Whether a node is of those that say which records an increment recomputes."""
    return f'"{BUILD}".' in node.relation
