"""A table recomputed by record whose rows lie in cells: of those only what differs is written.

Most of what is recomputed comes out as it was, and to hash rows costs a tenth of writing them.
"""

from __future__ import annotations

from collections.abc import Iterable

from dagster_project.run.nodes import Node, Reading
from ingestion.warehouse.session import Session


def write_cells(
    session: Session, node: Node, reading: Reading, records: str, query: str, listed_in: str
) -> None:
    """Replace a node's rows that are of `records`, in the cells where a query has others for them.

    These cells are what is in the table `listed_in` then. `records` is a condition on rows, of the
    node's table as of the query. Raises what the database raises.
    """
    _compare(session, reading, f"select * from {node.relation} where {records}", query)
    # The two tables may be in two files, which no transaction of DuckDB spans.
    session.execute(f"delete from {listed_in}")
    session.fill(listed_in, "select * from differing")
    inputs = [name for (name,) in session.rows(f"select distinct {reading.wholly} from differing")]
    if inputs:
        key = f"({', '.join(reading.cells.values())})"
        differ = f"{key} in (select {', '.join(reading.cells)} from differing)"
        # What names an input is constant in its rows: of the others none is read again.
        of_inputs = f"{reading.wholly} in ({texts(inputs)})"
        session.execute("begin")
        session.execute(f"delete from {node.relation} where ({records}) and {differ}")
        session.fill(
            node.relation, f"select * from ({query}) as rows where {of_inputs} and {differ}"
        )
        session.execute("commit")


def texts(names: Iterable[str]) -> str:
    """Names as a list in SQL."""
    return ", ".join(f"'{name}'" for name in names)


def _compare(session: Session, reading: Reading, before: str, now: str) -> None:
    """Put the cells of which two queries have other rows, or not as often, into `differing`."""
    names = ", ".join(reading.cells)
    columns = ", ".join(f"{column} as {name}" for name, column in reading.cells.items())
    sides = " union all ".join(
        f"""select {columns}, {session.digest_of_rows} as digest
        from ({rows}) as rows group by {", ".join(reading.cells.values())}"""
        for rows in (before, now)
    )
    session.execute("drop table if exists differing")
    session.execute(
        f"""create temporary table differing as
        select {names} from ({sides}) as sides
        group by {names} having count(*) < 2 or min(digest) <> max(digest)"""
    )
