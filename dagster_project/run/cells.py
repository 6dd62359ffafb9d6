"""A table recomputed by record whose rows lie in cells: of those only what differs is written.

Most of what is recomputed comes out as it was, and to hash rows costs a tenth of writing them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dagster_project.run.nodes import Cells
from ingestion.warehouse.session import Session


def differing(cells: Cells) -> str:
    """The temporary table of the cells that differed when a table was written last."""
    return f"differing_in_{cells.of}"


def write_cells(session: Session, table: str, cells: Cells, records: str, query: str) -> None:
    """Replace a table's rows that are of `records`, in the cells where a query has others for them.

    These cells are in `differing` then. `records` is a condition on rows; the first column of a
    cell is constant in each branch of the query. Raises what the database raises.
    """
    columns = cells.columns
    found = differing(cells)
    _compare(session, columns, found, f"select * from {table} where {records}", query)
    first, *_ = columns
    branches = [name for (name,) in session.rows(f"select distinct {first} from {found}")]
    if branches:
        key = f"({', '.join(columns.values())})"
        differ = f"{key} in (select {', '.join(columns)} from {found})"
        # Other branches need not be read again.
        new = f"select * from ({query}) as rows where {first} in ({texts(branches)}) and {differ}"
        session.execute("begin")
        session.execute(f"delete from {table} where ({records}) and {differ}")
        session.fill(table, new)
        session.execute("commit")


def texts(names: Iterable[object]) -> str:
    """Names as a list in SQL."""
    return ", ".join(f"'{name}'" for name in names)


def _compare(
    session: Session, columns: Mapping[str, str], found: str, before: str, now: str
) -> None:
    """Put the cells of which two queries have other rows, or not as often, into a table."""
    names = ", ".join(columns)
    named = ", ".join(f"{column} as {name}" for name, column in columns.items())
    sides = " union all ".join(
        f"""select {named}, {session.digest_of_rows} as digest
        from ({rows}) as rows group by {", ".join(columns.values())}"""
        for rows in (before, now)
    )
    session.execute(f"drop table if exists {found}")
    session.execute(
        f"""create temporary table {found} as
        select {names} from ({sides}) as sides
        group by {names} having count(*) < 2 or min(digest) <> max(digest)"""
    )
