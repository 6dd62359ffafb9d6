"""An increment: the models of the last whole build, of what has changed since, for other moments.

A model that says how it is read by record (dbt/macros/increments.sql) has the rows of a set of
records recomputed. Its other inputs are compared, by their content, with what the last build read;
where one differs, the model is built whole, and so are those that read it by record. All other
models are built whole, unless they stand (dagster_project/run/standing.py), and views are renewed.
"""

from __future__ import annotations

import datetime as dt
import logging
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from dagster_project.run.cells import differing, texts, write_cells, write_rows
from dagster_project.run.dbt_runner import Failed
from dagster_project.run.nodes import Cells, Node, Reading, of_run
from dagster_project.run.standing import Standing, contents
from ingestion.warehouse.session import Session

INPUTS_READ = "build.inputs_read"
ASIDE = "put_aside"
"""The temporary table of rows on their way into another."""

log = logging.getLogger("salesops")

OnResult = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Clock:
    """What a build's moment comes to, in the company's time zone.

    Deals that closed before the settled day are recomputed only where something of them is new.
    The month is the first that has not ended, the current month that of the moment: they are two at
    the last moment of a month alone.
    """

    settled: dt.date
    month: dt.date
    current_month: dt.date


@dataclass
class Increment:
    """The nodes of the last whole build by name, in their order, and what they are made for.

    `values` are those of the run, `clock` and `before` those of this build and of the last one.
    What is in `built_whole` from the start is made whole whatever has changed; `filled` are the raw
    tables, `schema.table`, of whose loads the last build did not know all rows.
    """

    session: Session
    nodes: Mapping[str, Node]
    values: Mapping[str, str]
    clock: Clock
    before: Clock
    built_whole: set[str] = field(default_factory=set)
    filled: Collection[str] = ()
    failed: list[Failed] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.inputs = Inputs(self.session, self.nodes)
        self.standing = Standing(self.session, self.nodes, self.values, self.filled)
        self.made: dict[str, Node] = {}
        self._cells = {node.cells.of: node.cells for node in self.nodes.values() if node.cells}

    def run(self, on_result: OnResult) -> None:
        """Make everything, handing each node's result, as dbt tells it, to `on_result`.

        What the next build begins with is in `made` then, and tests that fail in `failed`. Raises
        what the database raises.
        """
        for node in self.nodes.values():
            began = time.time()
            # What stands is told, too: Dagster skips whatever waits for a model without a result.
            failures = node.failures
            if node.name in self.built_whole or not self.standing.stands(node):
                with self.standing.watched(node):
                    failures = self._make(node)
            elif node.differs_from:
                self.session.execute(f"delete from {node.relation}")
            self.made[node.name] = node.made(self.values, failures)
            on_result(_result(node, began, failures, len(self.nodes)))

    def _make(self, node: Node) -> int:
        """Make a node; returns the rows that fail a test."""
        sql = node.sql_of(self.values)
        if node.resource_type == "test":
            return self._test(node, sql)
        if node.cells and node.cells.of not in self.built_whole:
            sql = self._differing(node.cells, sql)
        if node.materialized == "view":
            if node.is_of_run:
                self.session.execute(f"create or replace view {node.relation} as {sql}")
        elif node.reading and not self._is_whole(node, node.reading):
            self._recompute(node, node.reading, sql)
        elif (cells := self._cells.get(node.name)) and node.name not in self.built_whole:
            self._put_aside(sql)
            write_cells(self.session, node.relation, cells, "true", f"select * from {ASIDE}")
        else:
            self._transaction(f"delete from {node.relation}", node.relation, sql)
        return 0

    def _test(self, node: Node, sql: str) -> int:
        [[failures]] = self.session.rows(f"select count(*) from ({sql}) as failures")
        if failures and not node.is_warning:
            message = f"Got {failures} results, configured to fail if != 0"
            self.failed.append(Failed("test", node.name, node.path, message, sql))
        return int(failures)

    def _recompute(self, node: Node, reading: Reading, sql: str) -> None:
        """Replace the rows of the records in the set, and those of inputs that are read wholly."""
        records = self._among(reading.key, reading, reading.key)
        if reading.wholly:
            inputs = [self.nodes[name] for name in reading.of]
            known = [it.name for it in inputs if it.reading]
            new = [it.name for it in inputs if not (it.reading or self.standing.is_as_it_was(it))]
            records = f"({records} or {reading.wholly} not in ({texts(known)}))"
            records += f" and {reading.wholly} in ({texts([*known, *new])})"
        # A query may have rows of other records, too: these stay as they are.
        cut = f"select * from ({self.by_record(sql, reading)}) as rows where {records}"
        if reading.stamps:
            # First, so that rows that differ in nothing else need not be written.
            stamps = ", ".join(f"{name} = {sql}" for name, sql in reading.stamps.items())
            stamped = f"update {node.relation} set {of_run(stamps, self.values)}"
            self.session.execute(stamped)
        if cells := self._cells.get(node.name):
            write_cells(self.session, node.relation, cells, records, cut)
        else:
            write_rows(self.session, node.relation, records, cut)

    def _among(self, column: str, reading: Reading, its: str) -> str:
        """The condition that a row is of the set, by its column or several in brackets."""
        records = self.nodes[reading.set].relation
        if reading.onwards:
            return f"{column} >= (select min({its}) from {records})"
        columns = its[1:-1] if its.startswith("(") else its
        return f"{column} in (select {columns} from {records})"

    def _differing(self, cells: Cells, sql: str) -> str:
        """The query of cells that differ, of a model that says with `sql` which there are."""
        if self.standing.changed[cells.of]:
            return f"select * from {differing(cells)}"
        return f"select * from ({sql}) as cells where false"

    def _put_aside(self, query: str) -> None:
        """Keep the rows of a query until the next one's."""
        self.session.execute(f"drop table if exists {ASIDE}")
        self.session.execute(f"create temporary table {ASIDE} as {query}")

    def _transaction(self, deletion: str, table: str, query: str) -> None:
        self.session.execute("begin")
        self.session.execute(deletion)
        self.session.fill(table, query)
        self.session.execute("commit")

    def by_record(self, sql: str, reading: Reading) -> str:
        """A model's query with the inputs that it reads by record cut to the records of the set.

        Each has a name where the query gives it none: PostgreSQL wants one.
        """
        records = {}
        for name, (column, its) in reading.of.items():
            node = self.nodes[name]
            if reading.wholly and not node.reading:
                continue
            rows = node.relation
            if node.materialized == "view" and node.reading:
                rows = f"({self.by_record(node.sql_of(self.values), node.reading)}) as rows"
            mark = f"{{{{{name}}}}}"
            among = self._among(column, reading, its)
            records[mark] = f"(select * from {rows} where {among})"
            sql = re.sub(rf"{re.escape(node.relation)}(?!\s+as\b)", f"{mark} as {name}", sql)
            sql = sql.replace(node.relation, mark)
        for mark, cut in records.items():
            sql = sql.replace(mark, cut)
        return sql

    def _is_whole(self, node: Node, reading: Reading) -> bool:
        """Whether a model is built whole; what it read is put down for the next build."""
        before = dict(
            self.session.rows(
                f"select input, digest from {INPUTS_READ} where model = '{node.name}'"
            )
        )
        found = self.inputs.digests(node, replace(self.clock, settled=self.before.settled))
        changed = [name for name, digest in found.items() if before.get(name) != digest]
        whole = {node.name, *_by_record(self.nodes, reading)}
        changed += sorted(self.built_whole & whole)
        if changed:
            log.info("%s: built whole, as %s changed", node.name, " and ".join(changed))
            self.built_whole.add(node.name)
        self.inputs.put_down(node, self.clock)
        return bool(changed)


@dataclass
class Inputs:
    """What is compared of what models read: of models by name, asked of the warehouse once.

    Whoever asks comes after what is asked for is built.
    """

    session: Session
    nodes: Mapping[str, Node]
    known: dict[str, str] = field(default_factory=dict)

    def digests(self, node: Node, clock: Clock) -> dict[str, str]:
        """What is in the inputs of a model that are compared, by their names."""
        compared = dict(_compared(self.nodes, node, clock))
        new = {rows: rows for rows in compared.values() if rows not in self.known}
        self.known |= contents(self.session, new)
        return {name: self.known[rows] for name, rows in compared.items()}

    def put_down(self, node: Node, clock: Clock) -> None:
        """Put down what a model that is recomputed by record has read, for the next build."""
        self.session.execute(f"delete from {INPUTS_READ} where model = '{node.name}'")
        if found := self.digests(node, clock):
            rows = [(node.name, name, text) for name, text in found.items()]
            self.session.put_texts(INPUTS_READ, rows)


def _compared(nodes: Mapping[str, Node], node: Node, clock: Clock) -> Iterator[tuple[str, str]]:
    """The inputs that are compared, and the query of their rows; of views read through, too."""
    reading = node.reading
    assert reading is not None
    if reading.by_month:
        yield (
            "the month",
            f"select date '{clock.month}' as month, date '{clock.current_month}' as current_month",
        )
    for name in dict.fromkeys(node.parents):
        if name in reading.of:
            if nodes[name].materialized == "view" and nodes[name].reading:
                yield from _compared(nodes, nodes[name], clock)
        elif name not in reading.apart and name != reading.set:
            rows = reading.compared.get(name, "select * from {rows}")
            rows = rows.replace("{rows}", nodes[name].relation)
            yield name, rows.replace("{settled}", f"date '{clock.settled}'")


def _by_record(nodes: Mapping[str, Node], reading: Reading) -> Iterator[str]:
    """The inputs that are read by record, those of views read through, too."""
    for name in reading.of:
        yield name
        if nodes[name].materialized == "view" and (through := nodes[name].reading):
            yield from _by_record(nodes, through)


def _result(node: Node, began: float, failures: int, total: int) -> dict[str, Any]:
    """What dbt would tell of a node that it has built."""
    is_test = node.resource_type == "test"
    status = (
        ("warn" if node.is_warning else "fail") if failures else "pass" if is_test else "success"
    )
    name = "LogTestResult" if is_test else "LogModelResult"
    return {
        "info": {"name": name, "msg": f"{status} {node.name}", "invocation_id": "increment"},
        "data": {
            "status": status,
            "execution_time": time.time() - began,
            "num_failures": failures,
            "total": total,
            "node_info": {
                "unique_id": node.unique_id,
                "node_name": node.name,
                "resource_type": node.resource_type,
                "materialized": node.materialized,
                "node_status": status,
                "node_started_at": _moment(began),
                "node_finished_at": _moment(time.time()),
            },
        },
    }


def _moment(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat()
