"""A table recomputed by record: only the rows that differ are written, of some only in cells.

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
    _find_cells(session, columns, found, f"select * from {table} where {records}", query)
    first, *_ = columns
    branches = [name for (name,) in session.rows(f"select distinct {first} from {found}")]
    if branches:
        key = f"({', '.join(columns.values())})"
        differ = f"{key} in (select {', '.join(columns)} from {found})"
        # Other branches need not be read again.
        new = f"select * from ({query}) as rows where {first} in ({texts(branches)}) and {differ}"
        write_rows(session, table, f"({records}) and {differ}", new)


def write_rows(session: Session, table: str, records: str, query: str) -> None:
    """Replace a table's rows that are of `records` by those of a query, where they differ.

    A row that is not there as often as before is written anew. Raises what the database raises.
    """
    digest = session.digest_of_row
    changed = f"{digest} in (select digest from changed)"
    for name in ("recomputed", "changed"):
        session.execute(f"drop table if exists {name}")
    session.execute(f"create temporary table recomputed as select * from {table} limit 0")
    session.fill("recomputed", query)
    session.execute(
        f"""create temporary table changed as
        select digest from (
            select {digest} as digest, 1 as times
            from (select * from {table} where {records}) as rows
            union all
            select {digest} as digest, -1 as times from recomputed as rows
        ) as sides
        group by digest having sum(times) <> 0"""
    )
    session.execute("begin")
    session.execute(f"delete from {table} as rows where ({records}) and {changed}")
    session.fill(table, f"select * from recomputed as rows where {changed}")
    session.execute("commit")


def texts(names: Iterable[object]) -> str:
    """Names as a list in SQL."""
    return ", ".join(f"'{name}'" for name in names)


def _find_cells(
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
